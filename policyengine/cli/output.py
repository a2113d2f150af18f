"""Where reports go: `-o FORMAT[=PATH]`, and files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from policyengine.errors import UsageError
from policyengine.evidence.problems import closest, quoted

STDOUT = "-"


class Output(Struct, frozen=True):
    """One report: its format, and the file it goes to (`None` is standard output)."""

    format: str
    path: Path | None = None


def outputs(texts: Iterable[str], formats: Sequence[str], planned: Sequence[str] = ()) -> tuple[Output, ...]:
    """The outputs that `-o` options ask for; the first of `formats` goes to standard output where none of them does.

    Raises `UsageError` for an unknown format, a format that is only `planned`, two reports for one place, or a
    file in a folder that is not there.
    """
    wanted = [_output(text, formats, planned) for text in texts]
    places = [output.path for output in wanted]
    for number, place in enumerate(places):
        if place in places[:number]:
            name = quoted(str(place)) if place else "standard output"
            raise UsageError(f"two reports cannot both go to {name}", "give one of them a file: -o FORMAT=PATH")
    return tuple(wanted) if None in places else (Output(formats[0]), *wanted)


def _output(text: str, formats: Sequence[str], planned: Sequence[str]) -> Output:
    name, equals, path = text.partition("=")
    _known(name, formats, planned)
    if not equals or path == STDOUT:
        return Output(name)
    if not path or Path(path).is_dir():
        raise UsageError(f"{quoted(f'-o {text}')} names no file", f"write -o {name}=FILE, or leave out the `=`")
    if not Path(path).parent.is_dir():
        raise UsageError(f"cannot write {quoted(path)}: its folder is not there", "make the folder first")
    return Output(name, Path(path))


def _known(name: str, formats: Sequence[str], planned: Sequence[str]) -> None:
    """Refuse a format that is none, or that this command does not have."""
    choice = f"choose one of {', '.join(formats)}"
    if name in planned:
        raise UsageError(f"the format {quoted(name)} is not there yet", choice)
    if name not in formats:
        near = closest(name, formats)
        raise UsageError(f"there is no format {quoted(name)}", f"did you mean `{near}`?" if near else choice)


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
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
