"""Certificates for single registries in the folders of docker and podman."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyengine.errors import RegistryError, Unreachable, UsageError
from policyengine.registry import certsd
from policyengine.registry.certsd import Folders
from policyengine.registry.client import Registry
from policyengine.registry.session import Retry
from policyengine.registry.tls import Certificates, Identity
from tests.registry.test_wire import certificate, demanding, registry, secure
from tests.simulator.registry import Fault, Simulator

__all__ = ["certificate", "demanding", "registry", "secure"]

USER = ".config/containers/certs.d"


@pytest.fixture(autouse=True)
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders for all users, which are this test's own."""
    places = (tmp_path / "etc/containers", tmp_path / "etc/docker")
    monkeypatch.setattr(certsd, "SYSTEM", places)
    return tmp_path / "etc"


def put(folder: Path, registry: str, *names: str, data: bytes = b"") -> Path:
    place = folder / registry
    place.mkdir(parents=True, exist_ok=True)
    for name in names:
        (place / name).write_bytes(data)
    return place


def of(home: Path, registry: str) -> Certificates:
    return Folders({"HOME": str(home)}).of(registry)


def test_what_the_files_are_for(tmp_path: Path) -> None:
    names = ("a.crt", "b.crt", "client.cert", "client.key", "second.cert", "second.key", "README", "ca.pem")
    place = put(tmp_path / USER, "registry.example.com:5000", *names)
    found = of(tmp_path, "registry.example.com:5000")
    assert found.authorities == (f"{place}/a.crt", f"{place}/b.crt")
    assert found.identity == Identity(f"{place}/client.cert", f"{place}/client.key")
    for other in ("registry.example.com", "registry.example.com:5001", "example.com", "docker.io"):
        assert of(tmp_path, other) == Certificates()


def test_the_users_folder_comes_before_those_of_all(system: Path, tmp_path: Path) -> None:
    places = [put(folder, "a.com", "ca.crt") for folder in (tmp_path / USER, system / "containers", system / "docker")]
    for place in places:
        assert of(tmp_path, "a.com").authorities == (f"{place}/ca.crt",)
        (place / "ca.crt").unlink()
        place.rmdir()
    assert Folders({}).of("a.com") == Certificates()


@pytest.mark.parametrize(("name", "missing"), [("client.cert", "client.key"), ("client.key", "client.cert")])
def test_half_a_client_certificate_is_refused(name: str, missing: str, tmp_path: Path) -> None:
    put(tmp_path / USER, "a.com", name)
    with pytest.raises(UsageError, match=missing):
        of(tmp_path, "a.com")
    with Registry(environment={"HOME": str(tmp_path)}) as client:
        client.repository("b.com/app")
        with pytest.raises(UsageError, match=missing):
            client.repository("a.com/app")


def test_a_registry_with_an_authority_of_its_own(secure: Simulator, certificate: Path, tmp_path: Path) -> None:
    """It is spoken to by TLS then, also on this machine; the authority counts for no other registry."""
    image = secure.content.image(tag="1")
    home = {"HOME": str(tmp_path)}
    put(tmp_path / USER, secure.host, "ca.crt", data=certificate.read_bytes())
    with Registry(environment=home) as client:
        assert client.repository(f"{secure.host}/a").resolve("1").digest == image["digest"]
    put(tmp_path / USER, "localhost:1", "ca.crt", data=certificate.read_bytes())
    (tmp_path / USER / secure.host / "ca.crt").unlink()
    with Registry(environment=home, plain_http=False) as client:
        client.repository("localhost:1/a")
        with pytest.raises(Unreachable, match="trusted"):
            client.repository(f"{secure.host}/a").resolve("1")


def test_who_we_are_for_one_registry(demanding: Simulator, certificate: Path, tmp_path: Path) -> None:
    image = demanding.content.image(tag="1")
    files = ("ca.crt", "client.cert", "client.key")
    place = put(tmp_path / USER, demanding.host, *files, data=certificate.read_bytes())
    with Registry(environment={"HOME": str(tmp_path)}) as client:
        assert client.repository(f"{demanding.host}/a").resolve("1").digest == image["digest"]
    (place / "client.cert").unlink()
    (place / "client.key").unlink()
    with Registry(environment={"HOME": str(tmp_path)}, retry=Retry(1)) as client, pytest.raises(Unreachable):
        client.repository(f"{demanding.host}/a").resolve("1")


def test_a_file_that_is_no_certificate_is_named(secure: Simulator, tmp_path: Path) -> None:
    put(tmp_path / USER, secure.host, "ca.crt", data=b"hello")
    client = Registry(environment={"HOME": str(tmp_path)})
    with client, pytest.raises(UsageError, match=r"ca\.crt"):
        client.repository(f"{secure.host}/a").resolve("1")


@pytest.mark.parametrize(
    "said", ["Client sent an HTTP request to an HTTPS server.", "The plain HTTP request was sent to HTTPS port"]
)
def test_a_server_that_speaks_tls_where_plain_http_was_spoken(said: str, registry: Simulator) -> None:
    registry.faults.append(Fault("/", "failure", (400, said.encode(), {})))
    with Registry(environment={}, retry=Retry(1)) as client, pytest.raises(RegistryError) as caught:
        client.repository(f"{registry.host}/a").resolve("1")
    assert "--ca-file" in caught.value.help
