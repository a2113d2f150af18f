"""Standard output and standard error, as the user wants them: colours, width, symbols, and what may go wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from policyengine.errors import PolicyEngineError, UsageError
from policyengine.reports.look import Look, Page

SYMBOLS = "✓✗…→·"
WIDEST = 120
"""Columns beyond which lines are not read as one."""


class Terminal:
    """Where a command writes. `colour` is `auto`, `always` or `never`."""

    def __init__(self, colour: str = "auto", quiet: bool = False, verbose: bool = False) -> None:
        self.colour, self.quiet, self.verbose = colour, quiet, verbose

    def look(self, stream: TextIO | None = None) -> Look:
        """How a report for people may look on `stream`, by default standard output."""
        stream = stream or sys.stdout
        return Look(
            width=columns(stream, os.environ),
            colour=coloured(stream, self.colour, os.environ),
            unicode=speaks(stream, SYMBOLS),
            quiet=self.quiet,
            verbose=self.verbose,
        )

    def put(self, text: str, people: bool = True) -> None:
        """Write to standard output: text for `people` in what the terminal speaks, documents in UTF-8.

        Raises `UsageError` where it cannot be written; a reader who left is no error.
        """
        if people:
            self._write(lambda: sys.stdout.write(text))
        else:
            sys.stdout.flush()
            self._write(lambda: sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape")))

    def warn(self, warning: str) -> None:
        """One warning on standard error, unless the user wants quiet."""
        if not self.quiet:
            page = Page(self.look(sys.stderr))
            page.line(("warning", "bold yellow"), f": {warning}")
            self.say(page)

    def error(self, error: PolicyEngineError) -> None:
        """One sentence on standard error, and what to do about it."""
        page = Page(self.look(sys.stderr))
        page.line((f"error[{error.code}]", "bold red"), f": {error.message}")
        if error.help:
            page.line(("help", "cyan"), f": {error.help}", indent=2)
        self.say(page)

    def say(self, page: Page) -> None:
        """Write a page to standard error."""
        self.complain(page.text())

    def complain(self, text: str) -> None:
        """Write text, safe already, to standard error; nobody may be listening, and that is no reason to fail."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            silence(sys.stderr)

    def _write(self, write: Any) -> None:
        """Write and flush; a reader who left is no error, a full disk is one."""
        try:
            write()
            sys.stdout.flush()
        except BrokenPipeError:
            silence(sys.stdout)
        except OSError as error:
            silence(sys.stdout)
            reason = (error.strerror or "output error").lower()
            raise UsageError(f"cannot write to standard output: {reason}") from None


def columns(stream: TextIO, environment: Mapping[str, str]) -> int:
    """The width to fill on `stream`, or 0 where lines are left as long as they are."""
    wanted = environment.get("COLUMNS", "")
    if wanted.isascii() and wanted.isdecimal() and 0 < len(wanted) < 5:
        return min(int(wanted), WIDEST)
    if not stream.isatty():
        return 0
    try:
        return min(os.get_terminal_size(stream.fileno()).columns, WIDEST)
    except (OSError, ValueError):
        return 0


def coloured(stream: TextIO, choice: str, environment: Mapping[str, str]) -> bool:
    """Whether to paint: the option beats `NO_COLOR`, which beats `FORCE_COLOR`, which beats what the stream is."""
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR") or environment.get("CLICOLOR_FORCE"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def speaks(stream: TextIO, symbols: str) -> bool:
    """Whether the encoding of `stream` has these characters."""
    try:
        symbols.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def silence(stream: Any) -> None:
    """Send what is still to come nowhere, so that the interpreter's last flush does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
