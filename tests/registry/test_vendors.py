"""The registries that people use, by their habits: the same evidence is found, and no login goes astray."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policyengine.registry.client import Registry
from policyengine.registry.referrers import attached
from policyengine.registry.session import Retry
from policyengine.registry.store import Whole
from tests.simulator.content import SARIF, SIGNATURE, Content, descriptor
from tests.simulator.registry import TOKEN, Fault, Simulator
from tests.simulator.vendors import VENDORS

QUICK = Retry(attempts=3, first=0.001, longest=0.002)
USER, SECRET = "user", "canary-5b1e77a0"


@pytest.fixture(params=VENDORS)
def vendor(request: Any) -> Iterator[Simulator]:
    """A registry with a vendor's habits, and where it keeps its blobs."""
    habits = VENDORS[request.param]
    content = Content()
    with Simulator(content) as storage, Simulator(content, habits=habits, storage=storage.host) as registry:
        registry.auth = "basic" if habits.challenge.startswith("Basic") else "bearer"
        registry.login, registry.identity_token = (USER, SECRET), SECRET
        registry.elsewhere = storage
        yield registry


def opened(vendor: Simulator, folder: Path, trusted: bool = True, **entry: str) -> Whole:
    path = folder / "config.json"
    path.write_text(json.dumps({"auths": {vendor.host: entry or {"username": USER, "password": SECRET}}}))
    hosts = [vendor.storage] if trusted else []
    client = Registry(environment={}, registry_config=str(path), retry=QUICK, timeout=20, trusted_hosts=hosts)
    vendor.clients.append(client)
    return client.repository(f"{vendor.host}/a/b")


def filled(vendor: Simulator) -> dict[str, Any]:
    """An image with a scan and two signatures, listed where the vendor's clients would list them."""
    content = vendor.content
    image = content.index([content.image("amd64"), content.image("arm64")], tag="1")
    content.attach(image, b"{}")
    content.sign(image, b"one")
    content.sign(image, b"two")
    if vendor.habits.lists != "api":
        content.list_by_tag(image)
    return image


def test_the_evidence_is_found(vendor: Simulator, tmp_path: Path) -> None:
    image = filled(vendor)
    store = opened(vendor, tmp_path)
    assert store.resolve("1").digest == image["digest"]
    found = attached(store, image["digest"])
    assert sorted(each.descriptor.artifact_type for each in found.referrers) == sorted([SARIF, SIGNATURE, SIGNATURE])
    assert (found.failures, found.strays) == ((), ())
    for referrer in found.referrers:
        for layer in referrer.manifest.layers:
            assert store.blob(layer, 1000) in (b"{}", b"one", b"two")


def test_there_are_none(vendor: Simulator, tmp_path: Path) -> None:
    """Also where the tag that would list them stands for the image itself, whose platforms are no referrers."""
    content = vendor.content
    image = content.index([content.image("amd64")], tag="1")
    assert opened(vendor, tmp_path).referrers(image["digest"]) == ()


def test_the_login_stays_where_it_belongs(vendor: Simulator, tmp_path: Path) -> None:
    image = filled(vendor)
    store = opened(vendor, tmp_path)
    for referrer in attached(store, image["digest"]).referrers:
        store.blob(referrer.manifest.layers[0], 1000)
    for seen in vendor.elsewhere.seen:
        assert "authorization" not in seen.headers
        assert SECRET not in repr(seen)
        assert TOKEN not in repr(seen)
    assert all("cookie" not in seen.headers for seen in (*vendor.seen, *vendor.elsewhere.seen))
    assert all(SECRET not in seen.path for seen in vendor.seen)


def test_a_refresh_token_is_exchanged_where_the_vendor_does(vendor: Simulator, tmp_path: Path) -> None:
    if vendor.auth == "basic":
        pytest.skip("this vendor knows no tokens")
    image = filled(vendor)
    store = opened(vendor, tmp_path, username=USER, password=SECRET, identitytoken=SECRET)
    assert store.resolve(image["digest"]).digest == image["digest"]
    asked = [seen for seen in vendor.seen if seen.path.startswith("/token")]
    assert [seen.method for seen in asked] == (["POST"] if vendor.habits.exchanges else ["POST", "GET"])
    assert all(SECRET not in seen.path for seen in asked)


def test_one_login_serves_the_whole_run(vendor: Simulator, tmp_path: Path) -> None:
    image = filled(vendor)
    store = opened(vendor, tmp_path)
    store.resolve("1")
    attached(store, image["digest"])
    assert sum(seen.path.startswith("/token") for seen in vendor.seen) == (vendor.auth == "bearer")


def test_a_rate_limit_is_waited_for(vendor: Simulator, tmp_path: Path) -> None:
    image = filled(vendor)
    vendor.faults.append(Fault("/manifests/", "status", 429, times=2))
    assert opened(vendor, tmp_path).resolve("1").digest == image["digest"]


def test_a_place_for_blobs_that_nobody_vouches_for(vendor: Simulator, tmp_path: Path) -> None:
    """It has an inner address here, which a registry may not send us to."""
    blob = vendor.content.blob(b"document")
    store = opened(vendor, tmp_path, trusted=False)
    result = store.each(lambda entry: store.blob(descriptor(entry), 1000), [blob, blob])
    assert all((each == b"document") != vendor.habits.stores for each in result)
    assert vendor.elsewhere.seen == []
