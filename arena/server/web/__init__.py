"""The web pages. They read through `arena.server.public_views` and never start a match."""
