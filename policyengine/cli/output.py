"""Where reports go: `-o FORMAT[=PATH]`, and files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from policyengine.cli.terminal import Terminal
from policyengine.errors import UsageError
from policyengine.evidence.problems import closest, quoted
from policyengine.reports import FORMATS

STDOUT = "-"
LINES = frozenset({"table", "tree", "github", "azure"})
"""Formats of lines for people and logs, which may share standard output; the rest are documents."""


class Output(Struct, frozen=True):
    """One report: its format, and the file it goes to (`None` is standard output)."""

    format: str
    path: Path | None = None


def outputs(texts: Iterable[str], formats: Sequence[str]) -> tuple[Output, ...]:
    """The outputs that `-o` options ask for; the first of `formats` goes to standard output where none of them does.

    Several may share standard output if all of them are of lines. Raises `UsageError` for an unknown format, for
    documents in one place, or a file in a folder that is not there.
    """
    wanted = [_output(text, formats) for text in texts]
    shown = [output for output in wanted if output.path is None]
    if len(shown) > 1 and (len(set(shown)) < len(shown) or not all(output.format in LINES for output in shown)):
        raise UsageError("two reports cannot share standard output", "give one of them a file: -o FORMAT=FILE")
    files = [output.path for output in wanted if output.path is not None]
    if len(set(files)) < len(files):
        raise UsageError("two reports cannot go to one file", "give each of them its own")
    return tuple(wanted) if shown else (Output(formats[0]), *wanted)


def _output(text: str, formats: Sequence[str]) -> Output:
    name, equals, path = text.partition("=")
    _known(name, formats)
    if not equals or path == STDOUT:
        return Output(name)
    if not path or _is_folder(Path(path)):
        raise UsageError(f"{quoted(f'-o {text}')} names no file", f"write -o {name}=FILE, or leave out the `=`")
    if not _is_folder(Path(path).parent):
        raise UsageError(f"cannot write {quoted(path)}: its folder is not there", "make the folder first")
    return Output(name, Path(path))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _known(name: str, formats: Sequence[str]) -> None:
    """Refuse a format that is none, or that this command does not have."""
    choice = f"choose one of {', '.join(formats)}"
    if name in FORMATS and name not in formats:
        raise UsageError(f"this command has no report in the format {quoted(name)}", choice)
    if name not in formats:
        near = closest(name, formats)
        raise UsageError(f"there is no format {quoted(name)}", f"did you mean `{near}`?" if near else choice)


def put(terminal: Terminal, output: Output, text: str) -> None:
    """Write one report where it belongs; raises `UsageError` where that cannot be written."""
    if output.path is not None:
        write(output.path, text)
    else:
        terminal.put(text, people=output.format in LINES)


def write(path: Path, text: str) -> None:
    """Write `text` to `path`, which holds the old content or the new one, never a part; raises `UsageError`."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a pipe or device: there is nothing to replace
        else:
            _replace(Path(os.path.realpath(path)), data)
    except OSError as error:
        raise UsageError(f"cannot write {quoted(str(path))}: {(error.strerror or 'output error').lower()}") from None


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("xb") as file:
            file.write(data)
        if path.exists():
            beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
