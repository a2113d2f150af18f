"""Where references come from beside the command line: lists, one on a line, and manifests of deployments."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from policyengine import limits
from policyengine.cli.images import in_registries
from policyengine.cli.manifests import Named, images
from policyengine.cli.terminal import Terminal
from policyengine.errors import InvalidReference, UsageError
from policyengine.evidence.problems import quoted

STDIN = "-"


def listed_in(terminal: Terminal, lists: Sequence[str], manifests: Sequence[str], layouts: bool = False) -> list[Named]:
    """The references in these files, each once, with the place of the first; with `layouts` to images in layouts.

    Every problem in them is told, the last by raising it: `UsageError`, before anything is fetched.
    """
    if [*lists, *manifests].count(STDIN) > 1:
        raise UsageError("standard input can be read once only", "give one of them a file")
    found: list[Named] = []
    problems: list[UsageError] = []
    for path in lists:
        found += listed(content(path), _shown(path))
    for path in manifests:
        deployed = images(content(path), _shown(path))
        found += deployed.images
        problems += deployed.problems
    found = once(found)
    problems += [problem for each in found if not layouts for problem in _wrong(each)]
    if problems:
        refuse(terminal, problems)
    return found


def _wrong(named: Named) -> Iterator[UsageError]:
    """What is wrong with a reference to an image in a registry, with its place."""
    try:
        in_registries([named.text])
    except (InvalidReference, UsageError) as error:
        problem = UsageError(f"{named.place}: {error.message}", error.help)
        problem.code = error.code
        yield problem


def refuse(terminal: Terminal, problems: Sequence[UsageError]) -> None:
    """Tell every problem, the last one by raising it."""
    for problem in problems[:-1]:
        terminal.error(problem)
    raise problems[-1]


def once(found: Iterable[Named]) -> list[Named]:
    """Each reference once, in order; raises `UsageError` where there are too many."""
    unique = list({each.text: each for each in reversed(list(found))}.values())[::-1]
    if len(unique) > limits.SOURCE_IMAGES:
        raise UsageError(f"there are more than {limits.SOURCE_IMAGES} images", "split them into several runs")
    return unique


def listed(data: bytes, name: str) -> list[Named]:
    """The references in a list: one a line; blank lines and what stands behind `#` are left out.

    Raises `UsageError` where there is none.
    """
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: byte {error.start + 1} is not UTF-8") from None
    found = []
    for number, line in enumerate(lines, 1):
        words = list(takewhile(lambda word: not word.startswith("#"), line.split()))
        if len(words) > 1:
            raise UsageError(f"{name}:{number}: more than one word stands on this line", "write one reference a line")
        found += [Named(word, f"{name}:{number}") for word in words]
    if not found:
        raise UsageError(f"{name} names no image", "write one reference a line")
    return found


def content(path: str) -> bytes:
    """The bytes of a file, or of standard input; raises `UsageError`."""
    try:
        if path == STDIN:
            data = sys.stdin.buffer.read(limits.SOURCE_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(limits.SOURCE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "input error").lower()
        raise UsageError(f"cannot read {quoted(path)}: {reason}", "name a file, or `-` for standard input") from None
    if len(data) > limits.SOURCE_BYTES:
        raise UsageError(f"{quoted(path)} has more than {limits.SOURCE_BYTES} bytes")
    return data


def _shown(path: str) -> str:
    """The name of a file in messages, safe to print."""
    return "standard input" if path == STDIN else quoted(path, 200).strip("`")
