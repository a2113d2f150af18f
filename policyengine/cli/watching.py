"""`test --watch`: run again whenever something changes that the tests depend on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from policyengine.errors import InvalidReference, PolicyEngineError
from policyengine.language.policyset import PolicySet

Snapshot = Mapping[Path, tuple[int, int]]
"""Files, each with the time of its last change and its size."""

MOST = 10_000
"""Files that are watched: a folder of policies has hundreds at most, and each is looked at twice a second."""

GONE = (0, 0)


def watch(paths: Sequence[str], run: Callable[[], int], pause: Callable[[], None]) -> int:
    """Call `run` now and after every change of what `paths` name, with a `pause` between two looks, until Ctrl-C.

    Returns what the last run returned.
    """
    given: list[Path] = []
    seen: tuple[Snapshot, Snapshot] | None = None
    code = 0
    try:
        while True:
            now = snapshot(map(Path, paths)), snapshot(given)
            if now != seen:
                code = run()
                given = list(read_by_tests(paths)) or given
                before = {path: state for path, state in now[1].items() if path in given}
                seen = now[0], {**snapshot(given), **before}  # what changed while the tests ran is another change
            pause()
    except KeyboardInterrupt:
        return code


def snapshot(paths: Iterable[Path]) -> Snapshot:
    """The state of the files in `paths`, folders read recursively."""
    return {path: _state(path) for path in islice(_files(paths), MOST)}


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
        else:
            yield path


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return GONE
    return found.st_mtime_ns, found.st_size


def read_by_tests(paths: Iterable[str]) -> Iterator[Path]:
    """The documents and layouts that tests read; none while the policies do not compile."""
    try:
        tests = PolicySet.load(*paths).tests
    except PolicyEngineError:
        return
    for step in (step for test in tests for step in test.steps):
        path = Path(step.span.path).parent / step.path
        if step.kind == "file":
            yield path
        elif step.kind == "layout":
            yield _index(path)


def _index(written: Path) -> Path:
    """What changes whenever a layout does; `written` may name an image in it."""
    from policyengine.registry.layout import parse_layout_reference

    try:
        path, _ = parse_layout_reference(str(written))
    except InvalidReference:
        path = written
    return path / "index.json" if path.is_dir() else path
