"""Debian's packages as peers: `docker-registry`, which has no referrers API, with a login and TLS; and skopeo."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOGIN = ("user", "secret")
HASHED = "user:$2b$04$seDb00yraU8HC3evMvhUwezWa.1OhAbJ.LIDXzoRyVyW3OIU8sL8K"
"""The login as htpasswd keeps it, by bcrypt."""


def installed(name: str) -> str:
    """The path of a program of Debian's; skips where there is none, and fails where peers are required."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed: apt-get install {name}"
        if os.environ.get("POLICYENGINE_REQUIRE_INTEROP"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class DockerRegistry:
    """The registry of the distribution project over TLS with a login, on a free port of the loopback address."""

    def __init__(self, root: Path, program: str) -> None:
        root.mkdir(parents=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        self.root, self.ca_file = root, root / "ca.pem"
        self._certify()
        (root / "htpasswd").write_text(f"{HASHED}\n")
        (root / "registry.yml").write_text(json.dumps(self._configuration()))  # JSON is YAML
        self.process = subprocess.Popen(
            [program, "serve", str(root / "registry.yml")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()

    def _configuration(self) -> object:
        return {
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": str(self.root / "storage")}},
            "auth": {"htpasswd": {"realm": "tests", "path": str(self.root / "htpasswd")}},
            "http": {
                "addr": self.host,
                "tls": {"certificate": str(self.root / "server.pem"), "key": str(self.root / "server.key")},
            },
        }

    def _certify(self) -> None:
        """A certificate for the loopback address, by an authority of its own."""
        now = dt.datetime.now(dt.UTC)  # noqa: TID251 - a server's certificate is valid by the clock
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("test authority", "server")]
        for subject, key, authority in zip(names, keys, (True, False), strict=True):
            builder = (
                x509.CertificateBuilder(names[0], subject, key.public_key(), x509.random_serial_number())
                .not_valid_before(now - dt.timedelta(hours=1))
                .not_valid_after(now + dt.timedelta(days=1))
                .add_extension(x509.BasicConstraints(authority, None), critical=True)
                .add_extension(
                    x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
                )
            )
            pem = builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            (self.ca_file if authority else self.root / "server.pem").write_bytes(pem)
        secret = keys[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.root / "server.key").write_bytes(secret)

    def _wait(self) -> None:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        for _ in range(400):
            assert self.process.poll() is None, "docker-registry ended at once"
            try:
                host, _, port = self.host.partition(":")
                with (
                    socket.create_connection((host, int(port)), 5) as plain,
                    context.wrap_socket(plain, server_hostname=host),
                ):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("docker-registry does not answer")

    def login(self, folder: Path) -> Path:
        """A file of logins, as `docker login` writes it."""
        path = folder / "config.json"
        auth = base64.b64encode(":".join(LOGIN).encode()).decode()
        path.write_text(json.dumps({"auths": {self.host: {"auth": auth}}}))
        return path

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)
