"""Why an agent isn't taken: every reason has a code that programs may rely on, and a way to mend it."""

from __future__ import annotations

from envs.errors import AgentError
from envs.extras import install_command

_EXPORT = "export the network again, as one file with standard operators; docs/agent-package.md shows how"
_SAVE = "save it with model.save(FILE) of Stable-Baselines3, or export it as ONNX and pack that with: arena agent pack"
_ZIP = "make the file again, with model.save(FILE) or from the trained model with: arena agent pack"
_NET = "train with CnnPolicy on 84x84 pictures and discrete actions, or export another network as ONNX"

HINTS: dict[str, str] = {
    # the file
    "file-unreadable": "check the path and that the file may be read",
    "file-kind": "give the agent's file, or a folder with agent.toml in it",
    "file-empty": "copy or download it again",
    "file-too-large": "use a smaller network, or put only its weights into a package; docs/agent-package.md shows how",
    "not-an-agent": _SAVE,
    "onnx-bare": "pack it and say how it is used: arena agent pack MODEL.onnx --game GAME --pixels uint8 "
    "--output logits",
    "holds-code": "send weights or an ONNX file; a program is no agent package",
    # the zip
    "zip-damaged": "copy or download it again, or " + _ZIP,
    "zip-too-many-members": _ZIP,
    "zip-duplicate": _ZIP,
    "zip-member-name": _ZIP,
    "zip-encrypted": "make the zip without a password",
    "zip-packing": "make the zip with the usual method (deflate) or without compression",
    "zip-overlap": _ZIP,
    "zip-bomb": "leave out what playing doesn't need; " + _ZIP,
    "zip-link": "put the files themselves into the zip, not links to them",
    "zip-nested": "send one package per file, not a zip of zips",
    "zip-folder-inside": "zip the files themselves, not the folder around them",
    "member-missing": "add it; docs/agent-package.md lists the members",
    "member-unknown": "leave it out; docs/agent-package.md lists the members",
    "member-too-large": "leave out what playing doesn't need",
    "code-in-data": "save the model in a fresh Python process, without custom objects",
    "code-in-weights": "save the policy with model.save(FILE), which writes named tensors only",
    # agent.toml
    "settings-unreadable": "write agent.toml as in docs/agent-package.md",
    "settings-wrong": "correct agent.toml; docs/agent-package.md has an example of every line",
    # the numbers
    "weights-unreadable": _SAVE,
    "weights-too-large": "use a smaller network",
    "weights-type": "convert the weights to float32 or float16",
    "weights-stride": "save contiguous tensors: {name: tensor.contiguous().clone() ...}",
    "weights-not-finite": "the training has diverged; take an earlier checkpoint",
    # the network
    "network-unknown": _NET,
    "layer-missing": _NET,
    "layer-unknown": _NET,
    "layer-shape": _NET,
    "input-other": "train on the arena's pictures, 84x84 and grey, as scripts/train.py and SB3's make_atari_env do",
    "stack-wrong": "say in agent.toml how many pictures the network was trained on, or train with that many",
    "actions-wrong": "train for this game's action set, or list your outputs' ALE codes as action_set in agent.toml",
    "game-other": "choose the game it was made for",
    # ONNX
    "onnx-unreadable": _EXPORT,
    "onnx-too-large": "use a smaller network, or store its weights as raw data",
    "onnx-external-data": "save the model with its weights inside: torch.onnx.export(..., external_data=False)",
    "onnx-custom-operator": _EXPORT,
    "onnx-operator": _EXPORT,
    "onnx-version": "export with opset_version=17",
    "onnx-subgraph": "export without control flow (If, Loop, Scan) and without functions of its own",
    "onnx-input": "export with one input of shape (batch, stack, 84, 84), or (batch, 84, 84, stack) with "
    'layout = "nhwc", and say its pixels in agent.toml',
    "onnx-output": "export with one output of shape (batch, actions), or name it as `output_name` in agent.toml",
    # on the way to a game
    "load-failed": "play it on your own machine first: arena evaluate FILE --game GAME --seeds 1",
    "extra-missing": install_command("onnx"),
    "too-slow": "use a smaller network",
    "forfeit": "play it on your own machine first: arena evaluate FILE --game GAME --seeds 1",
}
"""How to mend what each code stands for. docs/agent-package.md lists them all."""


class AgentRefused(AgentError):
    """A file that the arena doesn't take as an agent.

    Attributes:
        code: one of `HINTS`.
        sentence: what is wrong, without the file's name.
        mend: what to do about it: that of its code, unless there is something better to say.
        where: what the file is called, or "".
    """

    def __init__(self, code: str, sentence: str, where: str = "", hint: str = "") -> None:
        self.code = code
        self.sentence = sentence
        self.hint = hint or HINTS[code]
        self.where = where
        super().__init__(code, sentence, where, hint)  # what pickling gives back to the constructor

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.sentence.rstrip('.')} ({self.code}); {self.hint}."

    def at(self, where: str) -> AgentRefused:
        """Return the same refusal with the file's name."""
        return AgentRefused(self.code, self.sentence, where, self.hint)
