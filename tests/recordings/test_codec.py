"""One episode has one spelling; everything else is refused, with one type of error."""

from __future__ import annotations

import io
import json
import random
import struct
import warnings
import zipfile
import zlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from envs.environment import SEED_LIMIT, ale_seed_of
from envs.errors import ArenaError, RecordingError
from envs.rules import named_rules
from envs.step import End
from recordings.codec import MAX_BYTES, decode, encode, manifest_json, read
from recordings.digest import CHECKPOINT_FRAMES
from recordings.recording import Pacing, Pause, RecordedPlayer, Recording
from tests.forging import FIELDS, PATHS, VALUES, dumped, packed, with_field, with_text, with_value


def refused(data: bytes) -> str:
    """Decode what must be refused; return the sentence."""
    with pytest.raises(RecordingError) as caught:
        decode(data)
    sentence = str(caught.value)
    assert 10 < len(sentence) < 600
    assert sentence.isprintable()
    return sentence


# -- the right ones --------------------------------------------------------------------------------------------------


def test_round_trip(recording: Recording, truncated: Recording) -> None:
    for one in (recording, truncated):
        data = encode(one)
        assert decode(data) == one
        assert encode(decode(data)) == data
        assert data == packed(one.actions, manifest_json(one).encode())


def test_every_byte_of_the_container_is_fixed(truncated: Recording) -> None:
    """As `docs/recording-format.md` has it, written here by hand."""
    manifest = manifest_json(truncated).encode()
    parts, directory, offset = b"", b"", 0
    for name, content in ((b"actions.bin", truncated.actions), (b"manifest.json", manifest)):
        sizes = struct.pack("<III", zlib.crc32(content), len(content), len(content))
        part = b"PK\x03\x04" + bytes([20, 0, 0, 0, 0, 0, 0, 0, 33, 0]) + sizes + struct.pack("<HH", len(name), 0)
        part += name + content
        directory += b"PK\x01\x02" + bytes([20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 33, 0]) + sizes
        directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0o644 << 16, offset) + name
        parts += part
        offset += len(part)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(directory), offset, 0)
    assert encode(truncated) == parts + directory + end


def test_the_manifest(recording: Recording) -> None:
    text = manifest_json(recording)
    manifest = json.loads(text)
    assert sorted(manifest) == FIELDS
    assert text == dumped(manifest)
    assert manifest["format"] == "arena-recording/1"
    assert manifest["rules_id"] == recording.rules.rules_id
    assert manifest["ale_seed"] == ale_seed_of(1)
    assert manifest["player"] == {"artifact_sha256": None, "kind": "script", "name": "Ada"}
    assert manifest["end"] == "terminated"
    assert len(manifest["checkpoints"]) == recording.frames // CHECKPOINT_FRAMES == 1
    assert datetime.fromisoformat(manifest["started_at"]) == recording.started_at


names = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20).filter(str.strip)
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
moments = st.datetimes(timezones=st.just(UTC))
milliseconds = st.floats(0, 1e9)
pacings = st.none() | st.builds(
    Pacing,
    frames_per_second=milliseconds,
    p50_ms=milliseconds,
    p99_ms=milliseconds,
    max_ms=milliseconds,
    late_frames=st.integers(0, 10**6),
    pauses=st.lists(st.builds(Pause, frame=st.just(0), ms=milliseconds), max_size=3).map(tuple),
    held_frames=st.integers(0, 10**6),
)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    """Anything that agrees with itself, whether or not a game could have gone so."""
    frames = draw(st.integers(0, 1300))
    rules = named_rules(draw(st.sampled_from(["breakout", "pacman"]))).varied(
        max_frames=draw(st.integers(max(frames, 1), 2000)), sticky=draw(st.floats(0, 1))
    )
    ends = [end for end in End if end is not End.TRUNCATED or frames == rules.max_frames]
    seed = draw(st.integers(0, SEED_LIMIT - 1))
    kind = draw(st.sampled_from(["human", "bot", "script", "replay"]))
    try:
        player = RecordedPlayer(name=draw(names), kind=kind, artifact_sha256=draw(st.none() | hashes))
    except ArenaError:
        player = RecordedPlayer(name="Ada", kind=kind)
    return Recording(
        rules=rules,
        seed=seed,
        ale_seed=ale_seed_of(seed),
        ale_py="0.12.1",
        player=player,
        score=draw(st.integers(-(10**9), 10**9)),
        frames=frames,
        end=draw(st.sampled_from(ends)),
        digest=draw(hashes),
        checkpoints=tuple(draw(hashes) for _ in range(frames // CHECKPOINT_FRAMES)),
        started_at=draw(moments),
        pacing=draw(pacings),
        actions=bytes(random.Random(frames).choices(rules.action_set, k=frames)),
    )


@settings(deadline=None, max_examples=150)
@given(recordings())
def test_any_recording_survives_the_round_trip(recording: Recording) -> None:
    data = encode(recording)
    assert len(data) < MAX_BYTES
    again = decode(data)
    assert again == recording
    assert again.actions == recording.actions
    assert encode(again) == data


# -- every byte ------------------------------------------------------------------------------------------------------


def test_every_bit_flipped_is_refused(truncated: Recording) -> None:
    data = encode(truncated)
    for place in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            with pytest.raises(RecordingError):
                decode(bytes(flipped))


def test_every_byte_changed_is_refused(recording: Recording) -> None:
    data = encode(recording)
    for mask in (0x01, 0x20, 0xFF):
        for place in range(len(data)):
            flipped = bytearray(data)
            flipped[place] ^= mask
            with pytest.raises(RecordingError):
                decode(bytes(flipped))


def test_every_truncation_is_refused(recording: Recording) -> None:
    data = encode(recording)
    for length in range(len(data)):
        with pytest.raises(RecordingError):
            decode(data[:length])
        with pytest.raises(RecordingError):
            decode(data[-length:] if length else b"")


def test_whatever_is_appended_prepended_or_put_between_is_refused(truncated: Recording) -> None:
    data = encode(truncated)
    for more in (b"\x00", b"\n", b"PK", bytes(22), data):
        refused(data + more)
        refused(more + data)
    for place in range(1, len(data)):
        with pytest.raises(RecordingError):
            decode(data[:place] + b"\x00" + data[place:])


def test_random_mutations_raise_nothing_else(recording: Recording, truncated: Recording) -> None:
    """Ten thousand files: bytes replaced, removed, doubled and swapped, with the sums put right or not."""
    rng = random.Random(20)
    for turn in range(10_000):
        one = (recording, truncated)[turn % 5 == 0]
        actions, text = bytearray(one.actions), bytearray(manifest_json(one).encode())
        whole = turn % 3 == 0
        target = bytearray(encode(one)) if whole else rng.choice((actions, text, text))
        for _ in range(rng.choice((1, 1, 2, 8))):
            here, there = sorted((rng.randrange(len(target) + 1), rng.randrange(len(target) + 1)))
            match rng.randrange(5):
                case 0:
                    target[here : here + 1] = rng.randbytes(1)
                case 1:
                    del target[here : min(there, here + 9)]
                case 2:
                    target[here:here] = target[here : min(there, here + 30)]
                case 3:
                    target[here:here] = rng.choice(
                        (b'"', b"{", b"]", b",", b"-", b"0", b"1e5", b"null", b"\\u0000", b"\xff")
                    )
                case 4:
                    target[here : here + 1], target[there : there + 1] = (
                        target[there : there + 1],
                        target[here : here + 1],
                    )
        data = bytes(target) if whole else packed(bytes(actions), bytes(text))
        try:
            changed = decode(data)
        except RecordingError:
            continue
        assert encode(changed) == data, "accepted only if it is exactly what we would write"


UNBOUND = ("score", "digest", "checkpoints", "ale_py", "started_at", "player.name", "player.artifact_sha256")
"""What a recording may say differently without contradicting itself; verification compares the first three."""


@pytest.mark.parametrize("path", PATHS)
def test_every_field_with_every_sort_of_value(recording: Recording, path: str) -> None:
    """Refused, or a recording that is spelled exactly so."""
    for value in VALUES:
        data = with_field(recording, path, value)
        if path in UNBOUND or data == encode(recording):
            try:
                assert encode(decode(data)) == data
                continue
            except RecordingError:
                pass
        refused(data)


@pytest.mark.parametrize("key", FIELDS)
def test_a_missing_field(recording: Recording, key: str) -> None:
    manifest = json.loads(manifest_json(recording))
    del manifest[key]
    refused(with_text(recording, lambda _: dumped(manifest)))


# -- sentences -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            "format",
            "arena-recording/2",
            "Expected a recording of format arena-recording/1; this one says 'arena-recording/2'",
        ),
        ("format", None, "this one says None"),
        ("seed", 2, r"seed 2 means ALE seed -?\d+, not"),
        ("seed", 2**53, "at seed"),
        ("seed", 392603413, "wall clock"),
        ("ale_seed", 5, "means ALE seed"),
        ("frames", 3, "3 frames are claimed, [0-9]+ actions are there"),
        ("rules.max_frames", 10, "frames are more than the rules' 10"),
        ("rules.sticky", 0.0, "rules_id '.*' is not the one of its rules"),
        ("rules.stiky", 0.0, "'stiky' is not a rule"),
        ("rules.game", "../../breakout", "game must be a ROM name"),
        ("rules", [], "Rules must be a table"),
        ("end", "truncated", "truncated before the frame limit"),
        ("end", "won", "at end: .*'won' is not a valid End"),
        ("checkpoints", [], "wrong number of checkpoints"),
        ("digest", "F" * 64, "at digest"),
        ("score", 2**53, "at score"),
        ("score", 1.0, "at score"),
        ("score", True, "at score"),
        ("player.name", "a\u202eb", "invisible or direction-changing character"),
        ("player.name", "", "must have 1 to 32 characters"),
        ("player.kind", "god", "at player.kind"),
        ("started_at", "2026-01-01T00:00:00.000000", "must be UTC and end in Z"),
        ("started_at", "2026-01-01T00:00:00.000000+00:00", "must be UTC and end in Z"),
        ("started_at", "2026-01-01T00:00:00Z", "encoded again it differs"),
        ("started_at", "2026-02-30T00:00:00.000000Z", "at started_at"),
        ("started_at", 1_700_000_000, "at started_at"),
        ("ale_py", "../../x", "at ale_py"),
        ("extra", 1, "at extra"),
    ],
)
def test_what_is_wrong_is_named(recording: Recording, path: str, value: Any, sentence: str) -> None:
    with pytest.raises(RecordingError, match=sentence):
        decode(with_field(recording, path, value))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"score":', '"score": '),
        ('"pacing":null,', ""),
        ('{"ale_py"', '{ "ale_py"'),
        ('"Ada"', '"\\u0041da"'),
        ('"sticky":0.25', '"sticky":0.250'),
        ('"sticky":0.25', '"sticky":25e-2'),
        ('"mode":0', '"mode":-0'),
        ('"mode":0', '"mode":0,"mode":0'),
        ('"pacing":null', '"pacing":NaN'),
        ('"pacing":null', '"pacing":-Infinity'),
        ('"score":', '"score":0,"score":'),
    ],
)
def test_another_spelling_of_the_same_is_refused(recording: Recording, before: str, after: str) -> None:
    assert before in manifest_json(recording)
    refused(with_text(recording, lambda text: text.replace(before, after, 1)))


PACING = Pacing(frames_per_second=59.92, p50_ms=16.7, p99_ms=17.0, max_ms=20.0, late_frames=0)


def test_pacing_without_pauses_is_spelt_as_it_always_was(recording: Recording) -> None:
    paced = recording.model_copy(update={"pacing": PACING})
    text = '"pacing":{"frames_per_second":59.92,"late_frames":0,"max_ms":20.0,"p50_ms":16.7,"p99_ms":17.0}'
    assert text in manifest_json(paced)
    for nothing in (',"pauses":[]}', ',"held_frames":0}'):
        refused(with_text(paced, lambda manifest, nothing=nothing: manifest.replace(text, text[:-1] + nothing)))


def test_pauses_and_held_frames_survive_the_round_trip(recording: Recording) -> None:
    pacing = Pacing(**PACING.model_dump(), held_frames=3, pauses=(Pause(frame=2, ms=1500.0),))
    paced = recording.model_copy(update={"pacing": pacing})
    assert decode(encode(paced)) == paced
    late = pacing.model_copy(update={"pauses": (Pause(frame=recording.frames + 1, ms=1.0),)})
    refused(encode(recording.model_copy(update={"pacing": late})))


def test_other_orders_and_encodings_are_refused(recording: Recording) -> None:
    manifest = json.loads(manifest_json(recording))
    backwards = dict(reversed(manifest.items()))
    refused(with_text(recording, lambda _: json.dumps(backwards, separators=(",", ":"))))
    refused(with_text(recording, lambda text: text + "\n"))
    refused(with_text(recording, lambda text: "\ufeff" + text))
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        refused(packed(recording.actions, manifest_json(recording).encode(encoding)))
    refused(packed(recording.actions, b"\xff\xfe"))
    refused(packed(recording.actions, b""))
    refused(packed(recording.actions, b"[]"))
    refused(packed(recording.actions, b"null"))


@pytest.mark.parametrize("path", ["rules.mode", "score", "end", "format", "rules_id", "new", "player.name", "pacing"])
def test_hostile_json(recording: Recording, path: str) -> None:
    for hostile in (
        "[" * 400 + "]" * 400,
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 300 + "1" + "}" * 300,
        "9" * 4_000,
        "9" * 5_000,
        "-" + "9" * 1_000_000,
        "1e400",
        "-1e400",
        "1e-400",
        "NaN",
        "Infinity",
        '"\\ud800"',
        '"' + "\\u0000" * 10_000 + '"',
        '"' + "x" * 1_000_000 + '"',
        "[" + "0," * 200_000 + "0]",
    ):
        manifest = with_value(json.loads(manifest_json(recording)), path, "@here@")
        refused(packed(recording.actions, dumped(manifest).replace('"@here@"', hostile).encode()))


@pytest.mark.parametrize("action", [2, 18, 255])
def test_an_action_outside_the_action_set(recording: Recording, action: int) -> None:
    actions = bytes([action]) + recording.actions[1:]
    assert "an action outside the action set" in refused(packed(actions, manifest_json(recording).encode()))


# -- containers ------------------------------------------------------------------------------------------------------


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of duplicate names, which are meant here
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.comment = comment
            for name, content in members:
                archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def test_foreign_files() -> None:
    for data in (b"", b"hello", b"PK", bytes(22), b"PK\x05\x06" + bytes(18), b"\x89PNG\r\n\x1a\n" + bytes(100)):
        refused(data)
    refused(Path(__file__).read_bytes())


def test_other_members(recording: Recording) -> None:
    actions, manifest = recording.actions, manifest_json(recording).encode()
    good = (("actions.bin", actions), ("manifest.json", manifest))
    assert "this file holds nothing" in refused(zipped())
    assert "holds 1 members, first 'actions.bin'" in refused(zipped(good[0]))
    refused(zipped(good[1], good[0]))
    refused(zipped(*good, good[1]))
    refused(zipped(good[0], *good))
    refused(zipped(("actions.bin", actions), ("actions.bin", actions)))
    refused(zipped(("../actions.bin", actions), good[1]))
    refused(zipped(("\x1b[31m" * 1000, actions), good[1]))
    refused(zipped(*((f"{i}", b"") for i in range(1000))))
    refused(zipped(*good))  # the right members, of another date
    refused(zipped(*good, comment=b"x"))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_is_refused_before_it_is_undone(recording: Recording, method: int) -> None:
    bomb = packed(bytes(50_000_000), manifest_json(recording).encode(), method)
    assert len(bomb) < 100_000
    assert "stored, not compressed" in refused(bomb)
    assert "stored, not compressed" in refused(packed(recording.actions, manifest_json(recording).encode(), method))


def test_sizes_that_lie(recording: Recording) -> None:
    data = encode(recording)
    name = data.rindex(b"PK\x01\x02")
    for size in (0, 1, 2**31 - 1, 2**32 - 1):
        for field in (20, 24, 42):  # compressed size, size, offset of the member in the central directory
            lying = bytearray(data)
            lying[name + field : name + field + 4] = struct.pack("<I", size)
            refused(bytes(lying))


def test_encrypted_members(recording: Recording) -> None:
    data = bytearray(encode(recording))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + flags] |= 1
    refused(bytes(data))


def test_a_huge_file_is_not_looked_at() -> None:
    assert "at most 2,097,152 bytes" in refused(bytes(MAX_BYTES + 1))


# -- files -----------------------------------------------------------------------------------------------------------


def test_files(recording: Recording, tmp_path: Path) -> None:
    path = tmp_path / "game.arena.zip"
    path.write_bytes(encode(recording))
    assert read(path) == recording
    path.write_bytes(encode(recording)[:-1])
    with pytest.raises(RecordingError, match=r"game\.arena\.zip: This is not a whole recording"):
        read(path)
    with pytest.raises(RecordingError, match=r"nowhere: can't be read \(No such file"):
        read(tmp_path / "nowhere")
    with pytest.raises(RecordingError, match="can't be read"):
        read(tmp_path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file on this system")
def test_an_endless_file() -> None:
    with pytest.raises(RecordingError, match="at most"):
        read(Path("/dev/zero"))


# -- making one ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "when",
    [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))],
    ids=["naive", "another zone"],
)
def test_times_are_utc(recording: Recording, when: datetime) -> None:
    with pytest.raises(ValidationError, match="must be UTC"):
        Recording.model_validate(dict(recording) | {"started_at": when})


def test_every_year_has_four_digits(recording: Recording) -> None:
    early = Recording.model_validate(dict(recording) | {"started_at": datetime(5, 1, 1, tzinfo=UTC)})
    assert '"started_at":"0005-01-01T00:00:00.000000Z"' in manifest_json(early)
    assert decode(encode(early)) == early


def test_a_recording_cannot_be_changed(recording: Recording) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        recording.score = 5
    with pytest.raises(ValidationError, match="frozen"):
        recording.player.name = "Eve"
