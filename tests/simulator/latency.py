"""A server that passes every request on to another one after a delay, so that rounds cost what they cost far away."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Handler(BaseHTTPRequestHandler):
    """Passes the requests of one connection on, in their order."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Far

    def setup(self) -> None:
        super().setup()
        self.there = http.client.HTTPConnection(self.server.there, timeout=60)

    def finish(self) -> None:
        self.there.close()
        super().finish()

    def do_GET(self) -> None:
        self.pass_on()

    def do_HEAD(self) -> None:
        self.pass_on()

    def pass_on(self) -> None:
        self.server.note(self.path)
        time.sleep(self.server.delay)
        self.there.request(self.command, self.path, headers=dict(self.headers.items()))
        answer = self.there.getresponse()
        body = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header(
            "Content-Length", answer.headers["Content-Length"] if self.command == "HEAD" else str(len(body))
        )
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def handle(self) -> None:
        with suppress(OSError):  # the client had enough
            super().handle()


class Far(ThreadingHTTPServer):
    """The server at `there` (`host:port`), `delay` seconds farther away. `paths` holds every request."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, there: str, delay: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.there, self.delay = there, delay
        self.host = f"127.0.0.1:{self.server_port}"
        self.paths: list[str] = []
        self._lock = threading.Lock()

    def note(self, path: str) -> None:
        with self._lock:
            self.paths.append(path)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
