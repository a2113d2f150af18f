"""Mirrors move bytes: they cannot change a decision, and get no login but their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policyengine.errors import NotFound, RegistryError, UsageError
from policyengine.registry.client import Registry
from policyengine.registry.mirrors import Mirror, configured
from policyengine.registry.session import Retry
from policyengine.registry.store import Whole
from tests.simulator.content import Content, descriptor
from tests.simulator.registry import Fault, Simulator

QUICK = Retry(attempts=2, first=0.001, longest=0.002)


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(Content()) as simulator:
        yield simulator


@pytest.fixture
def mirror(registry: Simulator) -> Iterator[Simulator]:
    """Another server with the same content."""
    with Simulator(registry.content) as simulator:
        yield simulator


def written(folder: Path, text: str) -> str:
    path = folder / "registries.conf"
    path.write_text(text)
    return str(path)


def mirrored(registry: Simulator, mirror: Simulator, folder: Path, **options: Any) -> Whole:
    text = f"""
[[registry]]
prefix = "{registry.host}/a"
[[registry.mirror]]
location = "{mirror.host}/copies"
"""
    client = Registry(**{"environment": {}, "retry": QUICK, "mirrors": written(folder, text), "timeout": 20, **options})
    registry.clients.append(client)
    return client.repository(f"{registry.host}/a/b")


def test_content_comes_from_the_mirror_and_lists_from_the_registry(
    registry: Simulator, mirror: Simulator, tmp_path: Path
) -> None:
    image = registry.content.image(tag="1")
    scan = registry.content.attach(image, b"{}")
    store = mirrored(registry, mirror, tmp_path)
    assert store.resolve(image["digest"]).digest == image["digest"]
    assert store.manifest(descriptor(scan))
    assert store.blob(descriptor(registry.content.blob(b"{}")), 10) == b"{}"
    assert mirror.paths()
    assert all(path.startswith("copies/b/") for path in mirror.paths())
    assert registry.seen == []
    assert [entry.digest for entry in store.referrers(image["digest"])] == [scan["digest"]]
    assert store.resolve("1").digest == image["digest"]
    assert not [path for path in mirror.paths() if "referrers" in path or path.endswith("/1")]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[("status", status) for status in (401, 403, 404, 429, 500, 503)],
        *[("drop", None), ("truncate", None), ("garbage", None), ("drip", None)],
        ("body", (b"x" * 300, {"Content-Type": "application/vnd.oci.image.manifest.v1+json"})),
        ("body", (b"<html>", {"Content-Type": "text/html"})),
        ("redirect", "http://169.254.169.254/"),
        ("header", 'Bearer realm="http://169.254.169.254/"'),
    ],
)
def test_a_mirror_that_fails_or_lies_is_passed_over(
    kind: str, value: Any, registry: Simulator, mirror: Simulator, tmp_path: Path
) -> None:
    image = registry.content.image(tag="1")
    blob = registry.content.blob(b"document")
    mirror.faults.append(Fault("/", kind, value))
    store = mirrored(registry, mirror, tmp_path, timeout=2 if kind == "drip" else 20)
    assert store.resolve(image["digest"]).digest == image["digest"]
    assert store.blob(descriptor(blob), 100) == b"document"
    assert mirror.seen


def test_a_mirror_that_cannot_be_had_is_asked_once(registry: Simulator, mirror: Simulator, tmp_path: Path) -> None:
    blobs = [descriptor(registry.content.blob(b"%d" % number)) for number in range(5)]
    mirror.faults.append(Fault("/", "status", 503))
    store = mirrored(registry, mirror, tmp_path)
    assert [store.blob(blob, 100) for blob in blobs] == [b"%d" % number for number in range(5)]
    assert (len(mirror.seen), len(registry.seen)) == (1, 5)


def test_what_neither_has_is_not_there(registry: Simulator, mirror: Simulator, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        mirrored(registry, mirror, tmp_path).resolve("sha256:" + "0" * 64)


def test_a_mirror_gets_no_login_but_its_own(registry: Simulator, mirror: Simulator, tmp_path: Path) -> None:
    image = registry.content.image()
    registry.auth = mirror.auth = "basic"
    mirror.login = ("mirror", "own")
    auths = {registry.host: {"username": "user", "password": "secret"}}
    for more, asked in ({}, True), ({mirror.host: {"username": "mirror", "password": "own"}}, False):
        config = tmp_path / "config.json"
        config.write_text(json.dumps({"auths": {**auths, **more}}))
        registry.seen.clear()
        store = mirrored(registry, mirror, tmp_path, registry_config=str(config))
        assert store.resolve(image["digest"]).digest == image["digest"]
        assert bool(registry.seen) == asked
    theirs = {seen.headers.get("authorization") for seen in mirror.seen}
    assert theirs == {None, "Basic bWlycm9yOm93bg=="}


# The file


CONF = """
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "registry.example.com:443"
[[registry.mirror]]
location = "Mirror.Example.com"
[[registry]]
location = "registry.example.com/prod"
[[registry.mirror]]
location = "mirror.example.com:5000/p"
insecure = true
[[registry.mirror]]
location = "tags.example.com"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "second.example.com"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "registry.example.com/prod/secret"
blocked = true
[[registry]]
prefix = "index.docker.io"
[[registry.mirror]]
location = "hub.example.com"
"""


@pytest.mark.parametrize(
    ("name", "mirrors"),
    [
        ("registry.example.com/app", [Mirror("mirror.example.com/app")]),
        (
            "registry.example.com/prod/app",
            [Mirror("mirror.example.com:5000/p/app", True), Mirror("second.example.com/app")],
        ),
        ("registry.example.com/production/app", [Mirror("mirror.example.com/production/app")]),
        ("docker.io/library/nginx", [Mirror("hub.example.com/library/nginx")]),
        ("registry.example.com.evil.com/app", []),
        ("registry.example.com:5000/app", []),
        ("other.example.com/app", []),
    ],
)
def test_the_longest_prefix_counts(name: str, mirrors: list[Mirror], tmp_path: Path) -> None:
    path = written(tmp_path, CONF)
    assert configured(path, {}).of(name) == mirrors
    assert configured(None, {"CONTAINERS_REGISTRIES_CONF": path}).of(name) == mirrors


def test_what_is_blocked_is_not_asked_for(tmp_path: Path) -> None:
    mirrors = configured(written(tmp_path, CONF), {})
    for name in ("registry.example.com/prod/secret", "registry.example.com/prod/secret/app"):
        with pytest.raises(RegistryError, match="blocked"):
            mirrors.of(name)
    assert mirrors.of("registry.example.com/prod/secretary")


def test_without_a_file_there_are_none() -> None:
    assert configured(None, {}).of("registry.example.com/app") == []


@pytest.mark.parametrize(
    "text",
    [
        "[[registry]",
        "registry = 7",
        "registry = [7]",
        "[[registry]]\nprefix = 7",
        "[[registry]]",
        '[[registry]]\nprefix = "*.example.com"',
        '[[registry]]\nprefix = "a.example"\nlocation = "b.example"',
        '[[registry]]\nprefix = "a.example"\nblocked = "yes"',
        '[[registry]]\nprefix = "a.example"\nmirror = "b.example"',
        '[[registry]]\nprefix = "a.example"\n[[registry.mirror]]\nlocation = "https://b.example"',
        '[[registry]]\nprefix = "a.example"\n[[registry.mirror]]\nlocation = "b.example/../x"',
        '[[registry]]\nprefix = "a.example"\n[[registry.mirror]]\nlocation = "b.example:99999"',
        '[[registry]]\nprefix = "a.example"\n[[registry.mirror]]\nlocation = "b.example"\npull-from-mirror = "some"',
        '[[registry]]\nprefix = "\\xff"',
        '[[registry]]\nprefix = "a.example"\n[[registry]]\nlocation = "A.example:443"\nblocked = true',
        "a = " + "[" * 5000,
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        configured(written(tmp_path, text), {})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(UsageError):
            configured(str(path), {})
