"""`arena stage`: the show of a tournament for a hall. It reads the tournament's log and its games, and decides nothing."""
