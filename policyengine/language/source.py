"""Source files: reading them, and showing a stretch of one."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from policyengine import limits
from policyengine.errors import UsageError
from policyengine.files import bounded

SUFFIX = ".policy"


class Source(Struct, frozen=True):
    """The text of one file; `path` is as messages show it, relative where the user's was."""

    path: str
    text: str

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its end."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


def read(path: Path) -> Source:
    """The source in the file `path`; a byte order mark is skipped.

    Raises `UsageError` for what is no UTF-8 text, or is larger than `limits` allow.
    """
    data = bounded(path, limits.POLICY_FILE_BYTES, f"`{path}`", "split it into several policies")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, behind = data.count(b"\n", 0, error.start) + 1, error.start - data.rfind(b"\n", 0, error.start)
        place = f"line {line}, byte {behind}"
        message = f"`{path}` is not UTF-8 text: {place} cannot be decoded"
        raise UsageError(message, "save the file as UTF-8") from None
    return Source(str(path), text)
