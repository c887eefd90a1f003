"""Checks that change nothing: of this machine, of an agent's file, and of how an agent has played."""
