"""A registry, a Notation configuration and an image in it, made by the real tools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.example import build
from tests.interop import peers
from tests.interop.peers import Notation, Registry
from tests.interop.pipeline import Pipeline

NUMBER = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, so that `-m 'not interop'` leaves it out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session", autouse=True)
def peers_are_built() -> None:
    """Skip where the peers are missing; fail instead where they are required."""
    if lacking := peers.missing():
        reason = f"{', '.join(lacking)} not built: `make test` builds them where Go is installed"
        if os.environ.get("POLICYENGINE_REQUIRE_INTEROP"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with the Referrers API; every test uses a repository of its own in it."""
    serving = Registry(tmp_path_factory.mktemp("registry"))
    yield serving
    serving.stop()


@pytest.fixture
def own_registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry for one test, which may stop it."""
    serving = Registry(tmp_path / "registry")
    yield serving
    serving.stop()


@pytest.fixture(scope="session")
def notation(tmp_path_factory: pytest.TempPathFactory) -> Notation:
    """The keys `release` and `ci`, whose root is trusted, and `stranger`, who calls himself release."""
    trusted = {name: build.signer(name, "order-api test root") for name in ("release", "ci")}
    configuration = Notation(tmp_path_factory.mktemp("configuration"))
    configuration.write("release", trusted | {"stranger": build.signer("release", "stranger test root")})
    return configuration


@pytest.fixture
def pipeline(registry: Registry, notation: Notation, tmp_path: Path) -> Pipeline:
    """The clean image, pushed to a fresh repository; nothing is attached or signed yet."""
    return Pipeline.start(registry, notation, f"prod/order-api-{next(NUMBER)}", tmp_path)


@pytest.fixture
def released(pipeline: Pipeline) -> Pipeline:
    """The clean image with its scan and its SBOM, everything signed in Notation's default way."""
    return pipeline.attach_all().sign_all()
