"""Processes that work for this one, follow it, or are watched over. It imports nothing else of the arena."""
