"""Text files as people's programs write them."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from agents.packages.settings import read_settings as read_agent
from arena.commands.options import token_of
from arena.event.blocked_words import load_words
from arena.event.settings import read_settings, template
from arena.kiosk.settings import open_settings
from arena.ui.controls import load_controls
from envs.errors import ArenaError, EventError
from envs.text_files import decode_text, read_text, read_toml

WRITERS = {
    "plain": lambda text: text.encode(),
    "marked": lambda text: codecs.BOM_UTF8 + text.encode(),
    "marked twice": lambda text: 2 * codecs.BOM_UTF8 + text.encode(),
    "windows": lambda text: codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode(),
    "powershell": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "big-endian": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-32": lambda text: text.encode("utf-32"),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_every_file_that_a_person_writes_is_read_as_it_is_meant(tmp_path: Path, writer: str) -> None:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_bytes(WRITERS[writer](text))
        return path

    assert read_settings(write("event.toml", template("Café")).read_bytes(), "x").name == "Café"
    write("kiosk.toml", '# Köln\nexit_code = "1234"\n')
    assert open_settings(tmp_path).exit_code == "1234"
    write("words.txt", "# Wörter\nbönkers\n")
    assert load_words(tmp_path).refuses("Bonkers")
    assert load_controls(write("controls.toml", "volume = 30\n")).volume == 30
    assert token_of("", write("token.txt", "arena_abc\n")) == "arena_abc"
    agent = write("agent.toml", 'name = "Ädna"\nkind = "sb3"\ngame = "breakout"\n').read_bytes()
    assert read_agent(agent).name == "Ädna"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name = \xe9", "byte 7 is no UTF-8; save it as UTF-8"),
        (b"\xff\xfea", "byte 2 is no UTF-16"),
        (b"n\0a\0m\0e\0", "null bytes"),
        (b"name = ", "can't be read as TOML"),
        (b"a = " + b"[" * 5000, "nested too deeply|can't be read as TOML"),
        (b"a = 1" + b"0" * 5000, "can't be read as TOML"),
    ],
)
def test_what_is_no_text_or_no_toml_is_said_in_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "event.toml"
    path.write_bytes(content)
    with pytest.raises(EventError, match=words) as caught:
        read_toml(path)
    assert "\n" not in str(caught.value)
    assert "\0" not in str(caught.value)


def test_what_cannot_be_read_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b" " * 101)
    for path, words in (
        (tmp_path, "directory"),
        (tmp_path / "none", "No such file"),
        (tmp_path / "large", "100 bytes"),
    ):
        with pytest.raises(EventError, match=words):
            read_text(path, 100)
    with pytest.raises(EventError, match="can't be read"):
        read_text(Path("a\0b"))


@pytest.mark.parametrize("content", [b"", b"\n \n", codecs.BOM_UTF8, b"two words", "é".encode(), b"\xff\xfe\x00"])
def test_a_token_file_without_a_token_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token.txt"
    path.write_bytes(content)
    with pytest.raises(ArenaError, match=r"token|can't be read as text"):
        token_of("", path)


def test_lines_end_in_one_way() -> None:
    assert decode_text(b"a\r\nb\rc\n") == "a\nb\nc\n"
