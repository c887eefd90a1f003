"""The server's address and the token, as people type and paste them."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from urllib.parse import urlsplit

from envs.errors import ArenaError, shown
from envs.redaction import hide

EXAMPLE = "http://10.0.0.5:8000"
OWN_PATHS = (
    *("api", "assets", "compare", "docs", "episode", "films", "live", "login", "logout", "openapi.json", "organizer"),
    *("player", "redoc", "rules", "standings", "submit"),
)
"""First parts of the paths that the server has: an address that ends in one was copied from a browser."""
_WRAPPING = "\ufeff\u200b\"'`<>“”„«»"
"""What clings to a word that was copied: marks and quotation marks."""
_BEFORE_TOKEN = re.compile(r"(?i)(export\s+|set\s+|\$env:)?ARENA_TOKEN\s*=\s*|bearer\s+")


class AddressError(ArenaError):
    """An address or a token that can't be one."""


def server_address(text: str) -> str:
    """Return the address of a server as `Client` uses it: with its scheme, without the page and the slash at its end.

    Raises:
        AddressError: it can't be one.
    """
    word = _unwrapped(text)
    wanted = f"a server's address looks like {EXAMPLE}"
    if not word:
        raise AddressError(f"The server's address is empty; {wanted}.")
    if "://" not in word:
        with suppress(ValueError):
            word = f"[{ipaddress.IPv6Address(word)}]"
        if re.match(r"[a-zA-Z]+(:/|//)", word):
            raise AddressError(f"{shown(word)} is no address: {wanted}, with :// after http.")
        word = f"http://{word}"
    try:
        parts = urlsplit(word)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressError(f"{shown(word)} is no address: {wanted}, with a port from 1 to 65535.") from None
    if parts.scheme not in ("http", "https"):
        raise AddressError(f"The server speaks http or https, not {shown(parts.scheme)}; {wanted}.")
    if "@" in parts.netloc:
        hide(parts.password or "")
        raise AddressError(
            f"The server's address takes no user and no password (what came has an @); {wanted}, and the token goes "
            "into ARENA_TOKEN or a file."
        )
    if not host or port == 0 or re.search(r"[\s\x00-\x1f\x7f,;]", word) or parts.netloc.endswith(":"):
        raise AddressError(f"{shown(word)} is no address: {wanted}.")
    first, *rest = [part for part in parts.path.split("/") if part] or [""]
    path = "" if first.lower() in OWN_PATHS or not first else "/" + "/".join((first, *rest))
    return f"{parts.scheme}://{parts.netloc}{path}"


def clean_token(text: str) -> str:
    """Return a token without what clings to it: spaces, line ends, a byte order mark, quotation marks. From now on no
    message shows it.

    Raises:
        AddressError: what is left can't be a token.
    """
    token = _unwrapped(_BEFORE_TOKEN.sub("", _unwrapped(text)))
    hide(token)
    odd = re.search(r"[^!-~]", token)
    if odd is not None:
        what = "a space or line end" if odd[0].isspace() else "a letter or sign that no token has"
        raise AddressError(
            f"A token is one word of letters, digits, - and _; what came has {what} at character {odd.start() + 1} of "
            f"{len(token)}. Copy it again as arena token add printed it."
        )
    return token


def _unwrapped(text: str) -> str:
    before = None
    while before != text:
        before, text = text, text.strip().strip(_WRAPPING)
    return text
