"""Players, and everything that makes one."""
