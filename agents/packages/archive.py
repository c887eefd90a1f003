"""ZIP files of strangers. The directory is checked as a whole before any member is unpacked."""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile

from agents.packages.limits import MAX_NAME
from agents.packages.refusals import AgentRefused

_LOCAL = struct.Struct("<4s5H3I2H")
"""The header in front of every member: signature first, lengths of name and extra field last."""
_ENCRYPTED = 0x1 | 0x40
_METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}


class Archive:
    """A ZIP file in memory, with sound names, no member twice, none inside another, nothing before or behind it.

    Args:
        content: the whole file.
        most: how many members it may have.
        stored_only: whether members must be stored as they are, as torch does.

    Raises:
        Refused: any of that isn't so.
    """

    def __init__(self, content: bytes, most: int, *, stored_only: bool = False) -> None:
        # Python makes an object of every entry of the directory before anything can be looked at. Entries of a zip
        # inside this one count, too: hence the margin.
        if content.count(b"PK\x01\x02") > most + 2000:
            raise AgentRefused("zip-too-many-members", f"the zip has more than {most} members")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except Exception as error:  # zipfile fails in many ways on bytes that somebody else chose
            raise _damaged(error) from None
        self._content = content
        self._members = self._zip.infolist()
        if len(self._members) > most:
            raise AgentRefused("zip-too-many-members", f"the zip has {len(self._members):,} members, more than {most}")
        for member in self._members:
            _check_name(member)
            _check_kind(member, stored_only)
        self.names = [member.filename for member in self._members]
        lower = [name.casefold() for name in self.names]
        for name in self.names:
            if lower.count(name.casefold()) > 1:
                raise AgentRefused("zip-duplicate", f"two members of the zip are called {name!r}")
        self._check_layout()

    def read(self, name: str, limit: int) -> bytes:
        """Return the member `name`, of at most `limit` bytes.

        Raises:
            Refused: it is larger, or its checksum is wrong.
        """
        member = self._zip.getinfo(name)
        # The size in the directory is a claim; so at most one byte more than allowed is unpacked.
        if member.file_size <= limit:
            try:
                with self._zip.open(member) as unpacked:
                    content = unpacked.read(limit + 1)
            except Exception as error:
                raise _damaged(error) from None
            if len(content) <= limit:
                return content
        if member.compress_type == zipfile.ZIP_DEFLATED:
            raise AgentRefused(
                "zip-bomb", f"{name} has {member.compress_size:,} bytes packed and more than {limit:,} unpacked"
            )
        raise AgentRefused("member-too-large", f"{name} has {member.file_size:,} bytes, more than {limit:,}")

    def _check_layout(self) -> None:
        if self._zip.comment or self._content[-22:-18] != b"PK\x05\x06":
            raise AgentRefused("zip-damaged", "there are bytes behind the end of the zip")
        end = 0
        for member in sorted(self._members, key=lambda member: member.header_offset):
            start = member.header_offset
            header = self._content[start : start + _LOCAL.size]
            if len(header) < _LOCAL.size or header[:4] != b"PK\x03\x04":
                raise AgentRefused(
                    "zip-damaged", f"the member {member.filename!r} is not where the zip's directory says"
                )
            if start < end:
                raise AgentRefused("zip-overlap", f"the member {member.filename!r} lies inside another one")
            if not end and start:
                raise AgentRefused("zip-damaged", "there are bytes before the start of the zip")
            *_, name_length, extra_length = _LOCAL.unpack(header)
            name_at = start + _LOCAL.size
            spelling = "utf-8" if member.flag_bits & 0x800 else "cp437"
            name = self._content[name_at : name_at + name_length].decode(spelling, "replace")
            if name != member.orig_filename:
                raise AgentRefused("zip-damaged", f"the member {member.filename!r} has another name in its own header")
            end = name_at + name_length + extra_length + member.compress_size
        if end > self._zip.start_dir:
            raise AgentRefused("zip-overlap", "a member lies inside the zip's directory")


def _damaged(error: Exception) -> AgentRefused:
    return AgentRefused("zip-damaged", f"the zip is cut short or damaged ({type(error).__name__})")


def _check_name(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename
    shown = ascii(name[:60])
    if not name or len(name) > MAX_NAME or name != member.filename or not name.isprintable():
        raise AgentRefused("zip-member-name", f"a member of the zip has an impossible name, {shown}")
    parts = name.removesuffix("/").split("/")
    if "\\" in name or re.match("[A-Za-z]:", name) or not set(parts).isdisjoint({"", ".", ".."}):
        raise AgentRefused("zip-member-name", f"a member's name leads out of the zip: {shown}")


def _check_kind(member: zipfile.ZipInfo, stored_only: bool) -> None:
    name = member.filename
    if member.flag_bits & _ENCRYPTED:
        raise AgentRefused("zip-encrypted", f"the member {name!r} is encrypted")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise AgentRefused("zip-link", f"the member {name!r} is a link to a file elsewhere")
    # A kilobyte of bzip2 is a gigabyte at once; only deflate can be unpacked bit by bit.
    if member.compress_type not in _METHODS or (stored_only and member.compress_type != zipfile.ZIP_STORED):
        allowed = "stored" if stored_only else "stored or deflated"
        raise AgentRefused("zip-packing", f"the member {name!r} must be {allowed}; it was packed otherwise")
