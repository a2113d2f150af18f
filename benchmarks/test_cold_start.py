"""What one start of the command costs: processor time of the whole process, beside what its libraries cost alone.

`make bench` prints both and their ratios. A pipeline starts the command for every image, so the start is most of what
it waits for. The goals: an `eval` with policies compiled before takes twice as long as the imports of its libraries;
`--help` and `--version` take half as long again as an interpreter that imports click and does nothing.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "order-api"
LIBRARIES = [sys.executable, "-c", "import msgspec; from cryptography import x509"]
CLICK = [sys.executable, "-c", "import click"]
COMMAND = str(Path(sys.executable).with_name("policyengine"))
EVAL = [
    COMMAND,
    *("eval", "--oci-layout", f"{EXAMPLE}/layout:clean", "--repository", "registry.example.com/prod/order-api"),
    *("--trust-policy", f"{EXAMPLE}/notation/trustpolicy.json", "--trust-store", f"{EXAMPLE}/notation/truststore"),
    *("--at", "2026-11-22T20:00:00Z", "-o", "json", f"{EXAMPLE}/policies"),
]
STARTS = [("an eval", EVAL, LIBRARIES, 2.0), ("--help", [COMMAND, "--help"], CLICK, 1.5),
          ("--version", [COMMAND, "--version"], CLICK, 1.5)]  # fmt: skip


def surroundings(home: Path) -> dict[str, str]:
    """Those of an installed command: a home of its own, and modules that are compiled once."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"HOME": str(home)}


def spent() -> float:
    """Seconds of processor time that finished child processes took, in user and in system mode."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cost(command: Sequence[str], environment: dict[str, str]) -> float:
    """Processor time of one run of `command`, in seconds."""
    before = spent()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return spent() - before


@pytest.mark.benchmark(timer=spent, group="one eval of the example, processor time")
@pytest.mark.parametrize("command", [LIBRARIES, EVAL], ids=["libraries alone", "eval"])
def test_processor_time(benchmark: Any, command: Sequence[str], tmp_path: Path) -> None:
    environment = surroundings(tmp_path)
    benchmark.pedantic(lambda: cost(command, environment), rounds=10, warmup_rounds=2)


@pytest.mark.parametrize(("name", "command", "floor", "goal"), STARTS, ids=[start[0] for start in STARTS])
def test_ratio(
    name: str,
    command: Sequence[str],
    floor: Sequence[str],
    goal: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = surroundings(tmp_path)
    cost(command, environment)
    pairs = [(cost(command, environment), cost(floor, environment)) for _ in range(11)]
    ratio = statistics.median(whole / least for whole, least in pairs)
    with capsys.disabled():
        print(f"\n{name}: {ratio:.2f} times its libraries alone (goal {goal}), median of {len(pairs)} pairs")
