"""The report of an event: verdicts, standings, plots, the story of the finals, highlights and proof, in one file."""
