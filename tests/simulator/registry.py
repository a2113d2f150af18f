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
from urllib.parse import parse_qs, urlsplit

from policyengine.oci import OCI_INDEX
from tests.simulator.content import Content

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
    scopes: list[list[str]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    clients: list[Any] = field(default_factory=list)
    """Closed with the server."""
    open_requests: int = 0
    most_open: int = 0

    def __enter__(self) -> Self:
        simulator = self

        class Bound(Handler):
            registry: ClassVar[Simulator] = simulator

        self.lock = threading.Lock()
        self.used: dict[int, int] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
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
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                fault = registry.fault_for(self.path)
                self.fault(fault) if fault else self.serve(body)
        finally:
            with registry.lock:
                registry.open_requests -= 1

    # The specification

    def serve(self, body: bytes = b"") -> None:
        url = urlsplit(self.path)
        if url.path == "/token":
            return self.token(body)
        if self.registry.auth and not self.authorised():
            return self.challenge()
        _, _, rest = url.path.partition("/v2/")
        for kind in ("manifests", "blobs", "referrers"):
            name, found, reference = rest.partition(f"/{kind}/")
            if found and name:
                getattr(self, kind)(reference, parse_qs(url.query))
                return None
        return self.error(404, "NAME_UNKNOWN")

    def manifests(self, reference: str, _query: dict[str, list[str]]) -> None:
        content = self.registry.content
        digest = content.tags.get(reference, reference)
        kind = content.types.get(digest, "")
        if not kind or kind not in self.headers.get("accept", ""):
            return self.error(404, "MANIFEST_UNKNOWN")
        return self.send(200, content.blobs[digest], {"Content-Type": kind, "Docker-Content-Digest": digest})

    def blobs(self, digest: str, _query: dict[str, list[str]]) -> None:
        data = self.registry.content.blobs.get(digest)
        if data is None:
            return self.error(404, "BLOB_UNKNOWN")
        return self.send(200, data, {"Content-Type": "application/octet-stream"})

    def referrers(self, digest: str, query: dict[str, list[str]]) -> None:
        if not self.registry.api:
            return self.send(404, b"404 page not found\n", {"Content-Type": "text/plain"})
        entries = self.registry.content.listed.get(digest, [])
        start = int(query.get("last", ["0"])[0])
        end = start + self.registry.page
        more = f'<{urlsplit(self.path).path}?last={end}>; rel="next"'
        headers = {"Content-Type": OCI_INDEX, **({"Link": more} if end < len(entries) else {})}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries[start:end] or None}
        return self.send(200, json.dumps(index).encode(), headers)

    # Logins

    def authorised(self) -> bool:
        given = self.headers.get("authorization", "")
        if self.registry.auth == "basic":
            return given == basic(*self.registry.login)
        return given == f"Bearer {TOKEN}"

    def challenge(self) -> None:
        realm = self.registry.realm or f"http://{self.registry.host}/token"
        bearer = f'Bearer realm="{realm}",service="simulator",scope="repository:a/b:pull"'
        header = 'Basic realm="simulator"' if self.registry.auth == "basic" else bearer
        self.send(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {"WWW-Authenticate": header})

    def token(self, body: bytes) -> None:
        registry = self.registry
        form = parse_qs(body.decode()) if self.command == "POST" else parse_qs(urlsplit(self.path).query)
        registry.scopes.append(form.get("scope", []))
        refreshed = form.get("refresh_token") == [registry.identity_token]
        if self.command == "POST" and not registry.identity_token:
            return self.error(405, "UNSUPPORTED")
        if not refreshed and self.headers.get("authorization", "") != basic(*registry.login):
            return self.error(401, "UNAUTHORIZED")
        return self.send(200, json.dumps({"token": TOKEN, "expires_in": 300}).encode(), {})

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
                page = self.path.partition("?")[2] or "0"
                index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
                headers = {
                    "Content-Type": OCI_INDEX,
                    "Link": f'<{urlsplit(self.path).path}?{int(page) + 1}>; rel="next"',
                }
                self.send(200, json.dumps(index).encode(), headers)
            case "drop":
                self.close_connection = True
            case _:
                self.slow_fault(fault)

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
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string())
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep quiet."""


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
