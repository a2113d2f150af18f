"""What has gone wrong in other clients, one test for each advisory, and one for each budget.

Archives (CVE-2025-4517, CVE-2025-8194, CVE-2026-50163) are in `test_layout`, upload locations (CVE-2026-50151) in
`test_push`, token servers (CVE-2026-48978) in `test_tokens` and `test_session`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from policyengine import limits
from policyengine.errors import (
    ContentError,
    DigestMismatch,
    InvalidReference,
    Malformed,
    NotFound,
    PolicyEngineError,
    RegistryError,
    TooLarge,
    Unreachable,
)
from policyengine.oci import OCI_INDEX, OCI_MANIFEST, Descriptor
from policyengine.registry.client import Registry
from policyengine.registry.referrers import attached
from policyengine.registry.repository import Repository
from policyengine.registry.session import Retry
from policyengine.registry.transport import Deadline, Request, Response
from tests.simulator.content import SARIF, Content, bare, descriptor, manifest
from tests.simulator.registry import Fault, Simulator

QUICK = Retry(attempts=2, first=0.001, longest=0.002)
ANY = "sha256:" + "0" * 64


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(Content()) as simulator:
        yield simulator


def repository(registry: Simulator, **options: Any) -> Repository:
    client = Registry(**{"environment": {}, "retry": QUICK, "timeout": 20.0, **options})
    registry.clients.append(client)
    store = client.repository(f"{registry.host}/a/b")
    assert isinstance(store, Repository)
    return store


def served(registry: Simulator, document: Mapping[str, Any], kind: str = OCI_MANIFEST) -> None:
    registry.faults[:] = [Fault("/manifests/", "body", (json.dumps(document).encode(), {"Content-Type": kind}))]


# Content


def test_addresses_in_a_manifest_are_never_followed(registry: Simulator) -> None:
    """CVE-2020-15157: containerd sent its login to whatever `urls` named."""
    with Simulator(Content()) as other:
        layer = {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "digest": ANY, "size": 3}
        config = registry.content.blob(b"{}", "application/vnd.oci.empty.v1+json")
        elsewhere = {**layer, "urls": [f"http://{other.host}/layer"]}
        registry.content.put(manifest(config, [elsewhere]), tag="1")
        store = repository(registry)
        store.resolve("1")
        with pytest.raises(NotFound):
            store.blob(descriptor(layer), 100)
        assert other.seen == []


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"schemaVersion": 2, "config": {}, "layers": [], "manifests": []}, OCI_MANIFEST),
        ({"schemaVersion": 2, "manifests": [], "layers": []}, OCI_INDEX),
        ({"schemaVersion": 2, "manifests": [], "config": {}}, OCI_INDEX),
        ({"schemaVersion": 2, "manifests": []}, OCI_MANIFEST),
        ({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}, OCI_MANIFEST),
        ({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": []}, OCI_INDEX),
        ({"schemaVersion": 2, "layers": [], "config": {}, "fsLayers": []}, OCI_MANIFEST),
        ({"schemaVersion": 2, "manifests": [], "Manifests": []}, OCI_INDEX),
        ({"schemaVersion": 2, "manifests": [], "Subject": {}}, OCI_INDEX),
    ],
)
def test_a_document_with_two_readings_has_none(document: Any, kind: str, registry: Simulator) -> None:
    """CVE-2021-41190."""
    served(registry, document, kind)
    with pytest.raises(Malformed):
        repository(registry).resolve("1")


@pytest.mark.parametrize(
    "digest",
    [
        *("sha256:../../../../etc/passwd", "sha256:" + "A" * 64, "sha256:" + "0" * 63, "sha256:" + "0" * 65),
        *("sha256:" + "0" * 62 + "/0", "../sha256:" + "0" * 64, "sha256:%2e%2e", "sha256:", "", "md5:" + "0" * 32),
        *("sha512:" + "0" * 64, "blake3:" + "0" * 64, "sha256:" + "0" * 64 + "\n", "sha256:" + "٠" * 64),
    ],
)
def test_a_digest_is_no_path_before_it_is_a_digest(digest: str, registry: Simulator) -> None:
    """CVE-2024-3727, osv-scalibr#2408, ollama#17178."""
    store = repository(registry)
    for ask in (
        lambda: store.manifest(Descriptor(OCI_MANIFEST, digest, 10)),
        lambda: store.blob(Descriptor(OCI_MANIFEST, digest, 10), 100),
        lambda: store.referrers(digest),
    ):
        with pytest.raises((ContentError, InvalidReference)):
            ask()
    assert registry.seen == []
    with pytest.raises(PolicyEngineError):
        store.resolve(digest)
    assert registry.seen == []


def test_a_list_with_such_a_digest_is_not_used(registry: Simulator) -> None:
    entry = {"mediaType": OCI_MANIFEST, "digest": "sha256:../../x", "size": 1}
    registry.content.listed[ANY] = [entry]
    with pytest.raises(Malformed):
        repository(registry).referrers(ANY)


# Redirects: GHSA-vh4v-2xq2-g5cg, GHSA-qvqc-4c52-x6qp


class Redirecting:
    """A registry that asks for a login, and sends whoever has one to `place`, where another login is asked for."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.asked: list[Request] = []

    @contextmanager
    def open(self, request: Request, deadline: Deadline) -> Iterator[Response]:
        assert deadline.remaining() > 0
        self.asked.append(request)
        if request.url.startswith("https://registry.example.com/v2/") and len(self.asked) < 3:
            known = "Authorization" in request.headers
            headers = [("Location", self.place)] if known else [("WWW-Authenticate", "Basic realm=x")]
            yield Response(307 if known else 401, headers, iter(()))
        else:
            yield Response(401, [("WWW-Authenticate", "Basic realm=x")], iter(()))

    def close(self) -> None:
        """Nothing to end."""


@pytest.mark.parametrize(
    "place",
    [
        *("https://registry.example.com:8443/b", "https://blobs.example.com/b", "https://sub.registry.example.com/b"),
        *("https://registry.example.com.evil.com/b", "//evil.com/b", "https://registry.example.com./b"),
    ],
)
def test_a_login_does_not_follow_a_redirect(place: str) -> None:
    transport = Redirecting(place)
    login = json.dumps({"auths": {"registry.example.com": {"username": "user", "password": "secret"}}})
    client = Registry(environment={"DOCKER_AUTH_CONFIG": login}, transport=transport, retry=QUICK)
    with pytest.raises(RegistryError):
        client.repository("registry.example.com/a").blob(Descriptor("x/y", ANY, 3), 10)
    assert [("Authorization" in request.headers) for request in transport.asked] == [False, True, False]


@pytest.mark.parametrize(
    "place",
    [
        *("http://registry.example.com/b", "http://blobs.example.com/b", "https://127.0.0.1/b", "https://10.0.0.1/b"),
        *("https://[::1]/b", "https://169.254.169.254/b", "https://localhost/b", "https://u:p@blobs.example.com/b"),
        *(
            "file:///b",
            "ftp://blobs.example.com/b",
            "data:,x",
            "javascript:0",
            "https://a b/",
            "https://ä/",
        ),
        *("https://[::ffff:127.0.0.1]/b", "https://0x7f000001/b", "https://2130706433/b", "https://127.1/b"),
        *("https://metadata.google.internal/b", "https://blobs.example.com:0/b", "https://blobs.example.com:99999/b"),
        *("https://blobs.example.com\\@evil.com/b", "https://blobs.example.com/b#x"),
    ],
)
def test_places_that_no_redirect_leads_to(place: str) -> None:
    transport = Redirecting(place)
    login = json.dumps({"auths": {"registry.example.com": {"username": "user", "password": "secret"}}})
    client = Registry(environment={"DOCKER_AUTH_CONFIG": login}, transport=transport, retry=QUICK)
    with pytest.raises(RegistryError):
        client.repository("registry.example.com/a").blob(Descriptor("x/y", ANY, 3), 10)
    assert len(transport.asked) == 2


# Budgets


def test_a_stated_size_costs_no_memory(registry: Simulator) -> None:
    """GHSA-f36w-mj3v-6jqv: oras-go allocated what a descriptor stated."""
    store = repository(registry)
    huge = Descriptor("x/y", ANY, 2**62)
    with pytest.raises(TooLarge):
        store.blob(huge, limits.DOCUMENT_BYTES)
    with pytest.raises(TooLarge):
        store.manifest(huge)
    assert registry.seen == []
    registry.content.blobs[ANY] = b"short"
    with pytest.raises(DigestMismatch):
        store.blob(Descriptor("x/y", ANY, limits.DOCUMENT_BYTES), limits.DOCUMENT_BYTES)


def test_ten_thousand_referrers_are_read_and_one_more_is_an_error(registry: Simulator) -> None:
    """CVE-2023-46737, CVE-2024-29902: more than is read is an error, never a part of the truth."""
    image = registry.content.image()
    entry = {"mediaType": OCI_MANIFEST, "size": 500, "artifactType": "application/vnd.example.junk"}
    entries = [{**entry, "digest": f"sha256:{number:064x}"} for number in range(limits.REFERRERS + 1)]
    registry.content.listed[image["digest"]] = entries[:-1]
    result = attached(repository(registry), image["digest"], lambda kind: kind == SARIF)
    assert (len(result.strays), len(result.referrers)) == (limits.REFERRERS, 0)
    registry.content.listed[image["digest"]] = entries
    with pytest.raises(TooLarge):
        repository(registry).referrers(image["digest"])


@pytest.mark.parametrize(
    ("where", "fault", "error"),
    [
        ("/manifests/", ("huge", limits.MANIFEST_BYTES + 1), TooLarge),
        ("/manifests/", ("body", (b" " * (limits.MANIFEST_BYTES + 1), {"Content-Type": OCI_MANIFEST})), TooLarge),
        ("/manifests/", ("redirect", "?again"), RegistryError),
        ("/manifests/", ("body", (b"[" * 600 + b"]" * 600, {"Content-Type": OCI_MANIFEST})), Malformed),
        ("/token", ("body", (b" " * (limits.TOKEN_BYTES + 1), {})), RegistryError),
        ("/token", ("endless", None), RegistryError),
        ("/", ("many headers", 100_000), Unreachable),
    ],
)
def test_budgets(
    where: str, fault: tuple[str, Any], error: type[Exception], registry: Simulator, tmp_path: Path
) -> None:
    registry.content.image(tag="1")
    registry.auth = "bearer" if where == "/token" else ""
    registry.faults.append(Fault(where, *fault))
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": {registry.host: {"username": "user", "password": "secret"}}}))
    with pytest.raises(error):
        repository(registry, registry_config=str(path)).resolve("1")


def test_all_that_is_read_for_one_image_is_bounded(registry: Simulator) -> None:
    blobs = [descriptor(registry.content.blob(b"%d" % number + b"x" * 1000)) for number in range(10)]
    store = repository(registry, most=5000)
    results = store.each(lambda blob: store.blob(blob, 10_000), blobs)
    assert {type(each) for each in results} == {bytes, TooLarge}


def test_a_long_error_is_cut_short_and_made_printable(registry: Simulator) -> None:
    body = json.dumps({"errors": [{"code": "X", "message": "\x1b[31m" + "y" * 60_000}]}).encode()
    registry.faults.append(Fault("/", "failure", (400, body)))
    with pytest.raises(RegistryError) as caught:
        repository(registry).resolve("1")
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


# Lists


def test_lists_that_go_round_in_circles(registry: Simulator) -> None:
    """What a list claims cannot be so by digests: it is a stray, and asked about once."""
    content = registry.content
    image = content.image()
    scan = content.attach(image, b"{}")
    content.listed[image["digest"]].append({**bare(image), "artifactType": SARIF})
    content.listed[scan["digest"]] = [{**bare(image), "artifactType": SARIF}, {**bare(scan), "artifactType": SARIF}]
    store = repository(registry)
    first = attached(store, image["digest"])
    assert ([each.descriptor.digest for each in first.referrers], len(first.strays)) == ([scan["digest"]], 1)
    second = attached(store, scan["digest"])
    assert (second.referrers, len(second.strays) + len(second.failures)) == ((), 2)


@pytest.mark.parametrize(
    "change",
    [
        {"size": 1},
        {"size": 10**9},
        {"size": -1},
        {"size": "5"},
        {"size": None},
        {"mediaType": OCI_INDEX},
        {"mediaType": ""},
    ],
)
def test_an_entry_that_describes_its_referrer_wrongly(change: dict[str, Any], registry: Simulator) -> None:
    image = registry.content.image()
    registry.content.attach(image, b"{}")
    registry.content.listed[image["digest"]][0].update(change)
    try:
        result = attached(repository(registry), image["digest"])
    except ContentError:
        return
    assert result.referrers == ()
    assert len(result.failures) == 1


def test_two_entries_for_one_referrer(registry: Simulator) -> None:
    """The first counts; whether it is right decides whether the referrer can be had at all."""
    image = registry.content.image()
    registry.content.attach(image, b"{}")
    (entry,) = registry.content.listed[image["digest"]]
    registry.content.listed[image["digest"]] = [entry, {**entry, "size": 1}, {**entry, "artifactType": "x/y"}]
    assert len(attached(repository(registry), image["digest"]).referrers) == 1
