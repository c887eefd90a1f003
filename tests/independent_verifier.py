"""A second verifier of recordings, written from `docs/recording-format.md` alone.

It imports nothing of the arena: the standard library, and ale-py for the emulator. It proves that the document is
enough to judge a recording, and keeps the arena's own verifier honest. Its sections follow the document's chapters.

    python tests/independent_verifier.py FILE...

prints one line per file; exit code 0 if all are good, 1 if one is not.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import sys
import unicodedata
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

from ale_py import ALEInterface, LoggerMode
from ale_py.roms import get_rom_path

CHECKPOINT = 600
LARGEST = 2 * 2**20


class Refused(Exception):
    """The file is no recording, contradicts itself, or claims what the emulator doesn't do."""


def demand(condition: object, sentence: str) -> None:
    if not condition:
        raise Refused(sentence)


# -- The container ---------------------------------------------------------------------------------------------------


def container(members: list[tuple[bytes, bytes]]) -> bytes:
    """The ZIP file of these members."""
    body, directory = b"", b""
    for name, content in members:
        common = struct.pack("<HHHHHIII", 20, 0, 0, 0, 33, zlib.crc32(content), len(content), len(content))
        lengths = struct.pack("<HH", len(name), 0)
        directory += struct.pack("<IH", 0x02014B50, 0x0314) + common + lengths
        directory += struct.pack("<HHHII", 0, 0, 0, 0o644 << 16, len(body)) + name
        body += struct.pack("<I", 0x04034B50) + common + lengths + name + content
    return body + directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 2, 2, len(directory), len(body), 0)


def unpack(data: bytes) -> tuple[bytes, bytes]:
    """The contents of `actions.bin` and `manifest.json`."""
    demand(len(data) <= LARGEST, "too large")
    contents, place = [], 0
    for name in (b"actions.bin", b"manifest.json"):
        demand(len(data) >= place + 30, "cut short")
        (size,) = struct.unpack_from("<I", data, place + 22)
        start = place + 30 + len(name)
        contents.append(data[start : start + size])
        place = start + size
    demand(
        container([(b"actions.bin", contents[0]), (b"manifest.json", contents[1])]) == data, "not the one ZIP spelling"
    )
    return contents[0], contents[1]


# -- The manifest ----------------------------------------------------------------------------------------------------

SHA256 = re.compile("[0-9a-f]{64}")


def is_whole(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def is_sha256(value: object) -> bool:
    return isinstance(value, str) and SHA256.fullmatch(value) is not None


def canonical(value: object, *, ascii_only: bool) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii_only, allow_nan=False)


def check_keys(value: object, keys: str, what: str) -> dict[str, Any]:
    demand(isinstance(value, dict) and sorted(value) == sorted(keys.split()), f"{what} has other keys")
    assert isinstance(value, dict)
    return value


def parse(text: bytes) -> dict[str, Any]:
    """The manifest, with everything checked that needs no emulator."""
    try:
        value = json.loads(text.decode("utf-8"))
        demand(canonical(value, ascii_only=False).encode("utf-8") == text, "not the one JSON spelling")
    except (ValueError, RecursionError):
        raise Refused("the manifest is not JSON") from None
    manifest = check_keys(
        value,
        "ale_py ale_seed checkpoints digest end format frames pacing player rules rules_id score seed started_at",
        "the manifest",
    )
    demand(manifest["format"] == "arena-recording/1", "another format")
    check_rules(manifest["rules"])
    identity = hashlib.sha256(canonical(manifest["rules"], ascii_only=True).encode("ascii")).hexdigest()
    demand(manifest["rules_id"] == identity, "rules_id is not the rules'")
    check_player(manifest["player"])
    demand(is_whole(manifest["seed"], 0, 2**53 - 1), "seed")
    demand(type(manifest["ale_seed"]) is int and manifest["ale_seed"] == ale_seed(manifest["seed"]), "ale_seed")
    demand(manifest["ale_seed"] != -1, "a seed that means the clock")
    demand(is_whole(manifest["frames"], 0, manifest["rules"]["max_frames"]), "frames")
    demand(is_whole(manifest["score"], 1 - 2**53, 2**53 - 1), "score")
    demand(manifest["end"] in ("terminated", "truncated", "quit", "failed"), "end")
    demand(
        manifest["end"] != "truncated" or manifest["frames"] == manifest["rules"]["max_frames"], "truncated too early"
    )
    demand(is_sha256(manifest["digest"]), "digest")
    points = manifest["checkpoints"]
    demand(isinstance(points, list) and all(is_sha256(point) for point in points), "checkpoints")
    demand(len(points) == manifest["frames"] // CHECKPOINT, "number of checkpoints")
    version = manifest["ale_py"]
    demand(isinstance(version, str) and re.fullmatch("[0-9][0-9A-Za-z.+-]{0,31}", version), "ale_py")
    check_time(manifest["started_at"])
    check_pacing(manifest["pacing"], manifest["frames"])
    return manifest


def check_rules(value: object) -> None:
    rules = check_keys(value, "action_set difficulty game max_frames mode rom_sha256 sticky", "rules")
    demand(isinstance(rules["game"], str) and re.fullmatch("[a-z0-9_]{1,64}", rules["game"]), "game")
    demand(is_whole(rules["mode"], 0, 255) and is_whole(rules["difficulty"], 0, 3), "mode or difficulty")
    demand(type(rules["sticky"]) is float and 0 <= rules["sticky"] <= 1, "sticky")
    demand(not canonical(rules["sticky"], ascii_only=True).startswith("-"), "sticky is minus zero")
    codes = rules["action_set"]
    demand(isinstance(codes, list) and codes and all(is_whole(code, 0, 17) for code in codes), "action set")
    demand(codes == sorted(set(codes)), "action set is not rising")
    demand(is_whole(rules["max_frames"], 1, 1_000_000) and is_sha256(rules["rom_sha256"]), "max_frames or ROM")


def check_player(value: object) -> None:
    player = check_keys(value, "artifact_sha256 kind name", "player")
    demand(player["kind"] in ("human", "bot", "script", "replay"), "kind")
    demand(player["artifact_sha256"] is None or is_sha256(player["artifact_sha256"]), "artifact")
    name = player["name"]
    demand(isinstance(name, str) and 1 <= len(name) <= 32, "length of the name")
    demand(unicodedata.is_normalized("NFC", name) and name == " ".join(name.split()), "the name isn't tidy")
    kinds = [unicodedata.category(character) for character in name if character not in "\u200c\u200d"]
    demand(not {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} & set(kinds), "a character that no name may hold")
    seen = [c for c in name if unicodedata.category(c)[0] not in "MCZ" and c not in "\u115f\u1160\u2800\u3164\uffa0"]
    demand(seen, "a name that can't be seen")


def check_time(value: object) -> None:
    demand(
        isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value, re.ASCII),
        "started_at",
    )
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        raise Refused("started_at is no moment") from None


def check_pacing(value: object, frames: int) -> None:
    if value is None:
        return
    demand(isinstance(value, dict), "pacing")
    assert isinstance(value, dict)
    further = [key for key in ("held_frames", "pauses") if key in value]
    pacing = check_keys(value, " ".join(["frames_per_second late_frames max_ms p50_ms p99_ms", *further]), "pacing")
    pauses = pacing.pop("pauses", None)
    if "pauses" in further:
        demand(isinstance(pauses, list) and pauses, "pacing pauses")
        for pause in pauses:
            check_keys(pause, "frame ms", "pause")
            demand(type(pause["frame"]) is int and 0 <= pause["frame"] <= frames, "pause frame")
            demand(type(pause["ms"]) is float and pause["ms"] >= 0, "pause ms")
    demand(pacing.get("held_frames") != 0, "pacing held_frames")
    for key, number in pacing.items():
        right = type(number) is int if key in ("late_frames", "held_frames") else type(number) is float
        demand(right and number >= 0, f"pacing {key}")


# -- From seed to ALE's seed -----------------------------------------------------------------------------------------

MASK = 0xFFFFFFFF


def ale_seed(seed: int) -> int:
    """The second word that numpy's SeedSequence gives for `seed`, as a signed number."""
    constant = 0x43B0D7E5

    def stir(value: int) -> int:
        nonlocal constant
        value ^= constant
        constant = constant * 0x931E8875 & MASK
        value = value * constant & MASK
        return value ^ value >> 16

    pool = [stir(word) for word in (seed & MASK, seed >> 32, 0, 0)]
    for source in range(4):
        for target in range(4):
            if source != target:
                mixed = (0xCA01F9DD * pool[target] - 0x4973F715 * stir(pool[source])) & MASK
                pool[target] = mixed ^ mixed >> 16
    constant = 0x8B51F9DD
    word = 0
    for value in pool[:2]:
        word = value ^ constant
        constant = constant * 0x58F38DED & MASK
        word = word * constant & MASK
        word ^= word >> 16
    return word - 2**32 if word >= 2**31 else word


# -- The replay ------------------------------------------------------------------------------------------------------


def replay(manifest: dict[str, Any], actions: bytes) -> None:
    """Let a fresh emulator do what the recording says, and compare."""
    rules = manifest["rules"]
    rom = get_rom_path(rules["game"])
    if rom is None or hashlib.sha256(rom.read_bytes()).hexdigest() != rules["rom_sha256"]:
        raise Refused("another ROM")
    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.setInt("random_seed", manifest["ale_seed"])
    ale.setFloat("repeat_action_probability", rules["sticky"])
    ale.setInt("max_num_frames_per_episode", 0)
    ale.loadROM(rom)
    demand(rules["mode"] in ale.getAvailableModes(), "the game has no such mode")
    demand(rules["difficulty"] in ale.getAvailableDifficulties(), "the game has no such difficulty")
    ale.setMode(rules["mode"])
    ale.setDifficulty(rules["difficulty"])
    ale.reset_game()
    running, score, over = hashlib.sha256(), 0, False
    for frame, action in enumerate(actions, start=1):
        demand(not over, f"the game was over after {frame - 1} frames")
        reward = ale.act(action)
        over = ale.game_over(with_truncation=False)
        score += reward
        running.update(ale.getRAM().tobytes() + struct.pack("<i", reward))
        if frame % CHECKPOINT == 0:
            same = running.hexdigest() == manifest["checkpoints"][frame // CHECKPOINT - 1]
            demand(same, f"frames {frame - CHECKPOINT + 1} to {frame} differ")
    demand(running.hexdigest() == manifest["digest"], "the digest differs")
    demand(score == manifest["score"], f"the score is {score}")
    if over:
        ends: tuple[str, ...] = ("terminated",)
    elif len(actions) == rules["max_frames"]:
        ends = ("truncated",)
    else:
        ends = ("quit", "failed")
    demand(manifest["end"] in ends, f"the game's end is {' or '.join(ends)}")


def verify(data: bytes) -> dict[str, Any]:
    """Return the manifest of a good recording, or raise `Refused`."""
    actions, text = unpack(data)
    manifest = parse(text)
    demand(len(actions) == manifest["frames"], "frames and actions differ in number")
    demand(set(actions) <= set(manifest["rules"]["action_set"]), "an action outside the action set")
    replay(manifest, actions)
    return manifest


def main(paths: list[str]) -> int:
    bad = 0
    for path in paths:
        try:
            manifest = verify(Path(path).read_bytes())
            print(f"good {path}: {manifest['score']} points in {manifest['frames']} frames, {manifest['end']}")
        except Refused as refused:
            bad += 1
            print(f"refused {path}: {refused}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
