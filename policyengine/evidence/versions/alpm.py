"""The order of Arch Linux (vercmp(8)): letters right after a number make a version older, `1.0a` before `1.0`.

An absent release sorts before every release, so that the order is total; vercmp itself does not compare then.
"""

from __future__ import annotations

import re

VERSION = re.compile(r"(?:(\d+):)?([!-9;-~]*?)(?:-([0-9.]+))?")
RUN = re.compile(r"([^A-Za-z0-9]*)(\d+|[A-Za-z]+|$)")
OLDER, END, NEWER = 0, (1,), 2

Run = tuple[int | str, ...]


def key(version: str) -> tuple[int, tuple[Run, ...], tuple[Run, ...]] | None:
    """Epoch, version and release."""
    match = VERSION.fullmatch(version)
    if match is None or not match[2]:
        return None
    return int(match[1] or 0), _part(match[2]), _part(match[3] or "")


def _part(text: str) -> tuple[Run, ...]:
    """The runs with the number of signs before each, since more signs are newer."""
    return (*(_run(len(signs), run) for signs, run in RUN.findall(text) if signs or run), END)


def _run(signs: int, run: str) -> Run:
    if run.isalpha() and signs == 0:
        return OLDER, run
    return (NEWER, signs, 2, int(run)) if run.isdigit() else (NEWER, signs, 1 if run else 0, run)
