"""The command `cache`, and `--no-cache`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import example
from tests.cli.example import TRUST
from tests.command import Finished, policyengine
from tests.simulator.loading import loaded
from tests.simulator.registry import Simulator


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(loaded(example.LAYOUT)) as simulator:
        yield simulator


def cached(home: Path, *arguments: object) -> Finished:
    return policyengine(*arguments, XDG_CACHE_HOME=str(home))


def evaluate(home: Path, registry: Simulator, *more: object) -> Finished:
    image = f"{registry.host}/a/b@{example.digest('clean')}"
    registry.seen.clear()
    return cached(home, "eval", image, example.POLICIES, *TRUST, "--at", example.AT, "-o", "json", *more)


def content(home: Path) -> dict[str, int]:
    document = cached(home, "cache", "info", "-o", "json").json
    assert document["folder"] == str(home / "policyengine")
    kinds = {kind["kind"]: kind for kind in document["kinds"]}
    return {"entries": kinds["content"]["entries"], "bytes": kinds["content"]["bytes"]}


def test_what_registries_served_is_kept_and_shown_and_removed(registry: Simulator, tmp_path: Path) -> None:
    cold = evaluate(tmp_path, registry)
    requests = len(registry.seen)
    assert len(set(registry.paths())) == requests, "nothing is asked for twice"
    warm = evaluate(tmp_path, registry)
    assert (warm.code, warm.out) == (cold.code, cold.out)
    assert all("/referrers/" in path or "/sha256-" in path for path in registry.paths())
    assert len(registry.seen) < requests / 2
    assert content(tmp_path)["entries"] > 5
    assert "contents of registries" in cached(tmp_path, "cache", "info").out
    assert cached(tmp_path, "cache", "prune", "--all").code == 0
    assert content(tmp_path) == {"entries": 0, "bytes": 0}
    evaluate(tmp_path, registry)
    assert len(registry.seen) == requests


@pytest.mark.parametrize("command", [["discover"], ["tree", *TRUST, "--at", example.AT]])
def test_what_shows_artifacts_reads_as_eval_does(command: list[object], registry: Simulator, tmp_path: Path) -> None:
    verb, *more = command
    image = f"{registry.host}/a/b:clean"
    runs = []
    for options in ([], [], ["--no-cache"]):
        registry.seen.clear()
        ran = cached(tmp_path, verb, image, *more, *options, "-o", "json")
        runs.append((ran.code, ran.out, registry.paths()))
    cold, warm, without = runs
    assert cold[:2] == warm[:2] == without[:2]
    assert len(cold[2]) == len(without[2])
    assert {path for path in warm[2] if "/referrers/" not in path and "/sha256-" not in path} == {"a/b/manifests/clean"}


def test_without_the_cache_nothing_is_kept(registry: Simulator, tmp_path: Path) -> None:
    evaluate(tmp_path, registry, "--no-cache")
    requests = len(registry.seen)
    assert content(tmp_path)["entries"] == 0
    evaluate(tmp_path, registry)
    evaluate(tmp_path, registry, "--no-cache")
    assert len(registry.seen) == requests


def test_pruning_by_age_and_size(registry: Simulator, tmp_path: Path) -> None:
    evaluate(tmp_path, registry)
    before = content(tmp_path)["entries"]
    files = sorted((tmp_path / "policyengine/content").iterdir())
    for file in files[:3]:
        os.utime(file, (1000, 1000))
    removed = cached(tmp_path, "cache", "prune", "--older-than", "1d", "-o", "json").json["removed"]
    assert removed["entries"] == 3
    assert content(tmp_path)["entries"] == before - 3
    cached(tmp_path, "cache", "prune", "--max-size", "8K")
    assert content(tmp_path)["entries"] <= 2
    assert json.loads(evaluate(tmp_path, registry).out)["decision"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["show"],
        ["info", "--all"],
        ["prune", "--all", "--max-size", "1M"],
        ["prune", "--max-size", "much"],
        ["prune", "--max-size", "-1"],
        ["prune", "--max-size", "٣"],
        ["prune", "--older-than", "0d"],
        ["prune", "--older-than", "yesterday"],
    ],
)
def test_wrong_use(arguments: list[str], tmp_path: Path) -> None:
    finished = cached(tmp_path, "cache", *arguments)
    assert finished.code == 2
    assert not finished.out


def test_where_there_can_be_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finished = cached(tmp_path / "file", "cache", "info")
    assert finished.code == 0
    assert "none" in finished.out
    assert cached(tmp_path / "file", "cache", "prune", "--all").code == 0
