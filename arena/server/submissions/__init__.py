"""Agents that are sent in: the queue, and their evaluation."""
