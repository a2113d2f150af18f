"""Transfers that break off, servers that ask for less, and tokens that run out, in the middle of a run."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policyengine import limits
from policyengine.errors import DigestMismatch, PolicyEngineError, RegistryError, Unauthorized, Unreachable
from policyengine.registry.client import Registry
from policyengine.registry.pace import Pace
from policyengine.registry.repository import RESUMED_BYTES
from policyengine.registry.session import Retry
from policyengine.registry.store import Whole
from tests.simulator.content import Content, descriptor
from tests.simulator.registry import Fault, Simulator

QUICK = Retry(attempts=3, first=0.001, longest=0.002)
LARGE = bytes(range(256)) * (RESUMED_BYTES // 256 + 400)


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(Content()) as simulator:
        yield simulator


def repository(registry: Simulator, folder: Path | None = None, **options: Any) -> Whole:
    if folder:
        path = folder / "config.json"
        path.write_text(json.dumps({"auths": {registry.host: {"username": "user", "password": "secret"}}}))
        options["registry_config"] = str(path)
    client = Registry(**{"environment": {}, "retry": QUICK, "timeout": 20.0, **options})
    registry.clients.append(client)
    return client.repository(f"{registry.host}/a/b")


# Transfers


def test_a_large_blob_goes_on_where_it_broke_off(registry: Simulator) -> None:
    blob = descriptor(registry.content.blob(LARGE))
    registry.faults.append(Fault("/blobs/", "cut", 300_000, times=3))
    assert repository(registry).blob(blob, len(LARGE)) == LARGE
    starts = [int(seen.headers.get("range", "bytes=0-")[6:-1]) for seen in registry.seen]
    assert len(starts) == 4
    assert starts == sorted(set(starts)), "each request asks for what is missing, and no more"


def test_a_registry_that_sends_another_part(registry: Simulator) -> None:
    blob = descriptor(registry.content.blob(LARGE))
    registry.faults += [Fault("/blobs/", "cut", 300_000, times=1), Fault("/blobs/", "part", 7)]
    with pytest.raises(RegistryError, match="another part"):
        repository(registry).blob(blob, len(LARGE))


def test_the_digest_is_that_of_the_whole(registry: Simulator) -> None:
    blob = descriptor(registry.content.blob(LARGE))
    registry.content.blobs[blob.digest] = LARGE[:-1] + b"x"
    registry.faults.append(Fault("/blobs/", "cut", 300_000, times=1))
    with pytest.raises(DigestMismatch):
        repository(registry).blob(blob, len(LARGE))


def test_a_large_blob_that_is_longer_than_stated(registry: Simulator) -> None:
    blob = registry.content.blob(LARGE)
    with pytest.raises(DigestMismatch, match="more bytes"):
        repository(registry).blob(descriptor({**blob, "size": len(LARGE) - 1}), len(LARGE))


def test_a_transfer_that_never_gets_on_is_given_up(registry: Simulator) -> None:
    blob = descriptor(registry.content.blob(LARGE))
    registry.faults.append(Fault("/blobs/", "cut", 0))
    with pytest.raises(Unreachable):
        repository(registry).blob(blob, len(LARGE))
    assert len(registry.seen) == QUICK.attempts


# Trying again


def test_a_failing_server_is_not_asked_four_times_for_everything(registry: Simulator) -> None:
    registry.faults.append(Fault("/blobs/", "status", 503))
    entries = [descriptor(registry.content.blob(b"%d" % number)) for number in range(100)]
    store = repository(registry)
    results = store.each(lambda entry: store.blob(entry, 1000), entries)
    assert {type(result) for result in results} == {Unreachable}
    assert len(registry.seen) <= len(entries) + limits.RETRIES


def test_fewer_requests_at_once_after_a_429(registry: Simulator) -> None:
    registry.faults.append(Fault("/blobs/", "status", 429, times=QUICK.attempts - 1))
    entries = [descriptor(registry.content.blob(b"%d" % number)) for number in range(40)]
    store = repository(registry, workers=4)
    assert all(isinstance(each, bytes) for each in store.each(lambda entry: store.blob(entry, 1000), entries))
    assert vars(store)["_session"]._pace.most < 8


def test_the_pace_is_halved_once_for_all_that_were_under_way() -> None:
    pace = Pace(8)
    with pace.request() as one, pace.request() as two:
        pace.slow_down(one)
        pace.slow_down(two)
    assert pace.most == 4
    for _ in range(5):
        with pace.request() as most:
            pace.slow_down(most)
    assert pace.most == 1, "never none at all"


def test_a_turn_is_waited_for() -> None:
    pace, order = Pace(1), []

    def second() -> None:
        with pace.request():
            order.append("second")

    with pace.request():
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


# Logging in


def test_a_token_that_ran_out_is_renewed_before_it_is_refused(registry: Simulator, tmp_path: Path) -> None:
    registry.content.image(tag="1")
    registry.auth = "bearer"
    store = repository(registry, tmp_path)
    store.resolve("1")
    vars(store)["_session"]._authorizer._until = 0.0
    store.resolve("1")
    paths = [seen.path.partition("?")[0] for seen in registry.seen]
    assert paths == ["/v2/a/b/manifests/1", "/token", "/v2/a/b/manifests/1", "/token", "/v2/a/b/manifests/1"]


def test_a_registry_that_says_how_to_log_in_at_its_root_only(registry: Simulator, tmp_path: Path) -> None:
    image = registry.content.image(tag="1")
    registry.auth = "bearer"
    registry.faults.append(Fault("/manifests/", "status", 401, times=1))
    assert repository(registry, tmp_path).resolve("1").digest == image["digest"]
    assert [seen.path.partition("?")[0] for seen in registry.seen][:3] == ["/v2/a/b/manifests/1", "/v2/", "/token"]


@pytest.mark.parametrize(
    "header",
    [
        'Bearer realm="http://169.254.169.254/latest"',
        'Bearer realm="http://127.0.0.1:1/token"',
        'Bearer realm="file:///etc/passwd"',
        'Bearer realm="http://user:password@example.com/"',
        'Bearer realm="https://[::1]/token"',
        'Bearer realm="https://localhost/token"',
        'Bearer realm="https://metadata.google.internal/token"',
        'Bearer realm="https://2130706433/token"',
        'Bearer realm="https://0x7f.1/token"',
        'Bearer service="no realm"',
        "Negotiate",
        "\\",
    ],
)
def test_challenges_that_lead_nowhere(header: str, registry: Simulator, tmp_path: Path) -> None:
    registry.content.image(tag="1")
    registry.faults.append(Fault("/", "header", header))
    with pytest.raises(RegistryError) as caught:
        repository(registry, tmp_path).resolve("1")
    assert caught.value.exit_code == 3
    assert all("authorization" not in seen.headers for seen in registry.seen)


def test_a_registry_that_never_takes_a_login(registry: Simulator, tmp_path: Path) -> None:
    registry.content.image(tag="1")
    registry.faults.append(Fault("/v2/", "header", f'Bearer realm="http://{registry.host}/token"'))
    with pytest.raises(Unauthorized):
        repository(registry, tmp_path).resolve("1")
    assert len(registry.seen) == 3, "one try without, one token, one try with it"


def test_threads_share_one_failure(registry: Simulator, tmp_path: Path) -> None:
    registry.auth = "bearer"
    registry.faults.append(Fault("/token", "status", 403))
    store = repository(registry, tmp_path)
    results = store.each(store.resolve, ["1", "2", "3"])
    assert all(isinstance(each, PolicyEngineError) and each.exit_code == 3 for each in results)
