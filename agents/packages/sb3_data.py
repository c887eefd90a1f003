"""The member `data` of an SB3 zip: settings of the training, some of them as pickles.

The arena doesn't read it: no pickle in it is ever loaded, whatever it holds. But SB3's own `load` would run them, and
somebody may want to look at an agent in that way. So what looks like an attack on them is refused. That is a warning
lamp and no wall: who wants to can hide code from it.
"""

from __future__ import annotations

import base64
import pickletools
import re
from typing import Any

from agents.packages.archive import Archive
from agents.packages.limits import MAX_DATA_BYTES
from agents.packages.refusals import Refused

_PICKLE = re.compile(rb'":serialized:"\s*:\s*"([A-Za-z0-9+/=\\n]*)"')
_MAX_OPCODES = 300_000
"""Of all pickles together, which takes a third of a second; those that Stable-Baselines3 writes have 1,000."""
_PER_PICKLE = 10
"""What starting on one takes, in opcodes."""
_NAMES = """
    os posix nt subprocess socket sys shutil pathlib runpy importlib ctypes pty webbrowser multiprocessing asyncio
    threading signal code codeop pdb timeit urllib http ftplib smtplib requests tempfile glob io commands builtins.exec
    builtins.eval builtins.compile builtins.open builtins.__import__ builtins.breakpoint builtins.input
"""
_DANGEROUS = frozenset(_NAMES.split())
"""Modules, and functions of `builtins`, that no saved model names."""


def check_data(archive: Archive) -> None:
    """Look through `data`.

    Raises:
        Refused: it isn't the JSON that SB3 writes, or a pickle in it names what no model needs.
    """
    content = archive.read("data", MAX_DATA_BYTES)
    if not content.lstrip()[:1] == b"{":
        raise Refused("code-in-data", "the member `data` is not the JSON that Stable-Baselines3 writes")
    left = _MAX_OPCODES
    for match in _PICKLE.finditer(content):
        left -= _PER_PICKLE
        try:
            names, count = _named(base64.b64decode(match.group(1).replace(rb"\n", b"")), left)
            left -= count
        except Refused:
            raise
        except Exception as error:  # no base64, no pickle
            raise Refused("code-in-data", f"a pickle in `data` is damaged ({type(error).__name__})") from None
        for name in names:
            if name in _DANGEROUS or name.split(".")[0] in _DANGEROUS:
                raise Refused(
                    "code-in-data",
                    f"a pickle in `data` names {name[:60]!a}; the arena wouldn't load it, but PPO.load would run it",
                )


def _named(pickle: bytes, most: int) -> tuple[set[str], int]:
    """Return what the pickle imports, and how many opcodes it has.

    Raises:
        Refused: they are more than `most`.
    """
    names: set[str] = set()
    texts: list[str] = []
    memo: dict[int, str] = {}
    last = ""
    argument: Any
    count = 0
    for opcode, argument, _ in pickletools.genops(pickle):
        count += 1
        if count > most:
            raise Refused("code-in-data", f"the pickles in `data` take more than {_MAX_OPCODES:,} steps")
        if opcode.name in ("GLOBAL", "INST"):
            names.add(argument.replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL" and len(texts) >= 2:
            names.add(f"{texts[-2]}.{texts[-1]}")
        elif "UNICODE" in opcode.name:
            last = str(argument)
            texts.append(last)
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = last
        elif opcode.name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = last
        elif opcode.name in ("BINGET", "LONG_BINGET"):
            texts.append(memo.get(argument, ""))
    return names, count
