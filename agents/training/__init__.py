"""Teaching networks: algorithms, checkpoints, lessons by a teacher, and the package that comes of a run.

Scripts and the command line train with it; nothing that plays, records or ranks imports it.
"""
