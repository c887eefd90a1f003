"""A station or a participant, as a server sees them: what is sent, and what waits while the server can't be reached.

Games go out through the server's API. It doesn't know the server's code, and no window.
"""
