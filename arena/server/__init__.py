"""The shared scoreboard as a web server: it believes nothing, and keeps what it has acknowledged."""
