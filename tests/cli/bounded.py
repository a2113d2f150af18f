"""What the tests of bad input share: limits for the process, and what a refusal looks like."""

from __future__ import annotations

import re
from pathlib import Path

from tests import command
from tests.command import Finished

LIMITS = "import resource as r; r.setrlimit(r.RLIMIT_AS, (1 << 30, 1 << 30)); r.setrlimit(r.RLIMIT_CPU, (30, 30)); "
"""One GB of address space, and 30 seconds of processor time."""

LIMITED = LIMITS + command.START
UNPRIVILEGED = (
    "import ctypes, os, sys; c = ctypes.CDLL(None); [c.prctl(24, n, 0, 0, 0) for n in (1, 2)]; "
    f"os.execv(sys.executable, [sys.executable, '-c', {LIMITED!r}, *sys.argv[1:]])"
)
"""The same for root on Linux, without the capabilities that pass over permissions (`capabilities(7)`)."""

DEEP = b"[" * 100_000 + b"]" * 100_000


def sentence(finished: Finished) -> str:
    """The one sentence on standard error, which an advice may follow."""
    first, *rest = finished.err.splitlines()
    assert re.fullmatch(r"error\[PE\d{3}\]: \S.*[^.\s]", first), first
    assert len(first) < 500
    assert not rest or (len(rest) == 1 and rest[0].startswith("  help: ")), finished.err
    return first


def refused(finished: Finished, code: int, *said: str) -> None:
    """The command ended with `code`, and one sentence that says all of `said`."""
    assert finished.code == code, finished.err
    found = sentence(finished)
    assert all(words in found for words in said), found


def denied(finished: Finished, *said: str) -> None:
    """The image was denied by rules, in a report that says all of `said`; nothing went wrong beside that."""
    assert (finished.code, finished.err) == (1, ""), finished.err
    assert all(words in finished.out for words in said), finished.out


def file(folder: Path, content: bytes | str, name: str = "p.policy") -> Path:
    """Write a file; its path."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
