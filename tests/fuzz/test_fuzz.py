"""Each fuzzer for a few cases, always the same; and the harness itself."""

from __future__ import annotations

import contextlib
import time
from random import Random
from typing import Any

import pytest

from tests.fuzz import harness
from tests.fuzz.harness import fuzzers, run

SEED = 1
CASES = 100
"""Cases of a fuzzer that says no other number as `CASES`."""

SECONDS = 300.0
"""More than any machine takes for them: the number of cases must not depend on how busy it is."""


@pytest.mark.parametrize("name", list(fuzzers()))
def test_a_short_run_finds_nothing(name: str) -> None:
    module = fuzzers()[name]
    report = run(SECONDS, SEED, module.make_input, module.check, most=getattr(module, "CASES", CASES))
    assert report.fault is None, f"{report.fault.trace}\ninput: {report.fault.input!r}"
    assert report.cases > 0


def numbers(random: Random) -> str:
    return "".join(random.choice("0123456789") for _ in range(50))


def no_seven(made: str) -> None:
    assert "7" not in made


def test_a_fault_is_found_cut_down_and_seen_again() -> None:
    report = run(60, SEED, numbers, no_seven)
    assert report.fault is not None
    assert report.fault.input == "7"
    assert "AssertionError" in report.fault.trace
    again = run(60, SEED, numbers, no_seven, first=report.fault.case, most=1)
    assert again.fault == report.fault


def test_cases_are_those_of_the_seed() -> None:
    seen: list[list[str]] = [[], [], []]
    for number, seed in enumerate((SEED, SEED, SEED + 1)):
        run(60, seed, numbers, seen[number].append, most=5)
    assert seen[0] == seen[1] != seen[2]
    assert len(seen[0]) == 5


def test_a_case_that_hangs_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "PATIENCE", 0.05)

    def stuck(_made: Any) -> None:
        with contextlib.suppress(Exception):  # what is under test may swallow what it likes
            time.sleep(60)

    report = run(60, SEED, numbers, stuck)
    assert report.fault is not None
    assert "Hang" in report.fault.trace
