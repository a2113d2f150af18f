"""How long a test waits for what must not blow up: long enough for a loaded machine, short of what a blow-up takes.

Each of the inputs behind these bounds takes a small part of a second; read in quadratic time, it would take minutes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time

SECONDS = 20.0
"""Of processor time; at least twenty times what anything measured here takes on a loaded machine."""


@contextmanager
def soon() -> Iterator[None]:
    """Fail if what stands inside takes more processor time than a blow-up would be the only reason for."""
    start = process_time()
    yield
    assert process_time() - start < SECONDS


def grows_at_most(times: float, work: Callable[[int], object], size: int) -> bool:
    """Whether `work` at eight times `size` takes less than `times` what it takes at `size` (8 linear, 64 quadratic).

    The least of several runs counts, and a floor of 10 ms, below which a clock of a shared machine says nothing.
    """
    return _least(work, 8 * size) < times * max(_least(work, size), 0.01)


def _least(work: Callable[[int], object], size: int) -> float:
    gc.collect()
    taken = []
    for _ in range(5):
        start = process_time()
        work(size)
        taken.append(process_time() - start)
    return min(taken)
