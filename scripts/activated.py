"""To be imported first by scripts that need the environment: says what to type where it isn't active."""

import os
import sys
from importlib.util import find_spec

if find_spec("torch") is None or find_spec("gymnasium") is None:
    activate = r".venv\Scripts\activate" if os.name == "nt" else "source .venv/bin/activate"
    sys.exit(
        f"error: The arena's libraries aren't there for this Python, {sys.executable}; type `{activate}` first, or, if "
        "there is no .venv yet, `python3 scripts/demo.py`."
    )
