"""The record of one episode: what it is, its one spelling in bytes, and how it gets to disk."""
