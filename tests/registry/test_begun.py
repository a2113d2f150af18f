"""A repository of which one image is being asked for already."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policyengine.errors import NotFound, Unauthorized
from policyengine.registry.begun import Begun
from policyengine.registry.client import Registry
from policyengine.registry.session import Retry
from policyengine.registry.store import Store
from tests.simulator.content import Content, descriptor
from tests.simulator.registry import Fault, Simulator


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(Content()) as simulator:
        yield simulator


@pytest.fixture
def store(registry: Simulator) -> Iterator[Store]:
    with Registry(environment={}, retry=Retry(1)) as client:
        yield client.repository(f"{registry.host}/a")


def test_an_image_by_digest_is_asked_for_once_with_what_refers_to_it(registry: Simulator, store: Store) -> None:
    image = registry.content.image()
    scan = registry.content.attach(image, b"scan")
    registry.content.sign(image)
    begun = Begun(store, image["digest"])
    for _ in range(2):
        assert begun.resolve(image["digest"]).digest == image["digest"]
        assert scan["digest"] in {each.digest for each in begun.referrers(image["digest"])}
    assert len(registry.seen) == 2
    assert begun.manifest(descriptor(scan))
    assert begun.referrers(scan["digest"]) == ()


def test_of_a_tag_the_referrers_wait_for_its_digest(registry: Simulator, store: Store) -> None:
    image = registry.content.image(tag="1")
    begun = Begun(store, "1")
    assert begun.resolve("1").digest == image["digest"]
    assert len(registry.seen) == 1
    assert begun.referrers(image["digest"]) == ()
    with pytest.raises(NotFound):
        begun.resolve("2")


def test_why_it_could_not_be_had_is_learnt_by_whoever_asks(registry: Simulator, store: Store) -> None:
    image = registry.content.image()
    registry.faults.append(Fault("/", "status", 403))
    begun = Begun(store, image["digest"])
    for ask in (begun.resolve, begun.referrers) * 2:
        with pytest.raises(Unauthorized):
            ask(image["digest"])
    assert len(registry.seen) == 2
