"""From a file to an `AgentPackage`: what is in it, checked, with nothing executed."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from agents.packages.architecture import ACTIVATIONS, Architecture, read_architecture
from agents.packages.archive import Archive
from agents.packages.limits import (
    MAX_FILE_BYTES,
    MAX_MEMBERS,
    MAX_SETTINGS_BYTES,
    MAX_TEXT_BYTES,
    MAX_WEIGHTS_BYTES,
)
from agents.packages.onnx_file import OnnxNetwork, read_onnx
from agents.packages.refusals import AgentRefused
from agents.packages.sb3_data import SavedModel, read_data
from agents.packages.settings import OnnxSettings, PackageSettings, Sb3Settings, read_settings
from agents.packages.tensors import read_safetensors
from agents.packages.torch_file import read_torch_file
from agents.packages.writing import zipped
from agents.player import Kind, PlayerInfo
from envs.games import FULL_ACTION_SET, Game, find_game
from envs.names import check_name
from envs.rules import named_rules

SETTINGS, WEIGHTS, ONNX = "agent.toml", "weights.safetensors", "model.onnx"
TEXTS = ("README.md", "LICENSE")
"""What else a package may hold, for people."""

_CODE = (".py", ".pyc", ".pyd", ".pyw", ".pyx", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".js", ".whl", ".egg")
_NESTED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")


@dataclass(frozen=True, slots=True)
class Sb3Network:
    """The tensors of an SB3 policy, and what they make."""

    tensors: dict[str, np.ndarray]
    """Float32, by SB3's parameter names."""
    architecture: Architecture
    settings: Sb3Settings
    """What the weights don't tell, as `agent.toml` or the plain zip's `data` says it."""
    saved_actions: int | None = None
    """How many actions a plain zip says that it has."""


@dataclass(frozen=True, slots=True)
class AgentPackage:
    """An agent that was admitted."""

    content: bytes
    """The whole zip as it was read: what is handed on, so that nobody has to read the path again."""
    sha256: str
    """Of `content`, in hexadecimal: the agent's identity."""
    name: str
    settings: PackageSettings | None
    """`agent.toml`; None for a plain SB3 zip, which has none."""
    network: Sb3Network | OnnxNetwork

    @property
    def info(self) -> PlayerInfo:
        return PlayerInfo(self.name, Kind.BOT, self.sha256)

    @property
    def kind(self) -> str:
        """`sb3` or `onnx`."""
        return "onnx" if isinstance(self.network, OnnxNetwork) else "sb3"

    @property
    def author(self) -> str:
        return (self.settings and self.settings.author) or ""

    @property
    def licence(self) -> str:
        return self.settings.licence if self.settings else ""

    @property
    def algorithm(self) -> str:
        return self.settings.algo if self.settings else ""

    @property
    def training(self) -> Mapping[str, Any]:
        return self.settings.training if self.settings else {}

    @property
    def games(self) -> tuple[str, ...]:
        """ROM names; none for a plain SB3 zip, which doesn't say."""
        return self.settings.all_games if self.settings else ()

    @property
    def preprocessing(self) -> str:
        return self.settings.preprocessing if self.settings else "ale-native-84"

    @property
    def frame_skip(self) -> int | None:
        """Frames per decision; None for a plain SB3 zip, which doesn't say."""
        return self.settings.frame_skip if self.settings else None

    def frame_skip_in(self, game: Game) -> int:
        """Frames per decision in `game`: those of the arena's own way where the agent doesn't say."""
        return self.frame_skip or game.frame_skip

    @property
    def stack(self) -> int:
        if self.settings:
            return self.settings.stack
        return self.network.architecture.stack if isinstance(self.network, Sb3Network) else 4

    @property
    def action_set(self) -> tuple[int, ...] | None:
        """ALE's codes of the network's outputs; None for the game's own, in their order."""
        if self.settings:
            return tuple(self.settings.action_set) if self.settings.action_set else None
        return FULL_ACTION_SET if self._outputs == len(FULL_ACTION_SET) else None

    @property
    def actions(self) -> int | None:
        """How many actions the network decides between; None where only the game can say: for a QR-DQN whose file
        doesn't, and for an ONNX network that answers with actions."""
        return self._outputs if self.action_set is None else len(self.action_set)

    @property
    def _outputs(self) -> int | None:
        if isinstance(self.network, OnnxNetwork):
            return self.network.actions
        if self.network.saved_actions is not None:
            return self.network.saved_actions
        return None if self.network.architecture.head.startswith("quantile") else self.network.architecture.outputs

    @property
    def draws(self) -> bool:
        """Whether the network's answers are logits to draw from; else they are values, of which the best counts."""
        if isinstance(self.network, OnnxNetwork):
            return self.onnx.output in ("logits", "probabilities")
        return self.network.architecture.draws

    @property
    def onnx(self) -> OnnxSettings:
        """What an ONNX network takes and gives."""
        return (self.settings and self.settings.onnx) or OnnxSettings()

    def check_game(self, game: Game) -> None:
        """Check that the agent can play `game`.

        Raises:
            Refused: it was made for another one, or has other actions.
            RomError: the game isn't here.
        """
        if self.games and game.name not in self.games:
            raise AgentRefused("game-other", f"this agent was trained for {', '.join(self.games)}, not for {game.name}")
        allowed = named_rules(game).action_set
        # Trained on all of ALE's actions (`full_action_space=True`), it plays the nearest ones of any game.
        strange = [code for code in self.action_set or () if code not in allowed]
        if strange and self.action_set != FULL_ACTION_SET:
            raise AgentRefused(
                "actions-wrong",
                f"its action_set has {', '.join(map(str, strange))}, which {game.name} doesn't; there are "
                f"{', '.join(map(str, allowed))}",
            )
        actions = len(self.action_set or allowed)
        whose = "its action_set" if self.action_set else game.title
        if self._outputs not in (None, actions):
            raise AgentRefused(
                "actions-wrong",
                f"the network decides between {self._outputs} actions; {whose} has {actions}",
                hint="" if self.action_set or (self._outputs or 0) < actions else "choose the game that it learned on",
            )
        if isinstance(self.network, Sb3Network):
            self.network.architecture.quantiles(actions, whose)


def admit(path: Path, stack: int | None = None) -> AgentPackage:
    """Read the agent in `path`, a package (zip or folder) or a plain SB3 zip.

    Args:
        stack: how many grey pictures a plain SB3 zip takes, if somebody says it: three channels of a file that doesn't
            may as well be one picture in colour.

    Raises:
        Refused: it isn't one, or has something that no player needs.
    """
    try:
        if path.is_dir():
            return admit_bytes(_folder(path), str(path), path.name)
        if path.suffix.lower() in _CODE:
            raise AgentRefused("holds-code", "this is a program, not a network")
        return admit_bytes(_content(path), str(path), path.stem, stack)
    except OSError as error:
        raise AgentRefused("file-unreadable", f"it can't be read ({error.strerror})", str(path)) from None
    except AgentRefused as refused:
        raise refused.at(str(path)) from None


def admit_bytes(content: bytes, where: str, name: str = "agent", stack: int | None = None) -> AgentPackage:
    """Do the same for a file in memory.

    Args:
        where: what messages call it.
        name: what the agent is called if the file doesn't say; cut and mended to make a name.
        stack: as for `admit`.
    """
    try:
        return _admitted(content, name, stack)
    except AgentRefused as refused:
        raise refused.at(where) from None


def _content(path: Path) -> bytes:
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise AgentRefused("file-kind", "it is neither a file nor a folder")
    _check_size(about.st_size)
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)  # it may have grown
    _check_size(len(content))
    return content


def _check_size(size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise AgentRefused(
            "file-too-large", f"an agent has at most {MAX_FILE_BYTES >> 20} MiB; this one has {-(-size >> 20):,}"
        )
    if not size:
        raise AgentRefused("file-empty", "the file is empty")


def _folder(path: Path) -> bytes:
    """Return the zip that a folder's package is."""
    if not (path / SETTINGS).is_file():
        raise AgentRefused("file-kind", f"it is a folder without {SETTINGS}")
    files = sorted(path.iterdir())
    _check_members([file.name + "/" * file.is_dir() for file in files[: MAX_MEMBERS + 1]])
    for file in files:
        _check_size(file.stat().st_size)
    return zipped({file.name: _content(file) for file in files})


def _admitted(content: bytes, name: str, stack: int | None) -> AgentPackage:
    _check_size(len(content))
    if content[:4] != b"PK\x03\x04":
        raise _no_zip(content)
    archive = Archive(content, MAX_MEMBERS)
    settings = None
    network: Sb3Network | OnnxNetwork
    if "policy.pth" in archive.names and SETTINGS not in archive.names:
        _check_sb3_members(archive)
        saved = read_data(archive) if "data" in archive.names else SavedModel()
        network = _saved(read_torch_file(archive.read("policy.pth", MAX_WEIGHTS_BYTES)), saved)
        _check_grey(network.architecture.stack, stack)
    else:
        _check_members(archive.names)
        settings = read_settings(archive.read(SETTINGS, MAX_SETTINGS_BYTES))
        for text in set(TEXTS) & set(archive.names):
            archive.read(text, MAX_TEXT_BYTES)
        network = _network(archive, settings)
    package = AgentPackage(
        content,
        hashlib.sha256(content).hexdigest(),
        settings.name if settings else _made_name(name),
        settings,
        network,
    )
    _check_fit(package)
    return package


def _no_zip(content: bytes) -> AgentRefused:
    if content[:2] == b"#!" or re.match(rb"\s*(import|from|def|class|#)\b", content[:200]):
        return AgentRefused("holds-code", "this is a program, not a network")
    if content[:1] == b"\x08" and b"\x3a" in content[:4096]:  # the first fields of a ModelProto: ir_version, then text
        return AgentRefused("onnx-bare", "this looks like an ONNX file without its settings")
    if content[:4] == b"PK\x05\x06":
        return AgentRefused("not-an-agent", "the zip is empty")
    if content[:1] == b"P" and b"PK\x05\x06" in content[-22:]:
        return AgentRefused("zip-damaged", "the zip doesn't begin as one")
    return AgentRefused("not-an-agent", "this is neither an agent package nor a Stable-Baselines3 zip")


def _check_members(names: list[str]) -> None:
    """Check what a package holds, by the members' names."""
    if len(names) > MAX_MEMBERS:
        raise AgentRefused("zip-too-many-members", f"the folder holds more than {MAX_MEMBERS} files")
    _check_kinds(names)
    if SETTINGS not in names:
        within = next((n for n in names if n.endswith((f"/{SETTINGS}", "/policy.pth"))), None)
        if within is not None:
            raise AgentRefused(
                "zip-folder-inside", f"{within.rpartition('/')[2]} lies in a folder of the zip: {within!a}"
            )
        if ONNX in names or WEIGHTS in names:
            raise AgentRefused("member-missing", f"the package has no {SETTINGS}")
        if any(name.endswith("/data.pkl") for name in names):
            raise AgentRefused("not-an-agent", "this is a file of torch.save, whose network only its own program knows")
        raise AgentRefused("not-an-agent", f"the zip holds neither {SETTINGS} nor policy.pth of Stable-Baselines3")
    for name in names:
        if name not in (SETTINGS, WEIGHTS, ONNX, *TEXTS):
            raise AgentRefused("member-unknown", f"the package holds {name[:60]!a}, which is no part of an agent")


def _check_sb3_members(archive: Archive) -> None:
    _check_kinds(archive.names)
    for name in archive.names:
        known = ("data", "_stable_baselines3_version", "system_info.txt")
        if name not in known and not re.fullmatch(r"[\w.]+\.pth", name):
            raise AgentRefused("member-unknown", f"the zip holds {name[:60]!a}, which Stable-Baselines3 doesn't write")


def _check_kinds(names: list[str]) -> None:
    for name in names:
        if name.lower().rstrip("/").endswith(_CODE):
            raise AgentRefused("holds-code", f"the zip holds a program, {name[:60]!a}")
        if name.lower().endswith(_NESTED):
            raise AgentRefused("zip-nested", f"the zip holds another archive, {name[:60]!a}")


def _network(archive: Archive, settings: PackageSettings) -> Sb3Network | OnnxNetwork:
    wanted, other = (ONNX, WEIGHTS) if settings.kind == "onnx" else (WEIGHTS, ONNX)
    if wanted not in archive.names:
        raise AgentRefused("member-missing", f'the package has kind = "{settings.kind}" and no {wanted}')
    if other in archive.names:
        raise AgentRefused("member-unknown", f'the package has kind = "{settings.kind}" and also {other}')
    content = archive.read(wanted, MAX_WEIGHTS_BYTES)
    if content[:4] == b"PK\x03\x04":
        raise AgentRefused("zip-nested", f"{wanted} is itself a zip")
    if settings.kind == "onnx":
        return read_onnx(content, settings.onnx or OnnxSettings())
    return _sb3(read_safetensors(content), settings.sb3 or Sb3Settings())


def _sb3(tensors: dict[str, np.ndarray], settings: Sb3Settings) -> Sb3Network:
    return Sb3Network(tensors, read_architecture({name: tensor.shape for name, tensor in tensors.items()}), settings)


def _saved(tensors: dict[str, np.ndarray], saved: SavedModel) -> Sb3Network:
    """Return the network of a plain SB3 zip."""
    plain = {name.replace("_orig_mod.", ""): tensor for name, tensor in tensors.items()}  # torch.compile adds that
    if len(plain) != len(tensors):
        raise AgentRefused("weights-unreadable", "two tensors have the same name but for torch.compile's _orig_mod")
    network = _sb3(plain, Sb3Settings.model_validate({"pixels": saved.pixels}))
    if not network.architecture.hidden:
        return replace(network, saved_actions=saved.actions)
    if saved.activation and saved.activation not in ACTIVATIONS:
        raise AgentRefused(
            "network-unknown",
            f"the activation of its hidden layers is {saved.activation[:80]!a}; known are {', '.join(ACTIVATIONS)}, "
            "each without arguments",
        )
    settings = network.settings.model_copy(update={"activation": saved.activation or None})
    return replace(network, settings=settings, saved_actions=saved.actions)


def _check_grey(channels: int, stack: int | None) -> None:
    if channels % 3 == 0 and stack is None:
        colour = "one picture" if channels == 3 else f"{channels // 3} pictures"
        raise AgentRefused(
            "stack-wrong",
            f"the network takes {channels} channels, which are {channels} grey pictures, or {colour} in colour; the "
            "file doesn't say, and only grey ones can be played",
            hint=f"if they are grey, say so: arena agent pack FILE --game GAME --stack {channels}",
        )


def _check_fit(package: AgentPackage) -> None:
    """Check network and settings against each other, and against the games that are named."""
    network = package.network
    stack = network.architecture.stack if isinstance(network, Sb3Network) else network.stack
    if stack != package.stack:
        raise AgentRefused(
            "stack-wrong", f"the network takes {stack} pictures at once; it would be given {package.stack}"
        )
    for game in package.games:
        package.check_game(find_game(game))


def _made_name(text: str) -> str:
    """Return a name for an agent whose file doesn't say one."""
    letters = "".join(c for c in text if c.isprintable())[:32].strip()
    try:
        return check_name(letters)
    except Exception:
        return "agent"
