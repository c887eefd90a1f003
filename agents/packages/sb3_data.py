"""The member `data` of an SB3 zip: settings of the training, some of them as pickles.

What can be read in plain JSON says how the network was built and what it saw; SB3 writes beside every pickle the plain
values of what is in it. That much is read here. No pickle is ever loaded, whatever it holds. But SB3's own `load` would
run them, and somebody may want to look at an agent in that way. So what looks like an attack on them is refused. That
is a warning lamp and no wall: who wants to can hide code from it.
"""

from __future__ import annotations

import base64
import json
import pickletools
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from agents.packages.architecture import MAX_STACK, RECURRENT, SIDE, STATELESS
from agents.packages.archive import Archive
from agents.packages.limits import MAX_DATA_BYTES, MAX_PLAIN_DATA_BYTES
from agents.packages.refusals import AgentRefused

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
_PATHS = {f"{module}.{kind}" for module in ("pathlib", "pathlib._local") for kind in (
    "Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"
)}  # fmt: skip
"""Classes of paths, which are only texts: `tensorboard_log=Path("logs")`. Not so their methods."""
_LEAVE_OUT = (
    "save it without what playing doesn't need: model.save(FILE, exclude=['_last_obs', 'ep_info_buffer']), and what "
    "you added yourself"
)


@dataclass(frozen=True, slots=True)
class SavedModel:
    """What `data` says of the network."""

    pixels: str = "unit"
    """`unit` or `raw`, as in `agents.packages.settings.Sb3Settings`."""
    activation: str = ""
    """Of the hidden layers: a class of `torch.nn`, or a text that names none; empty if not said."""
    actions: int | None = None
    """None if not said."""


def read_data(archive: Archive) -> SavedModel:
    """Look through `data`.

    Raises:
        Refused: it isn't the JSON that SB3 writes, a pickle in it names what no model needs, or the model was trained
            in a way in which the arena can't play it.
    """
    try:
        content = archive.read("data", MAX_DATA_BYTES)
    except AgentRefused as refused:
        if refused.code != "member-too-large":
            raise
        raise AgentRefused(refused.code, refused.sentence, hint=_LEAVE_OUT) from None
    if not content.lstrip()[:1] == b"{":
        raise _not_sb3s("the member `data`")
    _check_pickles(content)
    return _saved_model(_plain(content))


def _check_pickles(content: bytes) -> None:
    left = _MAX_OPCODES
    for match in _PICKLE.finditer(content):
        left -= _PER_PICKLE
        try:
            names, count = _named(base64.b64decode(match.group(1).replace(rb"\n", b"")), left)
            left -= count
        except AgentRefused:
            raise
        except Exception as error:  # no base64, no pickle
            raise AgentRefused("code-in-data", f"a pickle in `data` is damaged ({type(error).__name__})") from None
        by_name = any(name == "builtins.getattr" or name.split(".")[0] in ("operator", "_operator") for name in names)
        harmless = set() if by_name else _PATHS  # else a path's methods could be called by their names
        for name in names - harmless:
            if name in _DANGEROUS or name.split(".")[0] in _DANGEROUS:
                raise AgentRefused(
                    "code-in-data",
                    f"a pickle in `data` names {name[:60]!a}; the arena wouldn't load it, but PPO.load would run it",
                )


def _plain(content: bytes) -> dict[str, Any]:
    """Return the JSON without the pickles."""
    content = _PICKLE.sub(b'":serialized:": ""', content)
    if len(content) > MAX_PLAIN_DATA_BYTES:
        raise AgentRefused(
            "member-too-large",
            f"`data` has {len(content):,} bytes besides pickles, more than {MAX_PLAIN_DATA_BYTES:,}",
            hint=_LEAVE_OUT,
        )
    table: Any = None
    with suppress(ValueError, RecursionError):
        table = json.loads(content, object_pairs_hook=_table_of)
    if type(table) is not dict:  # raised out here: an error with a RecursionError's frames can't be pickled
        raise _not_sb3s("the member `data`")
    return table


def _table_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name stands there twice")
    return table


def _not_sb3s(what: str) -> AgentRefused:
    return AgentRefused("code-in-data", f"{what} is not the JSON that Stable-Baselines3 writes")


def _saved_model(data: dict[str, Any]) -> SavedModel:
    """What cannot be played gets the reason that decides: of several the one that no change of another could mend."""
    kwargs = _part(data, "policy_kwargs")
    space, choice = _part(data, "observation_space"), _part(data, "action_space")
    policy, module = _policy(_part(data, "policy_class"))
    if "recurrent" in module:
        raise AgentRefused("network-unknown", RECURRENT, hint=STATELESS)
    actions = _actions(choice)
    _check_space(space)
    extractor = _class_of(kwargs, "features_extractor_class")
    ours = re.fullmatch(r"agents\.([\w.]+\.)?(ImpalaCNN|FastNatureCNN)", extractor)
    if module and not module.startswith(("stable_baselines3.", "sb3_contrib.", "agents.")):
        raise _own_class("its policy", f"{module}.{policy}")
    if extractor and not ours and extractor != "stable_baselines3.common.torch_layers.NatureCNN":
        raise _own_class("its features extractor", extractor)
    if policy and not extractor and "Cnn" not in policy and module.startswith(("stable_baselines3.", "sb3_contrib.")):
        raise AgentRefused(
            "network-unknown", "it was trained with MlpPolicy, which takes a picture for a row of numbers"
        )
    scaled = bool(ours) and "Fast" in extractor  # it divides by 255 itself
    return SavedModel("unit" if scaled else _pixels(kwargs, space), _activation(kwargs), actions)


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    part = data.get(name) or {}
    if type(part) is not dict:
        raise _not_sb3s(f"`{name}` in `data`")
    return part


def _text(part: dict[str, Any], name: str) -> str:
    text = part.get(name) or ""
    if type(text) is not str:
        raise _not_sb3s(f"`{name}` in `data`")
    return text


def _class_of(part: dict[str, Any], name: str) -> str:
    """Return the class that SB3 shows as `<class 'module.Class'>`, or whatever text stands there."""
    text = _text(part, name)
    match = re.fullmatch(r"<class '(.*)'>", text)
    return (match.group(1) if match else text)[:200]


def _policy(part: dict[str, Any]) -> tuple[str, str]:
    """Return class and module of the policy, each empty if not said."""
    match = re.match(r"<function (\w{1,100})\.__init__", _text(part, "__init__"))
    return (match.group(1) if match else "", _text(part, "__module__")[:100])


def _own_class(what: str, name: str) -> AgentRefused:
    return AgentRefused(
        "network-unknown",
        f"{what} is a class of its own, {name[:100]!a}, and the file holds its weights but not what it does with them",
        hint="export it as ONNX (docs/agent-package.md has the lines) and pack that, or train with CnnPolicy as it is",
    )


def _actions(choice: dict[str, Any]) -> int | None:
    kind = _class_of(choice, ":type:").rpartition(".")[2]
    if kind not in ("", "Discrete"):
        raise AgentRefused(
            "network-unknown", f"the network has actions of the kind {kind[:40]!a}; Atari games have Discrete"
        )
    text = str(choice.get("n", ""))[:20]
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _check_space(space: dict[str, Any]) -> None:
    """Check that it saw what the arena can show."""
    kind = _class_of(space, ":type:").rpartition(".")[2]
    if kind not in ("", "Box"):
        raise AgentRefused(
            "input-other", f"it was trained on several inputs at once (a space of the kind {kind[:40]!a})"
        )
    shape = space.get("_shape", space.get("shape"))
    if shape is None:
        return
    if type(shape) is not list or len(shape) > 8 or not all(type(size) is int and 0 <= size < 2**31 for size in shape):
        raise _not_sb3s("the shape of `observation_space` in `data`")
    told = "x".join(map(str, shape))
    if len(shape) != 3:
        ram = " (the console's memory, perhaps)" if shape and shape[0] % 128 == 0 else ""
        raise AgentRefused("input-other", f"it was trained on {told} numbers{ram}, not on pictures")
    channels, height, width = shape
    if (height, width) != (SIDE, SIDE):
        colour = " in colour" if channels == 3 else ""
        raise AgentRefused(
            "input-other",
            f"it was trained on pictures of {height}x{width}{colour} ({told}); the arena's are {SIDE}x{SIDE} and grey",
        )
    if channels > MAX_STACK:
        raise AgentRefused(
            "input-other",
            f"it was trained on {channels} channels of {SIDE}x{SIDE} (pictures in colour, or a stack of more than "
            f"{MAX_STACK})",
        )


def _pixels(kwargs: dict[str, Any], space: dict[str, Any]) -> str:
    scaled = kwargs.get("normalize_images", True)
    if type(scaled) is not bool:
        raise _not_sb3s("`normalize_images` in `data`")
    if scaled:
        return "unit"
    low, high = _bounds(space, "low"), _bounds(space, "high")
    if high in ({255.0}, set()):
        return "raw"
    if (low, high) == ({0.0}, {1.0}):
        return "unit"
    raise AgentRefused(
        "input-other",
        f"it was trained on pixels from {min(low, default='?')} to {max(high)}; the arena's are from 0 to 255, or "
        "divided by 255 (VecNormalize with norm_obs=True changes them; its averages are not in the file)",
    )


def _bounds(space: dict[str, Any], name: str) -> set[float]:
    """Return the different numbers that numpy shows of an array; none if they aren't shown."""
    return {float(number) for number in re.findall(r"-?\d{1,20}\.?\d{0,20}", _text(space, name)[:10_000])}


def _activation(kwargs: dict[str, Any]) -> str:
    name = _class_of(kwargs, "activation_fn")
    return re.sub(r"^torch\.nn\.modules\.\w+\.", "", name)


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
            raise AgentRefused(
                "code-in-data", f"the pickles in `data` take more than {_MAX_OPCODES:,} steps", hint=_LEAVE_OUT
            )
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
