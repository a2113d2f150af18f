"""The registry client against the simulator: what users rely on, and what goes wrong."""

from __future__ import annotations

import gzip
import json
import pickle
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policyengine import limits
from policyengine.errors import (
    ContentError,
    DigestMismatch,
    Malformed,
    NotFound,
    PolicyEngineError,
    RateLimited,
    RegistryError,
    TooLarge,
    Unauthorized,
    Unreachable,
    UsageError,
)
from policyengine.oci import OCI_INDEX, OCI_MANIFEST, Descriptor
from policyengine.registry.client import Registry
from policyengine.registry.referrers import ELSEWHERE, IRRELEVANT, attached
from policyengine.registry.session import Retry
from policyengine.registry.store import Whole
from tests.simulator.content import SARIF, SIGNATURE, SPDX, Content, descriptor
from tests.simulator.registry import Fault, Simulator

QUICK = Retry(attempts=3, first=0.001, longest=0.002)


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(Content()) as simulator:
        yield simulator


@pytest.fixture
def other() -> Iterator[Simulator]:
    """Another server, on another port."""
    with Simulator(Content()) as simulator:
        yield simulator


def repository(registry: Simulator, **options: Any) -> Whole:
    client = Registry(**{"environment": {}, "retry": QUICK, "timeout": 20.0, **options})
    registry.clients.append(client)
    return client.repository(f"{registry.host}/a/b")


def logins(folder: Path, host: str, **entry: str) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps({"auths": {host: entry or {"username": "user", "password": "secret"}}}))
    return str(path)


# What users rely on


def test_an_image_and_what_is_attached_to_it(registry: Simulator) -> None:
    image = registry.content.image(tag="1")
    scan = registry.content.attach(image, b"the scan")
    registry.content.sign(image)
    store = repository(registry)
    found = store.resolve("1")
    assert found == store.resolve(image["digest"]) == Descriptor(OCI_MANIFEST, image["digest"], image["size"])
    result = attached(store, found.digest)
    assert {referrer.descriptor.artifact_type for referrer in result.referrers} == {SARIF, SIGNATURE}
    (document,) = next(r.manifest.layers for r in result.referrers if r.descriptor.digest == scan["digest"])
    assert store.blob(document, 100) == b"the scan"


def test_a_manifest_is_asked_for_once(registry: Simulator) -> None:
    registry.content.image(tag="1")
    store = repository(registry)
    store.manifest(store.resolve("1"))
    assert len(registry.seen) == 1


def test_requests_for_the_evidence_of_an_image(registry: Simulator) -> None:
    """Image, scan, SBOM and three signatures: fourteen requests, in four rounds."""
    content = registry.content
    image = content.image()
    scan, sbom = content.attach(image, b"scan"), content.attach(image, b"sbom", SPDX)
    for subject in (image, scan, sbom):
        content.sign(subject, f"of {subject['digest']}".encode())
    store = repository(registry)
    store.each(lambda call: call(image["digest"]), [store.resolve, store.referrers])
    first = attached(store, image["digest"])
    documents = [r for r in first.referrers if r.descriptor.artifact_type != SIGNATURE]
    second = [attached(store, document.descriptor.digest) for document in documents]
    signed = [*first.referrers, *(referrer for result in second for referrer in result.referrers)]
    blobs = store.each(lambda layer: store.blob(layer, 100), [layer for r in signed for layer in r.manifest.layers])
    assert len(blobs) == 5
    assert all(isinstance(blob, bytes) for blob in blobs)
    assert len(registry.seen) == 14


def test_a_wave_is_concurrent_and_bounded(registry: Simulator) -> None:
    entries = [registry.content.blob(b"%d" % number) for number in range(30)]
    registry.pause = 0.05
    store = repository(registry, workers=4)
    results = store.each(lambda entry: store.blob(descriptor(entry), 10), entries)
    assert results == [b"%d" % number for number in range(30)]
    assert 1 < registry.most_open <= 4


def at_once(store: Whole, function: Callable[[Descriptor], bytes], items: list[Descriptor]) -> list[Any]:
    """`function` of every item, by threads none of which begins before all are there."""
    ready = threading.Barrier(len(items))

    def call(item: Descriptor) -> bytes:
        ready.wait(30)
        return function(item)

    return store.each(call, items)


@pytest.mark.parametrize("size", [10, 100_000])
def test_what_is_asked_for_twice_in_a_wave_is_asked_for_once(size: int, registry: Simulator) -> None:
    """However large: what is too large to be remembered too."""
    entry = descriptor(registry.content.blob(b"x" * size))
    registry.pause = 0.5
    store = repository(registry)
    assert at_once(store, lambda each: store.blob(each, size), [entry] * 5) == [b"x" * size] * 5
    assert len(registry.seen) == 1


def test_all_who_ask_for_the_same_learn_why_it_could_not_be_had(registry: Simulator) -> None:
    """Another size or kind of the same digest is another question."""
    image = descriptor(registry.content.image(tag="1"))
    registry.faults.append(Fault("/manifests/", "status", 403))
    registry.pause = 0.5
    store = repository(registry)
    shorter = Descriptor(image.media_type, image.digest, image.size - 1)
    index = Descriptor(OCI_INDEX, image.digest, image.size)
    results = at_once(store, store.manifest, [image, image, shorter, index, image])
    assert [type(result) for result in results] == [Unauthorized] * 5
    assert len(registry.seen) == 3


def test_waves_within_waves_do_not_block(registry: Simulator) -> None:
    entries = [registry.content.blob(b"%d" % number) for number in range(4)]
    store = repository(registry, workers=2)

    def inner(_: int) -> list[Any]:
        return store.each(lambda entry: store.blob(descriptor(entry), 10), entries)

    assert store.each(inner, range(4)) == [[b"0", b"1", b"2", b"3"]] * 4


def test_each_returns_errors_in_their_place(registry: Simulator) -> None:
    registry.content.image(tag="1")
    store = repository(registry)
    first, second = store.each(store.resolve, ["1", "2"])
    assert isinstance(first, Descriptor)
    assert isinstance(second, NotFound)


def test_a_layout_never_pays_for_http() -> None:
    import subprocess
    import sys

    code = (
        "import sys, policyengine.registry.layout, policyengine.registry.referrers\n"
        "heavy = {'httpx', 'httpcore', 'ssl', 'socket', 'concurrent.futures', 'subprocess', 'tarfile', 'email'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "options",
    [{"referrers": "both"}, {"timeout": 0}, {"workers": 0}, {"ca_file": "absent"}, {"registry_config": "absent"}],
)
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Registry(**options)


# Referrers


def test_pages_are_followed(registry: Simulator) -> None:
    image = registry.content.image()
    for number in range(7):
        registry.content.attach(image, b"%d" % number)
    registry.content.sign(image)
    registry.page = 3
    assert len(repository(registry).referrers(image["digest"])) == 8
    assert len(registry.seen) == 3


def test_none_is_not_an_error(registry: Simulator) -> None:
    image = registry.content.image()
    for registry.api in (True, False):
        assert repository(registry).referrers(image["digest"]) == ()


def test_the_tag_schema_where_the_api_is_missing(registry: Simulator) -> None:
    image = registry.content.image()
    registry.content.sign(image)
    registry.content.list_by_tag(image)
    registry.api = False
    store = repository(registry)
    assert len(attached(store, image["digest"]).referrers) == 1
    store.referrers("sha256:" + "0" * 64)
    assert sum("/referrers/" in path for path in registry.paths()) == 1, (
        "a registry without the API is asked for it once"
    )


def test_what_is_said_about_one_digest_is_not_said_about_all(registry: Simulator) -> None:
    """Some registries that have the API answer 404 for an image that they do not know."""
    image = registry.content.image()
    registry.content.sign(image)
    registry.faults.append(Fault("/referrers/sha256:000", "status", 404))
    store = repository(registry)
    assert store.referrers("sha256:" + "0" * 64) == ()
    assert len(store.referrers(image["digest"])) == 1


@pytest.mark.parametrize("status", [400, 404, 405, 406, 501])
def test_answers_that_mean_there_is_no_api(status: int, registry: Simulator) -> None:
    image = registry.content.image()
    registry.content.sign(image)
    registry.content.list_by_tag(image)
    registry.faults.append(Fault("/referrers/", "status", status))
    assert len(repository(registry).referrers(image["digest"])) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Unauthorized),
        (403, Unauthorized),
        (429, RateLimited),
        (500, Unreachable),
        (503, Unreachable),
        (418, RegistryError),
    ],
)
@pytest.mark.parametrize("where", ["/referrers/", "/manifests/sha256-"])
def test_answers_that_mean_it_could_not_be_listed(
    where: str, status: int, error: type[RegistryError], registry: Simulator
) -> None:
    image = registry.content.image()
    registry.content.attach(image, b"{}")
    registry.faults.append(Fault(where, "status", status))
    with pytest.raises(error) as caught:
        repository(registry).referrers(image["digest"])
    assert caught.value.retry == (status in (429, 500, 503))


def test_a_false_success_is_no_api(registry: Simulator) -> None:
    image = registry.content.image()
    registry.content.sign(image)
    registry.content.list_by_tag(image)
    registry.faults.append(Fault("/referrers/", "body", (b"<html>", {"Content-Type": "text/html"})))
    assert len(repository(registry).referrers(image["digest"])) == 1


def test_a_redirect_of_the_list_to_another_host_is_no_api(registry: Simulator, other: Simulator) -> None:
    image = registry.content.image()
    registry.content.sign(image)
    registry.content.list_by_tag(image)
    registry.faults.append(Fault("/referrers/", "redirect", f"http://{other.host}/v2/packages"))
    assert len(repository(registry).referrers(image["digest"])) == 1
    assert other.seen == []


def test_signatures_under_the_tag_are_found_beside_the_api(registry: Simulator) -> None:
    """Notation writes the tag by default; olareg then lists only what was attached through the API."""
    content = registry.content
    image = content.image()
    scan = content.attach(image, b"{}")
    signature = content.sign(image)
    content.list_by_tag(image, [content.listed[image["digest"]].pop()])
    store = repository(registry)
    assert {entry.digest for entry in store.referrers(image["digest"])} == {scan["digest"], signature["digest"]}
    assert len(repository(registry, referrers="api").referrers(image["digest"])) == 1
    assert len(repository(registry, referrers="tag").referrers(image["digest"])) == 1


def test_what_the_api_forgot_is_found_under_the_tag(registry: Simulator) -> None:
    """Olareg forgets a first signature that Notation wrote under the tag, and lists the second."""
    content = registry.content
    image = content.image(tag="1")
    first, second = content.sign(image, b"first"), content.sign(image, b"second")
    content.list_by_tag(image)
    content.listed[image["digest"]].pop(0)
    store = repository(registry)
    assert [entry.digest for entry in store.referrers(image["digest"])] == [second["digest"]]
    assert {entry.digest for entry in store.elsewhere(image["digest"])} == {first["digest"], second["digest"]}
    for mode in ("api", "tag"):
        assert repository(registry, referrers=mode).elsewhere(image["digest"]) == ()


def test_the_tag_is_not_asked_for_twice(registry: Simulator) -> None:
    image = registry.content.image()
    registry.content.attach(image, b"{}")
    store = repository(registry)
    store.referrers(image["digest"])
    assert store.elsewhere(image["digest"]) == ()
    assert len(registry.seen) == 2


def test_content_is_asked_for_once(registry: Simulator) -> None:
    blob = registry.content.blob(b"small")
    large = registry.content.blob(b"x" * 100_000)
    store = repository(registry)
    for _ in range(2):
        store.blob(descriptor(blob), 1000)
        store.blob(descriptor(large), 1_000_000)
    assert len(registry.seen) == 3, "small blobs are remembered, large ones are not"
    with pytest.raises(DigestMismatch):
        store.blob(descriptor({**blob, "size": 4}), 1000)


def test_mode_api_without_the_api_is_an_error(registry: Simulator) -> None:
    image = registry.content.image()
    registry.api = False
    with pytest.raises(RegistryError, match="no referrers API"):
        repository(registry, referrers="api").referrers(image["digest"])


def test_a_tag_that_stands_for_the_subject_is_no_list(registry: Simulator) -> None:
    """GitLab takes `sha256-<hex>` for the image itself, whose platforms would look like referrers."""
    content = registry.content
    image = content.index([content.image("amd64")])
    content.tags["sha256-" + image["digest"][7:]] = image["digest"]
    registry.api = False
    assert repository(registry).referrers(image["digest"]) == ()


def test_a_manifest_under_the_tag_is_no_list(registry: Simulator) -> None:
    image = registry.content.image()
    registry.content.image("other", tag="sha256-" + image["digest"][7:])
    registry.api = False
    assert repository(registry).referrers(image["digest"]) == ()


def test_an_unknown_repository_is_an_error(registry: Simulator) -> None:
    registry.faults.append(Fault("/referrers/", "unknown repository"))
    with pytest.raises(NotFound, match="NAME_UNKNOWN"):
        repository(registry).referrers("sha256:" + "0" * 64)


def test_lists_without_types_are_learnt_and_foreign_ones_dropped(registry: Simulator) -> None:
    content = registry.content
    image, stranger = content.image(), content.image("stranger")
    content.attach(image, b"{}")
    content.attach(image, b"junk", "application/vnd.example.junk")
    content.attach(stranger, b"other")
    for entry in content.listed[image["digest"]]:
        del entry["artifactType"]
    content.listed[image["digest"]] += content.listed[stranger["digest"]]
    result = attached(repository(registry), image["digest"], lambda kind: "junk" not in kind)
    assert [referrer.descriptor.artifact_type for referrer in result.referrers] == [SARIF]
    assert {stray.reason for stray in result.strays} == {IRRELEVANT, ELSEWHERE}


def test_junk_costs_no_requests(registry: Simulator) -> None:
    image = registry.content.image()
    for number in range(120):
        registry.content.attach(image, b"%d" % number, "application/vnd.example.junk")
    registry.content.sign(image)
    result = attached(repository(registry), image["digest"], lambda kind: kind == SIGNATURE)
    assert (len(result.referrers), len(result.strays), len(registry.seen)) == (1, 120, 2)


def test_a_broken_referrer_does_not_hide_the_others(registry: Simulator) -> None:
    image = registry.content.image()
    scan = registry.content.attach(image, b"{}")
    registry.content.sign(image)
    registry.faults.append(Fault(scan["digest"], "body", (b"x" * scan["size"], {"Content-Type": OCI_MANIFEST})))
    result = attached(repository(registry), image["digest"])
    assert [type(failure.error) for failure in result.failures] == [DigestMismatch]
    assert [referrer.descriptor.artifact_type for referrer in result.referrers] == [SIGNATURE]


def test_duplicates_count_once(registry: Simulator) -> None:
    image = registry.content.image()
    registry.content.sign(image)
    registry.content.listed[image["digest"]] *= 50
    assert len(repository(registry).referrers(image["digest"])) == 1


def test_a_list_in_a_circle_ends(registry: Simulator) -> None:
    image = registry.content.image()
    path = f"/v2/a/b/referrers/{image['digest']}"
    page = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    registry.faults.append(
        Fault("/referrers/", "body", (page, {"Content-Type": OCI_INDEX, "Link": f'<{path}>; rel="next"'}))
    )
    with pytest.raises(Malformed, match="circle"):
        repository(registry).referrers(image["digest"])
    assert len(registry.seen) == 1


def test_a_list_without_end_ends(registry: Simulator) -> None:
    registry.faults.append(Fault("/referrers/", "endless pages"))
    with pytest.raises(TooLarge):
        repository(registry).referrers("sha256:" + "0" * 64)
    assert len(registry.seen) == limits.REFERRER_PAGES + 1


@pytest.mark.parametrize(
    "link",
    [
        '<http://169.254.169.254/latest/meta-data>; rel="next"',
        '<http://{other}/v2/a/b/referrers/{digest}?last=1>; rel="next"',
        '</v2/c/d/referrers/{digest}>; rel="next"',
        '</v2/a/b/referrers/sha256:0>; rel="next"',
        "<//{other}/v2/a/b/referrers/{digest}>; rel=next",
        "</v2/a/b/referrers/{digest}",
    ],
)
def test_links_lead_to_the_same_list_only(link: str, registry: Simulator, other: Simulator) -> None:
    digest = "sha256:" + "0" * 64
    page = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    headers = {"Content-Type": OCI_INDEX, "Link": link.format(other=other.host, digest=digest)}
    registry.faults.append(Fault("/referrers/", "body", (page, headers)))
    with pytest.raises(RegistryError):
        repository(registry).referrers(digest)
    assert (len(registry.seen), len(other.seen)) == (1, 0)


@pytest.mark.parametrize(
    "link",
    [
        '</v2/a/b/referrers/{digest}?last=1>; rel="next"',
        '<http://{host}/v2/a/b/referrers/{digest}?last=1>; rel="next"',
        "<?last=1>; rel=next",
        "<./{digest}?last=1>; rel=next",
        '</v2/a/b/referrers/sha256%3A{hex}?last=1>; rel="next"',
        '<//{host}/v2/a/b/referrers/{digest}?last=1>; rel="next"',
        '</v2/a/b/referrers/../referrers/{digest}?last=1>; rel="next"',
        "</v2/a/b/referrers/{digest}?last=1>",
    ],
)
def test_ways_to_write_the_next_page(link: str, registry: Simulator) -> None:
    image = registry.content.image()
    for number in range(2):
        registry.content.attach(image, b"%d" % number)
    first = json.dumps({"schemaVersion": 2, "manifests": registry.content.listed[image["digest"]][:1]}).encode()
    value = link.format(digest=image["digest"], hex=image["digest"][7:], host=registry.host)
    registry.faults.append(Fault("/referrers/", "body", (first, {"Content-Type": OCI_INDEX, "Link": value}), times=1))
    assert len(repository(registry).referrers(image["digest"])) == 2


# Faults: each ends in its own error


FAULTS: dict[str, tuple[Fault, type[PolicyEngineError], str]] = {
    "another body": (Fault("/manifests/", "body", (b"x" * 300, {"Content-Type": OCI_MANIFEST})), ContentError, "JSON"),
    "a broken manifest": (Fault("/manifests/", "body", (b"{", {"Content-Type": OCI_MANIFEST})), Malformed, "JSON"),
    "an endless manifest": (Fault("/manifests/", "endless"), TooLarge, "more than"),
    "a body cut short": (Fault("/manifests/", "truncate"), Unreachable, "broke off"),
    "a dropped connection": (Fault("/manifests/", "drop"), Unreachable, "broke off"),
    "a slow body": (Fault("/manifests/", "drip"), Unreachable, "in time|longer than"),
    "slow headers": (Fault("/manifests/", "drip headers"), Unreachable, "in time|longer than"),
    "no HTTP": (Fault("/manifests/", "garbage"), Unreachable, "does not speak HTTP"),
    "not found": (Fault("/manifests/", "status", 404), NotFound, "SIMULATED"),
    "forbidden": (Fault("/manifests/", "status", 403), Unauthorized, "SIMULATED"),
    "no way to log in": (Fault("/manifests/", "status", 401), Unauthorized, "let this login"),
    "rate limit": (Fault("/manifests/", "status", 429), RateLimited, "later"),
    "rate limit with a long wait": (Fault("/", "status", (429, {"Retry-After": "3600"})), RateLimited, "later"),
    "server fault": (Fault("/manifests/", "status", 502), Unreachable, "502"),
    "teapot": (Fault("/manifests/", "status", 418), RegistryError, "unexpected"),
    "a redirect to itself": (
        Fault("/manifests/", "redirect", "/v2/a/b/manifests/1"),
        RegistryError,
        "redirects more than",
    ),
    "a redirect to the metadata service": (
        Fault("/manifests/", "redirect", "http://169.254.169.254/latest"),
        RegistryError,
        "inner network",
    ),
    "a redirect to another port here": (Fault("/", "redirect", "http://127.0.0.1:1/"), RegistryError, "inner network"),
    "a redirect to a file": (
        Fault("/manifests/", "redirect", "file:///etc/passwd"),
        RegistryError,
        "not a plain https URL",
    ),
    "a redirect with a login": (
        Fault("/", "redirect", "https://a:b@example.com/"),
        RegistryError,
        "not a plain https URL",
    ),
    "a wrong type": (Fault("/manifests/", "body", (b"{}", {"Content-Type": "text/html"})), Malformed, "media type"),
    "gzip": (
        Fault("/", "body", (gzip.compress(b" " * 9_000_000), {"Content-Encoding": "gzip"})),
        RegistryError,
        "compressed",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str, registry: Simulator) -> None:
    fault, error, message = FAULTS[name]
    registry.content.image(tag="1")
    registry.faults.append(fault)
    start = time.monotonic()
    with pytest.raises(PolicyEngineError, match=message) as caught:
        repository(registry, timeout=1.0).resolve("1")
    assert isinstance(caught.value, error)
    assert time.monotonic() - start < 30
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("kind", ["drop", "truncate"])
def test_a_fault_that_passes_is_not_noticed(kind: str, registry: Simulator) -> None:
    image = registry.content.image(tag="1")
    registry.faults.append(Fault("/manifests/", kind, times=2))
    assert repository(registry).resolve("1").digest == image["digest"]
    assert len(registry.seen) == 3


def test_retry_after_is_heeded(registry: Simulator) -> None:
    registry.content.image(tag="1")
    registry.faults.append(Fault("/", "status", (429, {"Retry-After": "1"}), times=1))
    start = time.monotonic()
    repository(registry).resolve("1")
    assert time.monotonic() - start >= 1


def test_what_cannot_help_is_not_tried_again(registry: Simulator) -> None:
    for status in (404, 403, 501):
        registry.faults[:] = [Fault("/", "status", status)]
        registry.seen.clear()
        with pytest.raises(RegistryError):
            repository(registry).resolve("1")
        assert len(registry.seen) == 1


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    with Registry(environment={}, retry=QUICK) as client, pytest.raises(Unreachable, match="cannot be") as caught:
        client.repository(f"{host}/a").resolve("1")
    assert caught.value.retry


def test_a_name_that_does_not_exist() -> None:
    with Registry(environment={}, retry=Retry(1)) as client, pytest.raises(Unreachable, match="cannot be reached"):
        client.repository("registry.invalid/a").resolve("1")


def test_a_server_that_never_answers() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        start = time.monotonic()
        with Registry(environment={}, timeout=0.5) as client, pytest.raises(Unreachable):
            client.repository(f"{host}/a").resolve("1")
        assert time.monotonic() - start < 12


def test_tls_against_a_server_without(registry: Simulator) -> None:
    with pytest.raises(Unreachable):
        repository(registry, plain_http=False).resolve("1")
    assert registry.seen == []


def test_a_lying_digest(registry: Simulator) -> None:
    image = registry.content.image()
    registry.content.blobs[image["digest"]] = b" " * image["size"]
    with pytest.raises(DigestMismatch):
        repository(registry).resolve(image["digest"])


def test_a_header_that_contradicts_the_body(registry: Simulator) -> None:
    image = registry.content.image()
    headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": "sha256:" + "0" * 64}
    registry.faults.append(Fault("/", "body", (registry.content.blobs[image["digest"]], headers)))
    with pytest.raises(DigestMismatch):
        repository(registry).resolve("1")


def test_a_manifest_served_as_another_type(registry: Simulator) -> None:
    image = registry.content.image()
    data = registry.content.blobs[image["digest"]]
    registry.faults.append(Fault("/", "body", (data, {"Content-Type": OCI_INDEX})))
    with pytest.raises(Malformed):
        repository(registry).manifest(descriptor(image))


def test_sizes_bound_what_is_read(registry: Simulator) -> None:
    blob = registry.content.blob(b"x" * 100)
    store = repository(registry)
    with pytest.raises(TooLarge):
        store.blob(descriptor(blob), 99)
    assert registry.seen == [], "too much is not even asked for"
    with pytest.raises(DigestMismatch, match="more bytes than the 99"):
        store.blob(descriptor({**blob, "size": 99}), 1000)
    with pytest.raises(DigestMismatch, match="100 bytes where"):
        store.blob(descriptor({**blob, "size": 101}), 1000)
    with pytest.raises(TooLarge):
        store.manifest(descriptor({**blob, "size": limits.MANIFEST_BYTES + 1}))


def test_an_endless_blob_costs_little(registry: Simulator) -> None:
    registry.faults.append(Fault("/blobs/", "endless"))
    blob = Descriptor(SARIF, "sha256:" + "0" * 64, 1_000_000)
    store = repository(registry)
    tracemalloc.start()
    with pytest.raises(DigestMismatch, match="more bytes"):
        store.blob(blob, 2_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_an_unverifiable_digest_is_not_asked_for(registry: Simulator) -> None:
    store = repository(registry)
    for digest in ("blake3:" + "a" * 64, "sha256:../../../x"):
        with pytest.raises(Malformed):
            store.blob(Descriptor(SARIF, digest, 1), 10)
    assert registry.seen == []


# Redirects and logins


def test_a_blob_from_another_host_without_the_login(registry: Simulator, other: Simulator, tmp_path: Path) -> None:
    blob = registry.content.blob(b"document")
    other.content.blobs = registry.content.blobs
    registry.auth = "basic"
    registry.faults.append(Fault("/blobs/", "redirect", f"http://{other.host}/v2/a/b/blobs/{blob['digest']}?sig=1"))
    config = logins(tmp_path, registry.host)
    store = repository(registry, registry_config=config, trusted_hosts=[other.host])
    assert store.blob(descriptor(blob), 100) == b"document"
    assert "authorization" not in other.seen[0].headers
    assert "cookie" not in other.seen[0].headers


def test_a_redirect_on_the_same_host_keeps_the_login(registry: Simulator, tmp_path: Path) -> None:
    blob = registry.content.blob(b"document")
    registry.auth = "basic"
    registry.faults.append(Fault("/a/b/blobs/", "redirect", f"/v2/c/d/blobs/{blob['digest']}"))
    store = repository(registry, registry_config=logins(tmp_path, registry.host))
    assert store.blob(descriptor(blob), 100) == b"document"


def test_a_redirected_host_that_asks_for_a_login_gets_none(
    registry: Simulator, other: Simulator, tmp_path: Path
) -> None:
    blob = registry.content.blob(b"document")
    other.auth = "basic"
    registry.faults.append(Fault("/blobs/", "redirect", f"http://{other.host}/v2/a/b/blobs/{blob['digest']}"))
    config = logins(tmp_path, registry.host)
    with pytest.raises(Unauthorized):
        repository(registry, registry_config=config, trusted_hosts=[other.host]).blob(descriptor(blob), 100)
    assert all("authorization" not in seen.headers for seen in other.seen)


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_logging_in(auth: str, registry: Simulator, tmp_path: Path) -> None:
    image = registry.content.image(tag="1")
    blob = registry.content.blob(b"document")
    registry.auth = auth
    store = repository(registry, registry_config=logins(tmp_path, registry.host))
    assert store.resolve("1").digest == image["digest"]
    store.blob(descriptor(blob), 10_000)
    refused = [seen for seen in registry.seen if "authorization" not in seen.headers]
    assert len(refused) == 1, "the login is remembered"
    if auth == "bearer":
        assert registry.scopes == [["repository:a/b:pull"]]


def test_an_identity_token_is_exchanged(registry: Simulator, tmp_path: Path) -> None:
    registry.content.image(tag="1")
    registry.auth = "bearer"
    config = logins(tmp_path, registry.host, auth="MDAwMDAwMDA6", identitytoken="refresh")
    repository(registry, registry_config=config).resolve("1")
    (post,) = [seen for seen in registry.seen if seen.method == "POST"]
    assert b"grant_type=refresh_token" in post.body
    assert "authorization" not in post.headers


def test_a_registry_token_is_used_as_it_is(registry: Simulator, tmp_path: Path) -> None:
    registry.content.image(tag="1")
    registry.auth = "bearer"
    config = logins(tmp_path, registry.host, registrytoken="simulated-token")
    repository(registry, registry_config=config).resolve("1")
    assert [seen.path for seen in registry.seen] == ["/v2/a/b/manifests/1"] * 2


def test_many_threads_ask_for_one_token(registry: Simulator, tmp_path: Path) -> None:
    entries = [registry.content.blob(b"%d" % number) for number in range(8)]
    registry.auth = "bearer"
    store = repository(registry, registry_config=logins(tmp_path, registry.host))
    assert all(isinstance(r, bytes) for r in store.each(lambda entry: store.blob(descriptor(entry), 10), entries))
    assert len(registry.scopes) == 1


def test_a_token_that_ran_out_is_renewed_once(registry: Simulator, tmp_path: Path) -> None:
    registry.content.image(tag="1")
    blob = registry.content.blob(b"document")
    registry.auth = "bearer"
    store = repository(registry, registry_config=logins(tmp_path, registry.host))
    store.resolve("1")
    challenge = {"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token"'}
    registry.faults.append(Fault("/blobs/", "status", (401, challenge), times=1))
    store.blob(descriptor(blob), 10_000)
    assert len(registry.scopes) == 2


def test_a_login_that_is_never_accepted_ends(registry: Simulator, tmp_path: Path) -> None:
    registry.auth = "bearer"
    challenge = {"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token"'}
    registry.faults.append(Fault("/manifests/", "status", (401, challenge)))
    with pytest.raises(Unauthorized):
        repository(registry, registry_config=logins(tmp_path, registry.host)).resolve("1")
    assert len(registry.seen) == 3


def test_a_wrong_password(registry: Simulator, tmp_path: Path) -> None:
    for registry.auth in ("basic", "bearer"):
        registry.seen.clear()
        config = logins(tmp_path, registry.host, username="user", password="wrong")
        with pytest.raises(Unauthorized) as caught:
            repository(registry, registry_config=config).resolve("1")
        assert "docker login" in caught.value.help
        assert len(registry.seen) == 2


def test_no_login(registry: Simulator) -> None:
    registry.auth = "basic"
    with pytest.raises(Unauthorized, match="asks for a login"):
        repository(registry).resolve("1")


@pytest.mark.parametrize(
    "realm",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://{other}/token",
        "http://localhost:1/token",
        "file:///etc/passwd",
        "//{other}/token",
        "http://127.0.0.1.:80/",
        "http://user:secret@example.com/",
        "\\\\{other}\\token",
        "",
    ],
)
def test_token_servers_elsewhere_are_not_asked(
    realm: str, registry: Simulator, other: Simulator, tmp_path: Path
) -> None:
    registry.auth = "bearer"
    registry.realm = realm.format(other=other.host) or "x"
    with pytest.raises(RegistryError):
        repository(registry, registry_config=logins(tmp_path, registry.host)).resolve("1")
    assert other.seen == []


def test_a_trusted_token_server_is_given_the_login(registry: Simulator, other: Simulator, tmp_path: Path) -> None:
    registry.content.image(tag="1")
    registry.auth = "bearer"
    registry.realm = f"http://{other.host}/token"
    config = logins(tmp_path, registry.host)
    environment = {"POLICYENGINE_TRUSTED_HOSTS": f"example.com, {other.host}"}
    repository(registry, registry_config=config, environment=environment).resolve("1")
    assert len(other.seen) == 1


def test_a_relative_realm(registry: Simulator, tmp_path: Path) -> None:
    registry.content.image(tag="1")
    registry.auth = "bearer"
    registry.realm = "/token"
    repository(registry, registry_config=logins(tmp_path, registry.host)).resolve("1")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "without a token"),
        (b"[]", "without a token"),
        (b'{"token": 7}', "without a token"),
        (b'{"token": "a\\r\\nX: y"}', "no header"),
        (b" " * (limits.TOKEN_BYTES + 1), "too many bytes"),
    ],
)
def test_token_servers_that_answer_nonsense(answer: bytes, reason: str, registry: Simulator, tmp_path: Path) -> None:
    registry.auth = "bearer"
    registry.faults.append(Fault("/token", "body", (answer, {})))
    with pytest.raises(RegistryError, match=reason):
        repository(registry, registry_config=logins(tmp_path, registry.host)).resolve("1")


def test_a_token_server_that_is_not_there_does_not_mean_that_the_image_is_not(
    registry: Simulator, tmp_path: Path
) -> None:
    registry.auth = "bearer"
    registry.faults.append(Fault("/token", "status", 404))
    with pytest.raises(Unauthorized):
        repository(registry, registry_config=logins(tmp_path, registry.host)).resolve("1")


CANARY = "canary-3f9a61c2d7"


@pytest.mark.parametrize("auth", ["", "basic", "bearer"])
@pytest.mark.parametrize("kind", ["identitytoken", "password"])
def test_the_canary(auth: str, kind: str, registry: Simulator, other: Simulator, tmp_path: Path, capfd: Any) -> None:
    """Under every fault, the user's secret is in no error and in no request to another host."""
    image = registry.content.image(tag="1")
    registry.auth, registry.login = auth, ("user", CANARY)
    other.auth = "basic"
    registry.identity_token = CANARY
    secret = {"username": "user", "password": CANARY} if kind == "password" else {"identitytoken": CANARY}
    config = logins(tmp_path, registry.host, **secret)
    elsewhere = [
        Fault("/manifests/", "redirect", f"http://{other.host}/v2/a/b/manifests/1"),
        Fault("/token", "redirect", f"http://{other.host}/token"),
        Fault("/token", "status", 500),
        Fault("/token", "drop"),
    ]
    for fault in [*(fault for fault, _, _ in FAULTS.values() if "drip" not in fault.kind), *elsewhere]:
        for trusted in ([], [other.host]):
            registry.faults[:] = [fault]
            registry.used.clear()
            client = Registry(
                environment={}, retry=Retry(2, 0, 0), timeout=5, registry_config=config, trusted_hosts=trusted
            )
            store = client.repository(f"{registry.host}/a/b")
            result = store.each(store.resolve, ["1", image["digest"]])
            texts = [repr(vars(client)), repr(vars(store)), repr(vars(store)["_session"]._authorizer._logins)]
            texts += [
                text for e in result if isinstance(e, Exception) for text in (repr(e), e.help, repr(pickle.dumps(e)))
            ]
            assert all(CANARY not in text for text in texts)
            client.close()
    assert CANARY not in repr(capfd.readouterr())
    assert all(CANARY not in repr((seen.path, seen.body)) for seen in other.seen)
    assert all("authorization" not in seen.headers for seen in other.seen)
    for seen in registry.seen:
        if CANARY in repr(seen.body):
            assert seen.path.startswith("/token")


def test_a_deadline_begins_with_the_first_request(registry: Simulator) -> None:
    """Several images are named at once and evaluated one after the other."""
    image = registry.content.image(tag="1")
    store = repository(registry, timeout=0.3)
    time.sleep(0.4)
    assert store.resolve("1").digest == image["digest"]
    time.sleep(0.4)
    with pytest.raises(Unreachable, match="longer than"):
        store.resolve("1")


def test_deadlines_hold_for_whole_waves(registry: Simulator) -> None:
    registry.faults.append(Fault("/blobs/", "drip"))
    entries = [registry.content.blob(b"%d" % number + b"x" * 1000) for number in range(20)]
    store = repository(registry, timeout=0.5, workers=2)
    start = time.monotonic()
    results = store.each(lambda entry: store.blob(descriptor(entry), 10_000), entries)
    assert {type(result) for result in results} == {Unreachable}
    assert time.monotonic() - start < 30
    assert threading.active_count() < 40
