"""Logins, client certificates and mirrors on the command line: for what was named, and for nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import START, Finished, policyengine
from tests.example import LAYOUT, digest
from tests.simulator.loading import loaded
from tests.simulator.registry import Fault, Simulator, basic

LENIENT = """policy lenient
rule weighs-something deny "an image of nothing"
  require image.size > 0
"""
CANARY = "canary-90c4e1"


@pytest.fixture
def registry() -> Iterator[Simulator]:
    """A registry with the example's image, for one user."""
    with Simulator(loaded(LAYOUT), auth="basic", login=("ci", CANARY)) as simulator:
        yield simulator


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "lenient.policy"
    path.write_text(LENIENT)
    return path


def piped(password: str | bytes, *arguments: object, **environment: str) -> Finished:
    """The command with `password` on standard input."""
    data = password.encode() if isinstance(password, str) else password
    command = [sys.executable, "-c", START, *map(str, arguments)]
    ran = subprocess.run(
        command, input=data, capture_output=True, check=False, timeout=60, env=os.environ | environment
    )
    found = Finished(ran.returncode, ran.stdout.decode(), ran.stderr.decode())
    assert "Traceback" not in found.err
    assert CANARY not in found.out + found.err
    return found


def image(registry: Simulator) -> str:
    return f"{registry.host}/prod/order-api@{digest('clean')}"


def logins(registry: Simulator) -> set[str | None]:
    return {seen.headers.get("authorization") for seen in registry.seen}


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_on_standard_input(end: str, registry: Simulator, policy: Path) -> None:
    ran = piped(CANARY + end, "eval", image(registry), policy, "--username", "ci", "--password-stdin")
    assert ran.code == 0, ran.err
    assert basic("ci", CANARY) in logins(registry)


def test_discover_takes_one_too(registry: Simulator) -> None:
    ran = piped(CANARY, "discover", image(registry), "--username", "ci", "--password-stdin")
    assert ran.code == 0, ran.err


def test_a_login_in_variables(registry: Simulator, policy: Path) -> None:
    def tried(**host: str) -> Finished:
        given = {"USERNAME": "ci", "PASSWORD": CANARY, **host}
        environment: Any = {f"POLICYENGINE_REGISTRY_{name}": value for name, value in given.items()}
        return policyengine("eval", image(registry), policy, **environment)

    assert tried(HOST=registry.host).code == 0
    assert tried(HOST="other.example.com").code == 3
    ran = tried()
    assert ran.code == 2
    assert "POLICYENGINE_REGISTRY_HOST" in ran.err
    assert CANARY not in ran.err


def test_a_login_for_what_decides_as_eval_does(registry: Simulator, policy: Path) -> None:
    login = ("--username", "ci", "--password-stdin", "--no-cache")
    assert piped(CANARY, "explain", image(registry), policy, *login).code == 0
    assert piped(CANARY, "compare", image(registry), "--policies", policy, "--with", policy, *login).code == 0
    assert piped("wrong", "explain", image(registry), policy, *login).code == 3
    assert piped("wrong", "compare", image(registry), "--policies", policy, "--with", policy, *login).code == 3


def test_a_wrong_password_denies_nothing_and_allows_nothing(registry: Simulator, policy: Path) -> None:
    ran = piped("wrong", "eval", image(registry), policy, "--username", "ci", "--password-stdin")
    assert (ran.code, ran.json if ran.out.startswith("{") else None) == (3, None)


@pytest.mark.parametrize("arguments", [["--username", "ci"], ["--password-stdin"]])
def test_half_a_login(arguments: list[str], registry: Simulator, policy: Path) -> None:
    ran = piped(CANARY, "eval", image(registry), policy, *arguments)
    assert (ran.code, registry.seen) == (2, [])
    assert "belong together" in ran.err


@pytest.mark.parametrize("password", ["", "\n", "a\nb", "a\x1bb", b"\xff\xfe", "x" * 70_000])
def test_what_is_no_password(password: str | bytes, registry: Simulator, policy: Path) -> None:
    ran = piped(password, "eval", image(registry), policy, "--username", "ci", "--password-stdin")
    assert (ran.code, registry.seen) == (2, [])


def test_a_password_is_for_one_registry(registry: Simulator, policy: Path) -> None:
    with Simulator(loaded(LAYOUT), auth="basic") as other:
        ran = piped(CANARY, "eval", image(registry), image(other), policy, "--username", "ci", "--password-stdin")
        assert (ran.code, registry.seen, other.seen) == (2, [], [])
        assert "2 are named" in ran.err
        target = f"{other.host}/copy/app:1"
        ran = piped(CANARY, "copy", image(registry), target, "--username", "ci", "--password-stdin")
        assert (ran.code, registry.seen, other.seen) == (2, [], [])


def test_standard_input_holds_one_thing(registry: Simulator, policy: Path) -> None:
    ran = piped(image(registry), "eval", "--from-file", "-", policy, "--username", "ci", "--password-stdin")
    assert (ran.code, registry.seen) == (2, [])
    assert "either the references or the password" in ran.err


@pytest.mark.parametrize("option", ["--cert-file", "--key-file", "--registries-conf"])
def test_files_that_are_not_there(option: str, registry: Simulator, policy: Path) -> None:
    ran = policyengine("eval", image(registry), policy, option, "gone.pem")
    assert (ran.code, registry.seen) == (2, [])
    assert "gone.pem" in ran.err


def test_a_mirror_moves_bytes_under_the_registrys_name(registry: Simulator, policy: Path, tmp_path: Path) -> None:
    registry.auth = ""
    registry.faults.append(Fault("/blobs/", "status", 503))
    with Simulator(registry.content) as mirror:
        conf = tmp_path / "registries.conf"
        conf.write_text(f'[[registry]]\nprefix = "{registry.host}"\n[[registry.mirror]]\nlocation = "{mirror.host}"\n')
        ran = policyengine("eval", image(registry), policy, "--registries-conf", conf, "--no-cache", "-o", "json")
        assert ran.code == 0, ran.err
        assert mirror.seen
        assert ran.json["subject"]["repository"] == f"{registry.host}/prod/order-api"
        assert mirror.host not in ran.out
