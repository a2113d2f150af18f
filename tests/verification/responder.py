"""A real OCSP responder: `openssl ocsp` on a free port of the loopback address."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization

from tests.verification.signing import Holder

OPENSSL = shutil.which("openssl")

VALID = "V"
KEPT_UNTIL = "300101000000Z"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def revoked(since: datetime, reason: str = "") -> str:
    """An entry of the index; `keyTime,20260101000000Z` as reason becomes an invalidity date too."""
    return f"R:{since:%y%m%d%H%M%SZ}{f',{reason}' if reason else ''}"


class Responder:
    """Answers about certificates of `issuer` by their state: `VALID`, or `revoked(…)`; of all others it knows nothing.

    `by` signs, by default the issuer. An answer holds for `minutes`, for ever where there are none.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        issuer: Holder,
        states: Mapping[int, str],
        *,
        by: Holder | None = None,
        minutes: int = 5,
        options: Sequence[str] = (),
    ) -> None:
        assert OPENSSL
        signer = by or issuer
        files = {"issuer.pem": issuer.pem, "signer.pem": signer.pem, "signer.key": _key(signer)}
        files["index.txt"] = "".join(_line(serial, state) for serial, state in states.items()).encode()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        command = [OPENSSL, "ocsp", "-index", "index.txt", "-CA", "issuer.pem", "-rsigner", "signer.pem"]
        command += ["-rkey", "signer.key", "-port", str(port), "-ignore_err", *options]
        command += ["-nmin", str(minutes)] if minutes else []
        self.process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        self._wait(port)

    def _wait(self, port: int) -> None:
        """Return once it answers, be it that this is no question."""
        for _ in range(200):
            assert self.process.poll() is None, "openssl ocsp ended at once"
            try:
                with socket.create_connection(("127.0.0.1", port), 5) as connection:
                    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    connection.recv(1)
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("openssl ocsp does not answer")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def url(port: int) -> str:
    """The address that certificates name."""
    return f"http://127.0.0.1:{port}"


def _key(holder: Holder) -> bytes:
    return holder.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _line(serial: int, state: str) -> str:
    """A line of the database that `openssl ca` keeps."""
    flag, _, since = state.partition(":")
    digits = f"{serial:X}"
    return "\t".join([flag, KEPT_UNTIL, since, "0" * (len(digits) % 2) + digits, "unknown", "/CN=x"]) + "\n"


def now() -> datetime:
    """The time of the responder's answers."""
    return datetime.now(UTC)  # noqa: TID251 # openssl reads its own
