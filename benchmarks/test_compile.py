"""What compiling `policies/production` costs: cold, and from the cache, beside one another in one run.

Cold is everything: reading, parsing, checking, generating and compiling the code. The cached set is what a pipeline
meets from its second image on; it is measured down to evaluators that are ready to run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from policyengine import PolicySet, cache
from policyengine.language.compiler import Compiled
from policyengine.language.policyset import read_all

PRODUCTION = Path(__file__).resolve().parents[1] / "policies" / "production"
TARGET = 0.1
"""The cached set takes at most a tenth of the cold one."""

ROUNDS = 9


def ready() -> None:
    """Load the policies, and bind them as an evaluation does."""
    policies = PolicySet.load(PRODUCTION)
    for policy in policies.summary.policies:
        Compiled.load(policy.compiled).bind({})


def cold() -> None:
    """The same with an empty cache."""
    for path in cache.entries():
        if path.name.startswith("policyset-"):
            cache.remove(path)
    ready()


def fastest(run: Callable[[], object]) -> float:
    """The least processor time of several runs, in seconds."""
    times = []
    for _ in range(ROUNDS):
        begin = process_time()
        run()
        times.append(process_time() - begin)
    return min(times)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache of the benchmark's own, and the grammar's tables loaded: they are once for any number of policies."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ready()


@pytest.mark.benchmark(timer=process_time, group="compile policies/production")
@pytest.mark.parametrize("run", [cold, ready], ids=["cold", "cached"])
def test_compiling(benchmark: BenchmarkFixture, run: Callable[[], None]) -> None:
    benchmark.pedantic(run, rounds=ROUNDS, warmup_rounds=1)  # type: ignore[no-untyped-call]


def test_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    long, short = fastest(cold), fastest(ready)
    size = sum(len(source.text) for source in read_all([PRODUCTION]))
    with capsys.disabled():
        print(
            f"\ncompile policies/production, {size} characters: {long * 1000:.0f} ms cold, {short * 1000:.1f} ms cached"
        )
        print(f"the cached set takes {short / long:.3f} of the cold one (target {TARGET})")
    assert short < long
