"""Names that the hall's screen shall not show. The list is a text file that the organizer may edit."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from envs.text_files import read_text

FILE_NAME = "words.txt"
"""In the event folder; if it is there, it is used in place of the list that comes with the arena."""
DEFAULT = Path(__file__).parent / FILE_NAME

_LOOKALIKES = str.maketrans("0134578@$€!|+", "oieastbaseiit")
_LETTERS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class WordList:
    """Words that no name may hold.

    One line per word: `word` is refused as a word of its own, `*word*` also inside other words. What is written with
    digits and signs for letters, with accents, doubled letters, or with spaces and dots between the letters, is the
    same word.
    """

    whole: frozenset[str]
    anywhere: frozenset[str]

    @classmethod
    def of(cls, text: str) -> WordList:
        """Return the list in `text`; empty lines and lines that begin with `#` say nothing."""
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        inside = [line for line in lines if line.startswith("*") and line.endswith("*") and len(line) > 2]
        return cls(
            frozenset(folded(line) for line in lines if line not in inside) - {""},
            frozenset(folded(line) for line in inside) - {""},
        )

    def refuses(self, name: str) -> bool:
        """Whether `name` holds one of the words."""
        words = [folded(word) for word in _words_of(name)]
        together = folded(name)
        return any(word in self.whole for word in (*words, together)) or any(
            word in text for word in self.anywhere for text in (*words, together)
        )


def load_words(event_folder: Path) -> WordList:
    """Return the event's list, or the arena's own.

    Raises:
        EventError: the event's list can't be read.
    """
    own = event_folder / FILE_NAME
    return WordList.of(read_text(own if own.exists() else DEFAULT))


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return what `text` reads as: small letters without accents, signs that stand for letters replaced, everything
    else left out, doubled letters once."""
    letters = "".join(_LETTERS.findall(_plain(text)))
    return re.sub(r"(.)\1+", r"\1", letters)


def _words_of(name: str) -> list[str]:
    return [word for word in re.split(r"[\s._-]+", _plain(name)) if word]


def _plain(text: str) -> str:
    """Return small letters without accents, with letters for the signs that look like them."""
    small = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in small if not unicodedata.combining(c)).translate(_LOOKALIKES)
