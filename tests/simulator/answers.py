"""A plain HTTP server on the loopback address that answers by path: what is there, slowly, too much, or elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class Answer:
    """What stands at a path. `pause` is waited, in seconds, before each piece; without a `length` there is none."""

    pieces: Iterable[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0
    length: bool = True


Content = bytes | Answer | Callable[[bytes], "bytes | Answer"]
"""What is at a path: a body, an answer, or what makes one of the request's body."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(b"")

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, body: bytes) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.seen.append((self.command, self.path, dict(self.headers.items()), body))
        known = max((path for path in server.at if self.path.startswith(path)), key=len, default=None)
        found = server.at[known] if known is not None else Answer(status=404)
        found = found(body) if callable(found) else found
        answer = Answer([found]) if isinstance(found, bytes) else found
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.length:
            self.send_header("Content-Length", str(sum(map(len, answer.pieces))))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        for piece in answer.pieces:
            server.stopped.wait(answer.pause)
            self.wfile.write(piece)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle(self) -> None:
        with suppress(OSError):  # the reader had enough
            super().handle()


class Server(ThreadingHTTPServer):
    """The server; `at` maps the beginnings of paths to what is there, and `seen` holds every request."""

    daemon_threads = True

    def __init__(self, at: Mapping[str, Content] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.at = dict(at or {})
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.stopped = threading.Event()
        self.host = f"127.0.0.1:{self.server_port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}{path}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.shutdown()
        self.server_close()
