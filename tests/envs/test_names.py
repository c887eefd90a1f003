"""Names that may stand on a projector."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.errors import PlayerNameError
from envs.names import MAX_LENGTH, check_name


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        "Ada Lovelace 2",
        "script:random",
        "Ångström",
        "李小龍",
        "محمد",
        "می‌خواهم",  # with a zero-width non-joiner, as it is written
        "👩‍🚀",  # three code points that draw one sign
        "❤️",
        "<b>&amp;'\"",  # pages escape; a name may hold it
        "=1+1",
        "x" * MAX_LENGTH,
    ],
)
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [("  Ada ", "Ada"), ("Ada \u3000 Lovelace", "Ada Lovelace"), ("A\u030angstro\u0308m", "Ångström")],
)
def test_names_are_tidied(typed: str, name: str) -> None:
    assert check_name(typed) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u00a0",
        "x" * (MAX_LENGTH + 1),
        "x" * 10**6,
        "a\nb",
        "a\tb",
        "a\x00b",
        "a\x1b[31mb",
        "a\x7fb",
        "a\u0085b",
        "a\u2028b",
        "a\u2029b",
        "\u202eabc",  # right to left override
        "a\u2066b",
        "a\u200fb",
        "a\u200bb",  # zero-width space
        "\u2060a",
        "a\ufeff",
        "a\u00adb",  # soft hyphen
        "a\ud800",
        "\ue000",
        "\u3164",  # a letter that draws nothing
        "\u2800\u2800",
        "\u200d",
        "\u0301",
    ],
    ids=lambda name: ascii(name)[:20],
)
def test_refused(name: str) -> None:
    with pytest.raises(PlayerNameError) as caught:
        check_name(name)
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", [None, 5, b"Ada", ["Ada"]])
def test_a_name_is_a_text(name: object) -> None:
    with pytest.raises(PlayerNameError, match="must be a text"):
        check_name(name)


@given(st.text(max_size=40))
def test_a_name_that_was_checked_is_a_name(text: str) -> None:
    try:
        name = check_name(text)
    except PlayerNameError:
        return
    assert check_name(name) == name
    assert 1 <= len(name) <= MAX_LENGTH
    assert unicodedata.is_normalized("NFC", name)
    name.encode()
