"""Sockets: TLS, addresses, proxies."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from policyengine.errors import RegistryError, Unreachable, UsageError
from policyengine.registry.client import Registry
from policyengine.registry.session import Retry
from policyengine.registry.tls import Identity, trust
from tests.simulator.content import Content, descriptor
from tests.simulator.registry import Fault, Simulator

ONCE = Retry(1)


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(Content()) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that is its own root, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture
def secure(registry: Simulator, certificate: Path) -> Simulator:
    """The simulator behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    registry.server.socket = context.wrap_socket(registry.server.socket, server_side=True)
    registry.host = registry.host.replace("127.0.0.1", "localhost")
    return registry


def test_a_registry_with_a_root_of_its_own(secure: Simulator, certificate: Path) -> None:
    image = secure.content.image(tag="1")
    with Registry(environment={}, ca_file=str(certificate)) as client:
        assert client.repository(f"{secure.host}/a").resolve("1").digest == image["digest"]


def test_an_unknown_root_is_not_trusted(secure: Simulator) -> None:
    with Registry(environment={}, plain_http=False) as client, pytest.raises(Unreachable, match="trusted") as caught:
        client.repository(f"{secure.host}/a").resolve("1")
    assert "--ca-file" in caught.value.help
    assert not caught.value.retry
    assert secure.seen == []


def test_another_name_is_not_trusted(secure: Simulator, certificate: Path) -> None:
    host = secure.host.replace("localhost", "127.0.0.1")
    with Registry(environment={}, ca_file=str(certificate)) as client, pytest.raises(Unreachable, match="trusted"):
        client.repository(f"{host}/a").resolve("1")


def test_a_file_that_holds_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("hello")
    with pytest.raises(UsageError, match="not a file of certificates"):
        trust([str(tmp_path / "ca.pem")])


# Client certificates


@pytest.fixture
def demanding(registry: Simulator, certificate: Path) -> Simulator:
    """The simulator behind TLS, which takes clients with a certificate only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    registry.server.socket = context.wrap_socket(registry.server.socket, server_side=True)
    registry.host = registry.host.replace("127.0.0.1", "localhost")
    return registry


def test_a_registry_that_asks_for_a_certificate(demanding: Simulator, certificate: Path) -> None:
    image = demanding.content.image(tag="1")
    files = {"ca_file": str(certificate), "cert_file": str(certificate), "key_file": str(certificate)}
    for options in (files, {**files, "key_file": None}):
        with Registry(environment={}, **options) as client:
            assert client.repository(f"{demanding.host}/a").resolve("1").digest == image["digest"]


def test_without_a_certificate_it_does_not_answer(demanding: Simulator, certificate: Path) -> None:
    with Registry(environment={}, ca_file=str(certificate), retry=ONCE) as client, pytest.raises(Unreachable):
        client.repository(f"{demanding.host}/a").resolve("1")
    assert demanding.seen == []


def test_a_certificate_is_shown_to_the_registry_only(
    registry: Simulator, demanding: Simulator, certificate: Path, tmp_path: Path
) -> None:
    """What a registry redirects to may ask for it, and gets none."""
    with Simulator(Content()) as first:
        blob = first.content.blob(b"document")
        first.faults.append(Fault("/blobs/", "redirect", f"https://{demanding.host}/v2/a/blobs/{blob['digest']}"))
        options: dict[str, Any] = {"ca_file": str(certificate), "cert_file": str(certificate), "plain_http": True}
        client = Registry(environment={}, retry=ONCE, trusted_hosts=[demanding.host], **options)
        with client, pytest.raises(Unreachable):
            client.repository(f"{first.host}/a").blob(descriptor(blob), 100)
    assert demanding.seen == []


@pytest.mark.parametrize("text", ["hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_client_certificate_that_is_none(text: str, tmp_path: Path, certificate: Path) -> None:
    (tmp_path / "client.pem").write_text(text)
    with pytest.raises(UsageError, match="cannot be used"):
        trust((), Identity(str(tmp_path / "client.pem"), str(certificate)))


def test_a_key_with_a_password_is_refused_and_not_asked_for(tmp_path: Path, certificate: Path) -> None:
    key = serialization.load_pem_private_key(certificate.read_bytes(), None)
    form = serialization.BestAvailableEncryption(b"password")
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, form))
    with pytest.raises(UsageError) as caught:
        trust((), Identity(str(certificate), str(path)))
    assert "without a password" in caught.value.help


def test_a_key_needs_its_certificate(certificate: Path) -> None:
    with pytest.raises(UsageError, match="without its certificate"):
        Registry(environment={}, key_file=str(certificate))


# Addresses


def named(monkeypatch: pytest.MonkeyPatch, name: str, *addresses: str) -> None:
    """Let `name` stand for `addresses`."""
    real = socket.getaddrinfo

    def lookup(host: Any, port: Any, *arguments: Any, **options: Any) -> list[Any]:
        if host == name:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]
        return real(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"], ["10.0.0.1"]])
def test_a_public_name_for_an_inner_address_is_refused(
    addresses: list[str], registry: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect may not reach this machine by a name that the redirecting server controls."""
    from tests.simulator.registry import Fault

    port = registry.host.rpartition(":")[2]
    named(monkeypatch, "rebound.example.com", *addresses)
    registry.faults.append(Fault("/a/manifests", "redirect", f"http://rebound.example.com:{port}/v2/b/manifests/1"))
    with Registry(environment={}, retry=ONCE) as client, pytest.raises(RegistryError, match="inner network"):
        client.repository(f"{registry.host}/a").resolve("1")
    assert len(registry.seen) == 1


def test_the_user_may_name_an_inner_registry(registry: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    image = registry.content.image(tag="1")
    host = registry.host.replace("127.0.0.1", "registry.corp.example")
    named(monkeypatch, "registry.corp.example", "127.0.0.1")
    with Registry(environment={}, plain_http=True) as client:
        assert client.repository(f"{host}/a").resolve("1").digest == image["digest"]


def test_the_next_address_is_tried(registry: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    image = registry.content.image(tag="1")
    host = registry.host.replace("127.0.0.1", "registry.corp.example")
    named(monkeypatch, "registry.corp.example", "127.0.0.2", "127.0.0.1")
    with Registry(environment={}, plain_http=True) as client:
        assert client.repository(f"{host}/a").resolve("1").digest == image["digest"]


def test_requests_go_through_the_proxy_and_tell_it_nothing(registry: Simulator) -> None:
    """The simulator plays the proxy: it sees the whole URL, and the proxy's login only."""
    environment = {"HTTP_PROXY": f"http://proxy:secret@{registry.host}"}
    with (
        Registry(environment=environment, plain_http=True, retry=ONCE) as client,
        pytest.raises(RegistryError) as caught,
    ):
        client.repository("registry.example.com/a").resolve("1")
    (seen,) = registry.seen
    assert seen.path == "http://registry.example.com/v2/a/manifests/1"
    assert "authorization" not in seen.headers
    assert seen.headers["proxy-authorization"].startswith("Basic ")
    assert "secret" not in repr(caught.value)


def test_a_resolver_that_hangs_does_not_hang_us(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_o: done.wait(10) and [])
    with Registry(environment={}, timeout=0.3) as client, pytest.raises(Unreachable):
        client.repository("registry.example.com/a").resolve("1")
    done.set()


def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "registry.example.com")
    with Registry(environment={}, retry=ONCE) as client, pytest.raises(Unreachable) as caught:
        client.repository("registry.example.com/a").resolve("1")
    assert caught.value.message == "https://registry.example.com cannot be reached: its name could not be resolved"
