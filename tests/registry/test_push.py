"""Attaching an artifact in a registry: what is sent, and what is made of every answer."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from policyengine.errors import DigestMismatch, Malformed, RegistryError, TooLarge, Unauthorized, Unreachable
from policyengine.oci import OCI_INDEX, Descriptor, digest_of
from policyengine.registry import push
from policyengine.registry.client import Registry
from policyengine.registry.content import Content, of_bytes
from policyengine.registry.session import Retry
from policyengine.registry.transport import Deadline, Request, Response

HOST, NAME = "https://registry.example.com", "registry.example.com/prod/app"
SUBJECT = "sha256:" + "ab" * 32
TAG = "sha256-" + "ab" * 32
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LOGIN = json.dumps({"auths": {"registry.example.com": {"username": "user", "password": "secret"}}})

BLOBS = (b"{}", b"envelope")
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": "application/x", "digest": digest_of(BLOBS[0]), "size": 2},
        "layers": [{"mediaType": "application/cose", "digest": digest_of(BLOBS[1]), "size": 8}],
        "subject": {"mediaType": MANIFEST_TYPE, "digest": SUBJECT, "size": 7},
    }
).encode()
LISTED = Descriptor(MANIFEST_TYPE, digest_of(MANIFEST), len(MANIFEST), "application/x", {"a": "b"})

Answer = tuple[int, dict[str, str], bytes]
Hook = Callable[[Request, str], "Answer | None"]


@dataclass
class Writable:
    """A registry behind the transport, which checks what a real one checks. `hook` may answer before it."""

    lists: bool = False
    bearer: bool = False
    place: str = "/v2/prod/app/blobs/uploads/1?state=x"
    marks: bool = False
    """Whether manifests have an ETag, and `If-Match` is heeded."""
    hook: Hook = lambda _request, _path: None
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    uploads: bytes = b""
    asked: list[tuple[str, str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @contextmanager
    def open(self, request: Request, deadline: Deadline) -> Iterator[Response]:
        assert deadline.remaining() > 0
        url = urlsplit(request.url)
        self.asked.append((request.method, url.path))
        self.requests.append(request)
        status, headers, body = self.hook(request, url.path) or self.answer(request, url.path, parse_qs(url.query))
        yield Response(status, list(headers.items()), iter([] if request.method == "HEAD" else [body]))

    def answer(self, request: Request, path: str, query: dict[str, list[str]]) -> Answer:
        if path == "/token":
            return 200, {}, json.dumps({"token": " ".join(query["scope"]).encode().hex()}).encode()
        if self.bearer and b"push".hex() not in request.headers.get("Authorization", ""):
            scope = f'scope="repository:prod/app:pull{"" if request.method == "GET" else ",push"}"'
            return 401, {"WWW-Authenticate": f'Bearer realm="{HOST}/token",service="s",{scope}'}, b""
        kind, _, name = path.removeprefix("/v2/prod/app/").partition("/")
        return self.blob(request, name, query) if kind == "blobs" else self.manifest(request, name)

    def blob(self, request: Request, name: str, query: dict[str, list[str]]) -> Answer:
        if request.method == "HEAD":
            return (200 if name in self.blobs else 404), {}, b""
        if request.method == "POST":
            return 202, {"Location": self.place}, b""
        assert query["state"] == ["x"]
        if request.method == "PATCH":
            assert (
                request.headers["Content-Range"] == f"{len(self.uploads)}-{len(self.uploads) + len(sent(request)) - 1}"
            )
            self.uploads += sent(request)
            return 202, {"Location": self.place}, b""
        (digest,) = query["digest"]
        body, self.uploads = self.uploads + sent(request), b""
        assert digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.blobs[digest] = body
        return 201, {"Docker-Content-Digest": digest}, b""

    def manifest(self, request: Request, name: str) -> Answer:
        if request.method == "GET":
            kind, body = self.manifests.get(name, ("", b""))
            marks = {"ETag": f'"{digest_of(body)}"'} if self.marks else {}
            good = kind and kind in request.headers["Accept"].split(", ")
            return (200, {"Content-Type": kind, **marks}, body) if good else (404, {}, b"")
        known = request.headers.get("If-Match")
        if self.marks and known and known != f'"{digest_of(self.manifests[name][1])}"':
            return 412, {}, b""
        self.manifests[name] = (request.headers["Content-Type"], sent(request))
        document = json.loads(sent(request))
        if "subject" in document:
            assert all(part["digest"] in self.blobs for part in (document["config"], *document["layers"]))
            return 201, {"OCI-Subject": document["subject"]["digest"]} if self.lists else {}, b""
        return 201, {}, b""

    def close(self) -> None:
        """Nothing to end."""

    def listed(self) -> list[str]:
        """The digests in the index under the tag of the subject."""
        if TAG not in self.manifests:
            return []
        kind, body = self.manifests[TAG]
        assert kind == OCI_INDEX
        return [entry["digest"] for entry in json.loads(body)["manifests"]]


def sent(request: Request) -> bytes:
    """The body of a request, wherever it comes from."""
    return b"".join(request.body.pieces()) if isinstance(request.body, Content) else request.body


def attach(registry: Writable, mode: str = "auto", login: str = "{}", attempts: int = 1) -> None:
    environment = {"DOCKER_AUTH_CONFIG": login}
    with Registry(referrers=mode, environment=environment, transport=registry, retry=Retry(attempts, 0.0)) as client:
        client.pusher(NAME).attach(MANIFEST, BLOBS, LISTED)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for others, of whom there are none."""
    monkeypatch.setattr(push, "SETTLED", 0.0)


@pytest.mark.parametrize(
    ("lists", "mode", "tagged"),
    [(True, "auto", False), (True, "api", False), (True, "tag", True), (False, "auto", True), (False, "tag", True)],
)
def test_what_is_pushed_and_where_it_is_listed(lists: bool, mode: str, tagged: bool) -> None:
    registry = Writable(lists)
    attach(registry, mode)
    assert sorted(registry.blobs.values()) == sorted(BLOBS)
    assert registry.manifests[LISTED.digest] == (MANIFEST_TYPE, MANIFEST)
    assert registry.listed() == ([LISTED.digest] if tagged else [])


def test_the_api_alone_refuses_a_registry_that_does_not_list() -> None:
    with pytest.raises(RegistryError, match="does not list referrers itself"):
        attach(Writable(lists=False), "api")


def test_what_is_there_is_not_pushed_again() -> None:
    registry = Writable()
    attach(registry)
    registry.asked.clear()
    attach(registry)
    assert [method for method, _ in registry.asked] == ["HEAD", "HEAD", "PUT", "GET"]
    assert registry.listed() == [LISTED.digest]


def test_the_list_keeps_what_others_wrote() -> None:
    other = {"mediaType": MANIFEST_TYPE, "digest": "sha256:" + "cd" * 32, "size": 3, "platform": {"os": "a", "x": "y"}}
    registry = Writable()
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [other]}
    registry.manifests[TAG] = (OCI_INDEX, json.dumps(document).encode())
    attach(registry)
    entries = json.loads(registry.manifests[TAG][1])["manifests"]
    assert entries == [
        other,
        {
            "mediaType": MANIFEST_TYPE,
            "digest": LISTED.digest,
            "size": LISTED.size,
            "artifactType": "application/x",
            "annotations": {"a": "b"},
        },
    ]


@pytest.mark.parametrize("lost", [1, 2, push.ATTEMPTS - 1, push.ATTEMPTS, 99])
def test_somebody_else_writes_the_list_at_the_same_time(lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their write comes last `lost` times, and ours is not in it."""
    monkeypatch.setattr(push, "LONGEST_PAUSE", 0.0)
    writes = 0

    def race(request: Request, path: str) -> Answer | None:
        nonlocal writes
        if request.method == "PUT" and path.endswith(TAG):
            writes += 1
            if writes <= lost:
                return 201, {}, b""
        return None

    registry = Writable(hook=race)
    if lost < push.ATTEMPTS:
        attach(registry)
        assert registry.listed() == [LISTED.digest]
    else:
        with pytest.raises(RegistryError, match="all the time"):
            attach(registry)
        assert writes == push.ATTEMPTS


def test_who_read_the_list_before_us_and_writes_it_after_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """What we wrote was there when we looked, and is gone a little later."""
    other = {"mediaType": MANIFEST_TYPE, "digest": "sha256:" + "cd" * 32, "size": 3}
    registry = Writable()

    def late(_seconds: float) -> None:
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [other]}
        if other["digest"] not in registry.listed():
            registry.manifests[TAG] = (OCI_INDEX, json.dumps(document).encode())

    monkeypatch.setattr(time, "sleep", late)
    attach(registry)
    assert registry.listed() == [other["digest"], LISTED.digest]


def test_a_registry_that_heeds_marks_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another writer comes in between each time: their entry is kept, and so is ours."""
    monkeypatch.setattr(push, "LONGEST_PAUSE", 0.0)
    others = [{"mediaType": MANIFEST_TYPE, "digest": f"sha256:{number:064}", "size": 3} for number in range(4)]
    registry = Writable(marks=True)

    def put(entries: list[Any]) -> None:
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        registry.manifests[TAG] = (OCI_INDEX, json.dumps(document).encode())

    def between(request: Request, path: str) -> Answer | None:
        if request.method == "PUT" and path.endswith(TAG) and len(registry.listed()) < len(others):
            put(others[: len(registry.listed()) + 1])
        return None

    put(others[:1])
    registry.hook = between
    attach(registry)
    assert registry.listed() == [*(entry["digest"] for entry in others), LISTED.digest]


def test_two_writers_at_the_same_time_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "LONGEST_PAUSE", 0.05)
    registry = Writable(marks=True)
    listed = [Descriptor(MANIFEST_TYPE, f"sha256:{number:064}", 3, "application/x") for number in range(3)]

    def write(entry: Descriptor) -> None:
        with Registry(environment={}, transport=registry, retry=Retry(1)) as client:
            client.pusher(NAME)._list(SUBJECT, entry)  # the part where writers meet

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(write, listed))
    assert sorted(registry.listed()) == sorted(entry.digest for entry in listed)


NO_LISTS = {
    "a manifest": (MANIFEST_TYPE, MANIFEST, Malformed),
    "no JSON": (OCI_INDEX, b"<html>", Malformed),
    "a fraction": (
        OCI_INDEX,
        b'{"schemaVersion":2,"mediaType":"%s","manifests":[],"x":1.5}' % OCI_INDEX.encode(),
        Malformed,
    ),
    "too much": (OCI_INDEX, b" " * (5 << 20), TooLarge),
}


@pytest.mark.parametrize("name", NO_LISTS)
def test_what_is_under_the_tag_and_is_no_list_is_left_alone(name: str) -> None:
    kind, body, error = NO_LISTS[name]
    registry = Writable()
    registry.manifests[TAG] = (kind, body)
    with pytest.raises(error):
        attach(registry)
    assert registry.manifests[TAG] == (kind, body)


def test_the_list_keeps_its_own_members() -> None:
    registry = Writable()
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": None, "annotations": {"k": "v"}}
    registry.manifests[TAG] = (OCI_INDEX, json.dumps(document).encode())
    attach(registry)
    assert json.loads(registry.manifests[TAG][1])["annotations"] == {"k": "v"}
    assert registry.listed() == [LISTED.digest]


def test_a_tag_that_shows_the_subject_itself_is_no_list() -> None:
    """GitLab takes the tag of the tag schema for the subject, whose platforms must not become referrers."""
    subject = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()
    manifest = MANIFEST.replace(SUBJECT.encode(), digest_of(subject).encode())
    tag = digest_of(subject).replace(":", "-")
    registry = Writable()
    registry.manifests[tag] = (OCI_INDEX, subject)
    listed = Descriptor(MANIFEST_TYPE, digest_of(manifest), len(manifest), "application/x")
    with Registry(environment={}, transport=registry, retry=Retry(1)) as client:
        client.pusher(NAME).attach(manifest, BLOBS, listed)
    assert [entry["digest"] for entry in json.loads(registry.manifests[tag][1])["manifests"]] == [listed.digest]


@pytest.mark.parametrize(
    "place",
    ["http://registry.example.com/upload", "http://169.254.169.254/", "//10.0.0.1/x", "", "https://localhost/x"],
)
def test_content_goes_to_no_inner_network_and_not_in_plain_text(place: str) -> None:
    registry = Writable(place=place)
    with pytest.raises(RegistryError):
        attach(registry)
    assert [method for method, _ in registry.asked] == ["HEAD", "POST"]


@pytest.mark.parametrize("place", ["https://elsewhere.example.com", "https://registry.example.com:8443"])
def test_no_login_follows_to_another_server(place: str) -> None:
    secret = "Basic " + base64.b64encode(b"user:secret").decode()

    def ask(request: Request, _path: str) -> Answer | None:
        own = request.url.startswith(f"{HOST}/")
        given = request.headers.get("Authorization")
        assert own or given is None
        return (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"") if own and given != secret else None

    registry = Writable(place=f"{place}/v2/prod/app/blobs/uploads/1?state=x", hook=ask)
    attach(registry, login=LOGIN)
    assert registry.listed() == [LISTED.digest]
    assert any(request.url.startswith(place) for request in registry.requests)


@pytest.mark.parametrize("place", ["uploads/1?state=x", "/v2/prod/app/blobs/uploads/1?state=x&_u=a%2Fb"])
def test_the_place_of_an_upload_may_be_relative_and_keeps_its_query(place: str) -> None:
    registry = Writable(place=place)
    attach(registry)
    assert sorted(registry.blobs.values()) == sorted(BLOBS)


def test_what_is_too_large_for_one_request_goes_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "CHUNK_BYTES", 3)

    def small(request: Request, path: str) -> Answer | None:
        return (413, {}, b"") if "/blobs/" in path and len(sent(request)) > 3 else None

    registry = Writable(hook=small)
    attach(registry)
    assert sorted(registry.blobs.values()) == sorted(BLOBS)
    assert [method for method, _ in registry.asked].count("PATCH") == 3


def test_what_is_too_large_in_chunks_too_is_refused() -> None:
    def small(request: Request, _path: str) -> Answer | None:
        return (413, {}, b"") if sent(request) else None

    with pytest.raises(RegistryError, match="is larger than https://registry"):
        attach(Writable(hook=small))


def test_after_a_lost_answer_the_registry_is_asked_what_it_has() -> None:
    lost = []
    registry = Writable()

    def lose(request: Request, path: str) -> Answer | None:
        if request.method == "PUT" and path not in lost:
            lost.append(path)
            registry.answer(request, path, parse_qs(urlsplit(request.url).query))
            raise Unreachable("the answer is lost")
        return None

    registry.hook = lose
    attach(registry, attempts=3)
    assert sorted(registry.blobs.values()) == sorted(BLOBS)
    assert registry.listed() == [LISTED.digest]
    assert [method for method, _ in registry.asked].count("POST") == len(BLOBS)


@pytest.mark.parametrize("where", ["/blobs/", "/manifests/"])
def test_a_registry_that_stores_other_bytes_is_refused(where: str) -> None:
    def other(request: Request, path: str) -> Answer | None:
        if request.method == "PUT" and where in path:
            return 201, {"Docker-Content-Digest": SUBJECT}, b""
        return None

    with pytest.raises(DigestMismatch):
        attach(Writable(hook=other))


def test_a_blob_that_is_stored_elsewhere_is_there() -> None:
    def stored(request: Request, _path: str) -> Answer | None:
        return (307, {"Location": "https://blobs.example.com/x"}, b"") if request.method == "HEAD" else None

    registry = Writable(hook=stored)
    registry.blobs = {digest_of(blob): blob for blob in BLOBS}
    attach(registry)
    assert "POST" not in [method for method, _ in registry.asked]


def test_content_is_read_anew_for_each_try() -> None:
    reads = []
    registry = Writable()
    content = of_bytes(b"content")

    def once_busy(request: Request, _path: str) -> Answer | None:
        if request.method == "PUT":
            reads.append(sent(request))
            return (503, {}, b"") if len(reads) == 1 else None
        return None

    registry.hook = once_busy
    with Registry(environment={}, transport=registry, retry=Retry(2, 0.0)) as client:
        client.pusher(NAME).push_blob(content)
    assert reads == [b"content", b"content"]
    assert registry.blobs[content.digest] == b"content"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429, 500, 503])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_refusal_is_an_error_and_not_tried_again(method: str, status: int) -> None:
    def refuse(request: Request, _path: str) -> Answer | None:
        return (status, {}, b'{"errors":[{"code":"DENIED"}]}') if request.method == method else None

    registry = Writable(hook=refuse)
    with pytest.raises(RegistryError) as caught:
        attach(registry)
    assert [each for each, _ in registry.asked].count(method) == 1
    if status in (401, 403):
        assert isinstance(caught.value, Unauthorized)
        assert "does not let this login write" in caught.value.message
        assert "may push" in caught.value.help


def test_a_redirect_is_not_followed() -> None:
    def moved(request: Request, _path: str) -> Answer | None:
        return (307, {"Location": "https://elsewhere.example.com/"}, b"") if request.method == "PUT" else None

    registry = Writable(hook=moved)
    with pytest.raises(RegistryError):
        attach(registry)
    assert {urlsplit(path).netloc for _, path in registry.asked} == {""}


def test_the_login_is_asked_for_the_right_to_push() -> None:
    registry = Writable(bearer=True)
    attach(registry, login=LOGIN)
    assert registry.listed() == [LISTED.digest]
    assert registry.asked.count(("GET", "/token")) == 1


def test_a_password_goes_to_the_registry_itself() -> None:
    secret = "Basic " + base64.b64encode(b"user:secret").decode()

    def ask(request: Request, _path: str) -> Answer | None:
        given: Any = request.headers.get("Authorization")
        return None if given == secret else (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")

    registry = Writable(hook=ask)
    attach(registry, login=LOGIN)
    assert registry.listed() == [LISTED.digest]
    with pytest.raises(Unauthorized):
        attach(Writable(hook=ask))


def test_a_file_that_changes_while_it_is_sent_is_not_pushed() -> None:
    registry = Writable()
    content = Content(digest_of(b"content"), 7, lambda: iter([b"conTent"]))
    with Registry(environment={}, transport=registry, retry=Retry(1)) as client, pytest.raises(DigestMismatch):
        client.pusher(NAME).push_blob(content)
    assert registry.blobs == {}
