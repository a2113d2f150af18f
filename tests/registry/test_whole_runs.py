"""Whole runs of `eval` against a registry in which something is wrong: never 0, in time, and without the login.

The example's image is allowed where nothing is wrong. Everything that may go wrong with a request is tried at every
place where one is made; the user's secret must be in no output, file, error or request to another host.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policyengine.cli.main import run
from policyengine.registry.client import Registry
from policyengine.registry.session import Retry
from tests.example import AT, FOLDER, LAYOUT, POLICIES, digest
from tests.simulator.faults import FAULTS, at
from tests.simulator.loading import loaded
from tests.simulator.registry import TOKEN, Fault, Simulator

CANARY = "canary-7d20b95e"
SECRETS = (CANARY, base64.b64encode(f"user:{CANARY}".encode()).decode(), TOKEN)
PLACES = ("/manifests/", "/referrers/", "/blobs/", "/token")
QUICK = Retry(attempts=2, first=0.001, longest=0.002)

Evaluation = Callable[..., tuple[int, str]]


@pytest.fixture
def registry() -> Iterator[Simulator]:
    content = loaded(LAYOUT)
    with Simulator(
        content, auth="bearer", login=("user", CANARY), identity_token="", name="prod/order-api"
    ) as simulator:
        yield simulator


@pytest.fixture
def other() -> Iterator[Simulator]:
    """Another server, which asks for a login too."""
    with Simulator(auth="basic") as simulator:
        yield simulator


@pytest.fixture
def evaluated(registry: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Evaluation:
    """Runs `eval` of the example's image in this process; answers with the exit code and everything it said."""
    made: list[Registry] = []
    real = Registry.__init__

    def make(self: Registry, **options: Any) -> None:
        real(self, **{**options, "retry": QUICK})
        made.append(self)

    monkeypatch.setattr(Registry, "__init__", make)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "docker").mkdir()
    login = {"username": "user", "password": CANARY}
    (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {registry.host: login}}))
    trust, policy = tmp_path / "trustpolicy.json", tmp_path / "order-api.policy"
    for source, target in ((FOLDER / "notation/trustpolicy.json", trust), (POLICIES / "order-api.policy", policy)):
        target.write_text(source.read_text().replace("registry.example.com", registry.host))
    base: list[Any] = ["eval", policy, "--trust-policy", trust, "--trust-store", FOLDER / "notation/truststore"]
    base += ["--registry-config", tmp_path / "docker/config.json", "--at", AT, "-o", "json"]

    def evaluate(*options: object, image: str = "clean") -> tuple[int, str]:
        reference = f"{registry.host}/prod/order-api@{digest(image)}"
        code = run([str(argument) for argument in (*base, reference, *options)])
        said = capfd.readouterr()
        while made:
            made.pop().close()
        return code, said.out + said.err

    return evaluate


def assert_no_secret(said: str, folder: Path, other: Simulator) -> None:
    """Nobody was told: neither the user nor a file nor another server."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "docker"]
    for secret in SECRETS:
        assert secret not in said
        assert all(secret.encode() not in path.read_bytes() for path in files)
        assert all(secret not in repr(seen) for seen in other.seen)


def test_nothing_is_wrong(evaluated: Evaluation, registry: Simulator, other: Simulator, tmp_path: Path) -> None:
    for options in (["--no-cache"], [], [], ["--no-cache", "--record", tmp_path / "record.tar"]):
        code, said = evaluated(*options)
        assert code == 0, said
        assert_no_secret(said, tmp_path, other)
    assert (tmp_path / "record.tar").stat().st_size > 1000
    assert evaluated(image="vulnerable")[0] == 1


@pytest.mark.parametrize(
    ("name", "vouched"),
    [*((name, False) for name in FAULTS), *((name, True) for name in FAULTS if "{other}" in str(FAULTS[name][1]))],
)
def test_whatever_goes_wrong_allows_nothing_and_tells_nobody(
    name: str,
    vouched: bool,
    evaluated: Evaluation,
    registry: Simulator,
    other: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if vouched:
        monkeypatch.setenv("POLICYENGINE_TRUSTED_HOSTS", other.host)
    kind, value = at(name, other.host)
    if vouched and kind == "header":
        other.login = ("user", CANARY)  # a token server that the user vouches for may be given the login
    for place in PLACES:
        registry.faults[:] = [Fault(place, kind, value)]
        code, said = evaluated("--timeout", "1", "--no-cache", "--record", tmp_path / "record.tar")
        assert code in (1, 3), (place, said)
        assert "Traceback" not in said
        if not (vouched and kind == "header"):
            assert_no_secret(said, tmp_path, other)


def test_a_registry_that_cannot_be_asked_is_no_denial(evaluated: Evaluation, registry: Simulator) -> None:
    """Exit 3: the image may be fine, and nobody can say."""
    for name in ("unavailable", "a dropped connection", "rate limit", "forbidden", "no HTTP", "a slow body"):
        for place in ("/manifests/", "/referrers/", "/token"):
            registry.faults[:] = [Fault(place, *FAULTS[name])]
            assert evaluated("--timeout", "1", "--no-cache")[0] == 3, (name, place)


def test_what_was_kept_is_not_a_way_around_the_registry(evaluated: Evaluation, registry: Simulator) -> None:
    """A warm run asks for the lists of referrers: what is attached may have changed."""
    code, said = evaluated()
    assert code == 0, said
    registry.faults[:] = [Fault("/referrers/", "status", 503)]
    assert evaluated()[0] == 3
