"""`test --watch`: what makes the tests run again, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from policyengine.cli.watching import read_by_tests, snapshot, watch
from tests.command import HEEDING, START

POLICY = 'policy p rule r deny "t" forbid finding test "a" given file "scan.json" as scan expect allow'


def runs(paths: list[str], changes: list[Callable[[], object]]) -> int:
    """How often the tests run while one thing after the other is done, and then Ctrl-C is pressed."""
    waiting = iter(changes)
    counted: list[int] = []

    def pause() -> None:
        change = next(waiting, None)
        if change is None:
            raise KeyboardInterrupt
        change()

    def run() -> int:
        counted.append(1)
        return 7

    assert watch(paths, run, pause) == 7
    return len(counted)


def nothing() -> None:
    """What most people do most of the time."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "p.policy").write_text(POLICY)
    return tmp_path / "p"


def test_it_runs_once_while_nothing_changes(folder: Path) -> None:
    assert runs([str(folder)], [nothing, nothing, nothing]) == 1


def test_a_change_a_new_file_and_a_removed_one_run_it_again(folder: Path) -> None:
    path, other = folder / "p.policy", folder / "q.policy"
    assert runs([str(folder)], [
        lambda: path.write_text(POLICY + "\n"), nothing, lambda: other.write_text("x"), nothing, other.unlink, nothing,
    ]) == 4  # fmt: skip
    assert runs([str(path)], [lambda: path.write_text(POLICY), lambda: other.write_text("x"), nothing]) == 2


def test_a_file_that_is_not_there_for_a_moment_is_no_end(folder: Path) -> None:
    path = folder / "p.policy"
    assert runs([str(path)], [path.unlink, lambda: path.write_text(POLICY), nothing]) == 3


def test_a_document_that_a_test_reads_runs_it_again(folder: Path) -> None:
    (folder / "p.policy").write_text(POLICY.replace('"scan.json"', '"../scan.json"'))
    scan = folder / "../scan.json"
    assert runs([str(folder)], [lambda: scan.write_text("{}"), nothing]) == 2


def test_documents_and_layouts_are_found_while_the_policies_compile(folder: Path) -> None:
    path = folder / "p.policy"
    (folder / "layout").mkdir()
    path.write_text(f'{POLICY} test "b" given layout "layout:clean" expect allow')
    assert list(read_by_tests([str(path)])) == [folder / "scan.json", folder / "layout" / "index.json"]
    path.write_text("policy")
    assert list(read_by_tests([str(path)])) == []


def test_no_more_files_are_watched_than_make_sense(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policyengine.cli.watching.MOST", 3)
    for number in range(9):
        (folder / f"{number}.policy").touch()
    assert len(snapshot([folder])) == 3


def test_the_command_goes_on_after_a_mistake_and_ends_quietly(tmp_path: Path) -> None:
    policy, log = tmp_path / "p.policy", tmp_path / "log"
    policy.write_text("policy p rule r")
    with log.open("w") as out:
        command = [sys.executable, "-c", START, "test", str(policy), "--watch"]
        process = subprocess.Popen([*HEEDING, *command], stdout=out, stderr=subprocess.STDOUT, env=os.environ)
        try:
            until(log, "do not compile")
            policy.write_text('policy p rule r deny "t" forbid finding test "a" given scan {} expect allow')
            until(log, "1 test passed")
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert "Traceback" not in log.read_text()


def until(log: Path, text: str) -> None:
    """Wait until the log says `text`."""
    for _ in range(200):
        if text in log.read_text():
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())
