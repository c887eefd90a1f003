"""One module per suite of `scripts/benchmark.py`."""
