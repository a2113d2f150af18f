"""A registry in this process that speaks the distribution specification over HTTP, with faults as values.

It listens on 127.0.0.1, counts requests and keeps their headers, so that "no login leaked" and "no
more requests than needed" can be asserted.
"""

from __future__ import annotations

import base64
import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qs, unquote, urlsplit

from policyengine.oci import OCI_INDEX
from tests.simulator.content import Content
from tests.simulator.vendors import PLAIN, Habits

TOKEN = "simulated-token"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the requests whose path contains `where`, the first `times` times.

    `kind` names the behaviour, see `Handler.fault`; `value` is its parameter.
    """

    where: str
    kind: str
    value: Any = None
    times: int = 1_000_000


@dataclass
class Seen:
    """One request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Simulator:
    """Start with `with Simulator(content) as registry`; `host` is its name."""

    content: Content = field(default_factory=Content)
    faults: list[Fault] = field(default_factory=list)
    api: bool = True
    page: int = 1000
    auth: str = ""
    """Empty, `basic` or `bearer`."""
    login: tuple[str, str] = ("user", "secret")
    identity_token: str = "refresh"
    realm: str = ""
    """The token server's URL; empty for this server."""
    habits: Habits = PLAIN
    storage: str = ""
    """The host of the server with the blobs, for a vendor who has one."""
    name: str = "a/b"
    elsewhere: Any = None
    scopes: list[list[str]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    clients: list[Any] = field(default_factory=list)
    """Closed with the server."""
    pause: float = 0
    """Seconds before each answer."""
    open_requests: int = 0
    """Requests that are not being answered yet."""
    most_open: int = 0

    def __enter__(self) -> Self:
        simulator = self

        class Bound(Handler):
            registry: ClassVar[Simulator] = simulator

        self.lock = threading.Lock()
        self.used: dict[int, int] = {}
        self.server = Server(("127.0.0.1", 0), Bound)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.stopped = threading.Event()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for client in self.clients:
            client.close()
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()

    def fault_for(self, path: str) -> Fault | None:
        with self.lock:
            for number, fault in enumerate(self.faults):
                if fault.where in path and self.used.get(number, 0) < fault.times:
                    self.used[number] = self.used.get(number, 0) + 1
                    return fault
        return None

    def paths(self) -> list[str]:
        """The requested paths, without `/v2/`."""
        return [seen.path.removeprefix("/v2/") for seen in self.seen]


class Server(ThreadingHTTPServer):
    """Takes a wave of connections at once; those for which there is no room would come again a second later."""

    request_queue_size = 128


class Handler(BaseHTTPRequestHandler):
    """Answers one connection of the simulated registry."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    registry: ClassVar[Simulator]

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        registry = self.registry
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with registry.lock:
            registry.seen.append(Seen(self.command, self.path, headers, body))
            registry.open_requests += 1
            registry.most_open = max(registry.most_open, registry.open_requests)
        self.is_open = True
        registry.stopped.wait(registry.pause)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                fault = registry.fault_for(self.path)
                self.fault(fault) if fault else self.serve(body)
        finally:
            self.answered()

    def answered(self) -> None:
        """Count the request as answered: its client may send the next one before this thread goes on."""
        if self.is_open:
            with self.registry.lock:
                self.registry.open_requests -= 1
        self.is_open = False

    # The specification

    def serve(self, body: bytes = b"") -> None:
        url = urlsplit(self.path)
        habits = self.registry.habits
        if url.path == "/token":
            return self.token(body)
        if url.path.startswith("/store/"):
            return self.stored(url.path.rpartition("/")[2])
        if habits.cookie and "cookie" in self.headers:
            return self.error(403, "CSRF")
        open_here = habits.lists_openly and "/referrers/" in url.path
        if self.registry.auth and not self.authorised() and not open_here:
            return self.challenge()
        _, _, rest = unquote(url.path).partition("/v2/")
        for kind in ("manifests", "blobs", "referrers"):
            name, found, reference = rest.partition(f"/{kind}/")
            if found and name:
                getattr(self, kind)(reference, parse_qs(url.query))
                return None
        return self.error(404, "NAME_UNKNOWN")

    def manifests(self, reference: str, _query: dict[str, list[str]]) -> None:
        content = self.registry.content
        digest = content.tags.get(reference, reference)
        if self.registry.habits.alias and reference.startswith("sha256-") and reference not in content.tags:
            digest = reference.replace("-", ":", 1)
        kind = content.types.get(digest, "")
        if not kind or kind not in self.headers.get("accept", ""):
            return self.error(404, "MANIFEST_UNKNOWN")
        return self.send(200, content.blobs[digest], {"Content-Type": kind, "Docker-Content-Digest": digest})

    def blobs(self, digest: str, _query: dict[str, list[str]]) -> None:
        data = self.registry.content.blobs.get(digest)
        if data is None:
            return self.error(404, "BLOB_UNKNOWN")
        if self.registry.habits.stores:
            place = f"http://{self.registry.storage}/store/{digest}?X-Amz-Signature=signed"
            return self.send(307, b"", {"Location": place})
        return self.range(data)

    def stored(self, digest: str) -> None:
        """A blob at an address with a signature; blob stores refuse a login beside it."""
        if "authorization" in self.headers:
            return self.error(400, "InvalidArgument")
        return self.range(self.registry.content.blobs[digest])

    def range(self, data: bytes) -> None:
        """A blob, or what a `Range` asks for of it."""
        kind = {"Content-Type": "application/octet-stream"}
        start = int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if not start:
            return self.send(200, data, kind)
        place = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return self.send(206, data[start:], {**kind, "Content-Range": place})

    def referrers(self, digest: str, query: dict[str, list[str]]) -> None:
        habits = self.registry.habits
        if not self.registry.api or habits.lists == "text":
            return self.send(404, b"404 page not found\n", {"Content-Type": "text/plain"})
        if habits.lists == "406":
            return self.error(406, "UNSUPPORTED")
        if habits.lists == "303":
            return self.send(303, b"", {"Location": f"http://{self.registry.storage}/-/v2/packages/sha256"})
        entries = self.registry.content.listed.get(digest, []) if habits.lists == "api" else []
        start = int(query.get("last", ["0"])[0])
        end = start + self.registry.page
        more = f'<{urlsplit(self.path).path}?last={end}>; rel="next"'
        headers = {"Content-Type": OCI_INDEX, **({"Link": more} if end < len(entries) else {})}
        if habits.filters and "artifactType" in query:
            entries = [entry for entry in entries if entry.get("artifactType") in query["artifactType"]]
            headers["OCI-Filters-Applied"] = "artifactType"
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries[start:end] or None}
        return self.send(200, json.dumps(index).encode(), headers)

    # Logins

    def authorised(self) -> bool:
        given = self.headers.get("authorization", "")
        if self.registry.auth == "basic":
            return given == basic(*self.registry.login)
        return given == f"Bearer {TOKEN}"

    def challenge(self) -> None:
        registry = self.registry
        realm = registry.realm or f"http://{registry.host}/token"
        bearer = registry.habits.challenge.format(realm=realm, host=registry.host, name=registry.name)
        header = 'Basic realm="simulator"' if registry.auth == "basic" else bearer
        header += registry.habits.refusal if "authorization" in self.headers else ""
        self.send(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {"WWW-Authenticate": header})

    def token(self, body: bytes) -> None:
        registry = self.registry
        form = parse_qs(body.decode()) if self.command == "POST" else parse_qs(urlsplit(self.path).query)
        registry.scopes.append(form.get("scope", []))
        refreshed = form.get("refresh_token") == [registry.identity_token]
        if self.command == "POST" and not (registry.identity_token and registry.habits.exchanges):
            return self.error(405, "UNSUPPORTED")
        if not refreshed and self.headers.get("authorization", "") != basic(*registry.login):
            return self.error(401, "UNAUTHORIZED")
        life = {} if registry.habits.lifetime is None else {"expires_in": registry.habits.lifetime}
        return self.send(200, json.dumps({**dict.fromkeys(registry.habits.token_keys, TOKEN), **life}).encode(), {})

    # What goes wrong

    def fault(self, fault: Fault) -> None:
        value = fault.value
        match fault.kind:
            case "status":
                status, headers = value if isinstance(value, tuple) else (value, {})
                self.error(status, "SIMULATED", headers)
            case "body":
                data, headers = value if isinstance(value, tuple) else (value, {"Content-Type": OCI_INDEX})
                self.send(200, data, headers)
            case "unknown repository":
                self.error(404, "NAME_UNKNOWN")
            case "redirect":
                self.send(307, b"", {"Location": value})
            case "truncate":
                self.send_head(200, {"Content-Length": "1000", **self.type_of_path()})
                self.wfile.write(b"{" * 500)
                self.close_connection = True
            case "garbage":
                self.wfile.write(b"\x16\x03\x01\x02\x00 this is not HTTP\r\n\r\n")
                self.close_connection = True
            case "endless pages":
                page = self.path.rpartition("?")[2]
                page = page if page.isdigit() else "0"
                index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
                headers = {
                    "Content-Type": OCI_INDEX,
                    "Link": f'<{urlsplit(self.path).path}?{int(page) + 1}>; rel="next"',
                }
                self.send(200, json.dumps(index).encode(), headers)
            case "drop":
                self.close_connection = True
            case _:
                self.rare_fault(fault)

    def rare_fault(self, fault: Fault) -> None:
        """Faults of logins and of transfers."""
        value = fault.value
        match fault.kind:
            case "header":
                self.send(401, b"", {"WWW-Authenticate": value})
            case "failure":
                self.send(value[0], value[1], {"Content-Type": "application/json", **dict(*value[2:])})
            case "many headers":
                self.send(200, b"{}", {f"X-{number}": "y" for number in range(value)})
            case "huge":
                self.send_head(200, {"Content-Length": str(value), **self.type_of_path()})
                self.close_connection = True
            case "cut":
                self.cut(value)
            case "part":
                place = {"Content-Range": f"bytes {self.headers['range'][6:-1]}{value}-999999999/1000000000"}
                self.send(206, b"x" * 1000, place)
            case _:
                self.slow_fault(fault)

    def cut(self, length: int) -> None:
        """A blob whose transfer breaks off after `length` bytes."""
        data = self.registry.content.blobs[self.path.rpartition("/")[2]]
        start = int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        place = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        self.send_head(206 if start else 200, {"Content-Length": str(len(data) - start), **place})
        self.wfile.write(data[start : start + length])
        self.close_connection = True

    def slow_fault(self, fault: Fault) -> None:
        """Faults that last."""
        match fault.kind:
            case "drip":
                self.send_head(200, {"Content-Length": "1000", **self.type_of_path()})
                self.drip(b"{")
            case "drip headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                self.drip(b"X: y\r\n")
            case "endless":
                self.send_head(200, {"Connection": "close", **self.type_of_path()})
                while not self.registry.stopped.is_set():
                    self.wfile.write(b" " * 65536)
            case _:
                raise AssertionError(fault.kind)

    def drip(self, data: bytes) -> None:
        """Send `data` again and again, slowly, until the test is over."""
        while not self.registry.stopped.wait(0.02):
            self.wfile.write(data)
            self.wfile.flush()

    def type_of_path(self) -> dict[str, str]:
        reference = self.path.rpartition("/")[2]
        content = self.registry.content
        return {"Content-Type": content.types.get(content.tags.get(reference, reference), "application/octet-stream")}

    # HTTP

    def error(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"errors": [{"code": code, "message": "as the test wishes"}]}).encode()
        self.send(status, body, {"Content-Type": "application/json", **(headers or {})})

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_head(status, {"Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def send_head(self, status: int, headers: dict[str, str]) -> None:
        self.answered()
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string())
        if self.registry.habits.cookie:
            self.send_header("Set-Cookie", "sid=0123456789; Path=/")
        if self.registry.habits.limits:
            self.send_header("ratelimit-remaining", "99;w=21600")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def handle(self) -> None:
        with suppress(OSError):  # the reader had enough
            super().handle()

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep quiet."""


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
