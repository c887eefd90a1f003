"""Set the arena up in this folder, if it isn't yet, and play a small event: `python3 scripts/demo.py`.

Needs Python 3.11 or newer and, the first time, the package index. Options are those of `arena demo`.
"""

import sys

from bootstrap import become, prepare

if __name__ == "__main__":
    become(prepare().program("arena"), "demo", *sys.argv[1:])
