"""The commands of `arena`, one module for each group: they read options, call the packages and print.

`arena.cli` imports a module when one of its commands is called, so imports stand at the top. They may know every other
package; none imports a command.
"""
