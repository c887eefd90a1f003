"""The way of a game through the server: ticket, live chain, upload, verification, and how far it is trusted."""
