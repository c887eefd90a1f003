"""Agents in a process of their own that can't hurt anybody. See `agents.sandbox.player`.

Nothing is imported here: the agent's process passes this file before it is locked in.
"""
