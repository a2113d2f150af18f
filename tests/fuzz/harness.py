"""Runs a fuzzer: makes inputs by chance, holds each against what must be so, and cuts down the one that fails.

A fuzzer is a module beside this one with two functions: `make_input(random)` and `check(input)`, which raises for
what must not be. `python -m tests.fuzz NAME` runs it for as long as one likes, `test_fuzz.py` a few of its cases with
every test run.
"""

from __future__ import annotations

import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from random import Random
from types import FrameType, ModuleType
from typing import Any

from msgspec import Struct

PATIENCE = 30.0
"""Seconds after which a case counts as one that hangs; none takes one on a machine that does nothing else."""

CUTS = 300
"""How often a failing input is cut before it is shown."""

HARNESS = ("__init__", "__main__", "harness", "mutation", "test_fuzz")
"""The modules of this folder that are no fuzzers."""


class Hang(BaseException):
    """A case that takes longer than `PATIENCE`; no `Exception`, so that nothing under test swallows it."""


class Fault(Struct, frozen=True):
    """An input that shows a mistake. `case` is its number under the seed, `input` what is left when it is cut down."""

    case: int
    input: Any
    trace: str


class Report(Struct, frozen=True):
    """What a run came to: how many cases it tried, in how many seconds, and the fault that ended it."""

    cases: int
    seconds: float
    fault: Fault | None = None


def run(
    seconds: float,
    seed: int,
    make_input: Callable[[Random], Any],
    check: Callable[[Any], None],
    *,
    first: int = 0,
    most: int | None = None,
) -> Report:
    """Try cases until `seconds` are over, `most` of them are tried, or one fails.

    Case `n` of a seed is the same everywhere: `make_input` gets a `Random` of its own. `first` is where to begin.
    """
    started, case = time.monotonic(), first
    while (most is None or case < first + most) and time.monotonic() - started < seconds:
        made = make_input(Random(f"{seed}/{case}"))
        trace = failing(check, made)
        case += 1
        if trace is not None:
            smallest = cut(check, made, trace)
            fault = Fault(case - 1, smallest, failing(check, smallest) or trace)
            return Report(case - first, time.monotonic() - started, fault)
    return Report(case - first, time.monotonic() - started)


def failing(check: Callable[[Any], None], made: Any) -> str | None:
    """How `check` fails for an input, as a traceback; `None` where it does not."""
    try:
        with patience(PATIENCE):
            check(made)
    except (Exception, Hang):  # noqa: BLE001 - any exception is a fault
        return traceback.format_exc()
    return None


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Raise `Hang` in what takes longer."""

    def hang(_number: int, _frame: FrameType | None) -> None:
        raise Hang(f"more than {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def cut(check: Callable[[Any], None], made: Any, trace: str) -> Any:
    """A shorter text (or bytes) that fails in the same way; anything else is left as it is."""
    if type(made) not in (str, bytes) or _kind(trace) == "Hang":
        return made
    left, size = CUTS, max(len(made) // 2, 1)
    while left > 0:
        for start in range(0, len(made), size):
            shorter = made[:start] + made[start + size :]
            left -= 1
            again = failing(check, shorter)
            if again is not None and _kind(again) == _kind(trace):
                made = shorter
                break
            if left <= 0:
                break
        else:
            if size == 1:
                break
            size //= 2
    return made


def _kind(trace: str) -> str:
    """The name of the exception that a traceback ends in."""
    last = [line for line in trace.splitlines() if line and not line[0].isspace()][-1]
    return last.partition(":")[0].rpartition(".")[2]


def fuzzers() -> dict[str, ModuleType]:
    """Every fuzzer by its name."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in HARNESS)
    return {name: import_module(f"tests.fuzz.{name}") for name in names}
