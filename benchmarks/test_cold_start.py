"""What one cold `eval` costs: processor time of the whole process, beside what its libraries cost alone.

`make bench` prints both and their ratio. The goal is a ratio of 2.5 at most: a pipeline starts the
command for every image, so the start is most of what it waits for.
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
EVAL = [
    str(Path(sys.executable).with_name("policyengine")),
    *("eval", "--oci-layout", f"{EXAMPLE}/layout:clean", "--repository", "registry.example.com/prod/order-api"),
    *("--trust-policy", f"{EXAMPLE}/notation/trustpolicy.json", "--trust-store", f"{EXAMPLE}/notation/truststore"),
    *("--at", "2026-11-22T20:00:00Z", "-o", "json", f"{EXAMPLE}/policies"),
]
GOAL = 2.5


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
    environment = os.environ | {"HOME": str(tmp_path)}
    benchmark.pedantic(lambda: cost(command, environment), rounds=10, warmup_rounds=2)


def test_ratio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = os.environ | {"HOME": str(tmp_path)}
    cost(EVAL, environment)
    pairs = [(cost(EVAL, environment), cost(LIBRARIES, environment)) for _ in range(11)]
    ratio = statistics.median(whole / floor for whole, floor in pairs)
    with capsys.disabled():
        print(f"\ncold eval: {ratio:.2f} times its libraries alone (goal {GOAL}), median of {len(pairs)} pairs")
