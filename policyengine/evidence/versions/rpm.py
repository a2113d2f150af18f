"""RPM's order (rpm-version(7)): runs of digits and of letters, `~` before the end, `^` just after it.

An absent release sorts before every release, and an absent epoch is 0: the order of versions, which is total, and not
RPM's matching of dependencies, where a part that is absent on one side is not compared.
"""

from __future__ import annotations

import re

VERSION = re.compile(r"(?:(\d+):)?([!-9;-~]*[A-Za-z0-9][!-9;-~]*)")
RUN = re.compile(r"[~^]|\d+|[A-Za-z]+")
TILDE, END, CARET = (0,), (1,), (2,)

Part = tuple[tuple[int] | tuple[int, int] | tuple[int, str], ...]


def key(version: str) -> tuple[int, Part, Part] | None:
    """Epoch, version and release."""
    match = VERSION.fullmatch(version)
    if match is None:
        return None
    name, _, release = match[2].rpartition("-") if "-" in match[2] else (match[2], "", "")
    return int(match[1] or 0), _part(name), _part(release)


def _part(text: str) -> Part:
    return (*map(_run, RUN.findall(text)), END)


def _run(run: str) -> tuple[int] | tuple[int, int] | tuple[int, str]:
    if run == "~":
        return TILDE
    if run == "^":
        return CARET
    return (4, int(run)) if run.isdigit() else (3, run)
