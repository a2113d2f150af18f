"""`policyengine read` on signatures: what they say, and whether they verify."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from policyengine.cli.main import run
from tests.command import policyengine
from tests.verification import revoking, signing
from tests.verification.signing import COSE, JWS, NOW, TARGET, Signing, Timestamper

AT = "2026-06-01T12:00:00Z"


@pytest.fixture
def trust(tmp_path: Path) -> list[object]:
    file, stores = signing.write_trust(tmp_path, ca__acme=[signing.good_chain().root.pem])
    return ["--trust-policy", file, "--trust-store", stores, "--repository", signing.REPOSITORY]


def naming(media_type: str = COSE, **changes: object) -> list[object]:
    """The options that name the artifact."""
    values = {"digest": TARGET.digest, "size": TARGET.size, "subject-media-type": TARGET.media_type}
    named: dict[str, object] = {**values, "media-type": media_type, "at": AT} | changes
    return [part for name, value in named.items() if value is not None for part in (f"--{name}", value)]


def written(folder: Path, envelope: bytes) -> Path:
    path = folder / "app.sig"
    path.write_bytes(envelope)
    return path


MADE = Signing(
    payload=signing.payload(annotations={"build": "7"}),
    expires=NOW + timedelta(hours=1),
    unsigned={"io.cncf.notary.signingAgent": "notation/1.3.2"},
    timestamp=Timestamper(),
)


@pytest.mark.parametrize("envelope", [MADE.cose(), MADE.jws()])
def test_what_an_envelope_says(tmp_path: Path, envelope: bytes) -> None:
    ran = policyengine("read", written(tmp_path, envelope), "-o", "json")
    found = ran.json
    assert (ran.code, ran.err) == (0, "")
    assert list(found)[:4] == ["schemaVersion", "file", "kind", "format"]
    assert (found["kind"], found["algorithm"], found["signingScheme"]) == ("signature", "ES256", "notary.x509")
    assert (found["signedAt"], found["expires"]) == (AT, "2026-06-01T13:00:00Z")
    assert found["signingAgent"] == "notation/1.3.2"
    named = {"mediaType": TARGET.media_type, "digest": TARGET.digest, "size": TARGET.size}
    assert found["targetArtifact"] == named | {"annotations": {"build": "7"}}
    assert [each["subject"].rpartition("=")[2] for each in found["certificates"]] == ["release", "intermediate", "root"]
    assert found["timestamp"] == {"time": "2026-06-01T12:00:01Z", "subject": "C=US, ST=WA, O=acme, CN=tsa"}
    assert found["warnings"] == []
    assert "verification" not in found


def test_an_envelope_for_people(tmp_path: Path) -> None:
    ran = policyengine("read", written(tmp_path, MADE.cose()))
    assert ran.code == 0
    said = ["COSE · ES256", "build=7", "CN=release", TARGET.digest, "notation/1.3.2", "nothing was verified"]
    assert [part for part in said if part not in ran.out] == []


def test_what_is_wrong_with_an_envelope_is_said(tmp_path: Path) -> None:
    changed = MADE.cose().replace(b'"build": "7"', b'"build": "8"')
    ran = policyengine("read", written(tmp_path, changed), "-o", "json")
    assert ran.code == 0
    assert ran.json["warnings"] == ["the signature does not match the signed bytes and the leaf's key"]


@pytest.mark.parametrize("envelope", [MADE.cose()[:-1], b"\xd2\x84", b'{"payload":"","protected":"","signature":""}'])
def test_what_is_no_envelope_is_unreadable(tmp_path: Path, envelope: bytes) -> None:
    ran = policyengine("read", written(tmp_path, envelope))
    assert (ran.code, ran.out) == (1, "")
    assert "app.sig" in ran.err


@pytest.mark.parametrize(("envelope", "media_type"), [(MADE.cose(), COSE), (MADE.jws(), JWS)])
def test_verified(tmp_path: Path, trust: list[object], envelope: bytes, media_type: str) -> None:
    ran = policyengine("read", written(tmp_path, envelope), *naming(media_type), *trust, "-o", "json")
    assert ran.code == 0
    verification = ran.json["verification"]
    assert (verification["status"], verification["trustPolicy"]) == ("verified", "prod")
    assert verification["identity"] == "C=US, ST=WA, O=acme, CN=release"
    assert set(verification["checks"].values()) == {"passed"}
    people = policyengine("read", written(tmp_path, envelope), *naming(media_type), *trust)
    assert people.code == 0
    assert "✓ verified by the trust policy's statement prod" in people.out


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another digest": ({"digest": "sha256:" + "cd" * 32}, "of another artifact: digest"),
    "another size": ({"size": 1235}, "of another artifact: size"),
    "another type": (
        {"subject-media-type": "application/vnd.oci.image.index.v1+json"},
        "of another artifact: mediaType",
    ),
    "the other format": ({"media-type": JWS}, "not strict JSON"),
    "no format": ({"media-type": "text/plain"}, "no signature format"),
    "an hour later": ({"at": "2026-06-01T13:00:00Z"}, "expiry failed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, trust: list[object], name: str) -> None:
    changes, why = REFUSED[name]
    file = written(tmp_path, MADE.cose())
    ran = policyengine("read", file, *naming(**changes), *trust)
    assert ran.code == 1
    assert "✗ rejected" in ran.out
    assert why in " ".join(ran.out.split())
    assert (
        policyengine("read", file, *naming(**changes), *trust, "-o", "json").json["verification"]["status"]
        == "rejected"
    )


def test_bytes_that_are_no_signature_are_refused(tmp_path: Path, trust: list[object]) -> None:
    for content in (b"", b"hello", b"{}"):
        assert policyengine("read", written(tmp_path, content), *naming(), *trust).code == 1


def test_a_stranger_is_refused(tmp_path: Path, trust: list[object]) -> None:
    ran = policyengine("read", written(tmp_path, Signing(chain=signing.chain("P-384")).cose()), *naming(), *trust)
    other = signing.issue(signing.subject("root"), signing.key("P-256", 9), None, signing.ca_extensions())
    alien = signing.issue(signing.subject("release"), signing.key("P-256", 8), other, signing.signer_extensions())
    refused = policyengine(
        "read", written(tmp_path, Signing(chain=signing.Chain((alien, other))).cose()), *naming(), *trust
    )
    assert (ran.code, refused.code) == (1, 1)
    assert "authenticity failed" in refused.out


def test_the_statement_for_every_repository_needs_no_repository(tmp_path: Path, trust: list[object]) -> None:
    file = written(tmp_path, MADE.cose())
    ran = policyengine("read", file, *naming(), *trust[:4])
    assert ran.code == 2
    assert "name one with --repository" in ran.err
    everywhere = signing.policy(signing.statement(registryScopes=["*"]))
    signing.write_trust(tmp_path, everywhere)
    assert policyengine("read", file, *naming(), *trust[:4]).code == 0
    assert policyengine("read", file, *naming(), *trust[:4], "--repository", "registry.example.com/any").code == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--digest", TARGET.digest], "add --size, --subject-media-type, --media-type"),
        (["--repository", "registry.example.com/x"], "add --digest"),
        (naming(digest="sha256:12"), "digest"),
        (naming(size="many"), "many"),
        (naming(at="yesterday"), "yesterday"),
        (naming(repository="no repository"), "no repository"),
        (naming(digest=""), "digest"),
        ([*naming(), "--trust-policy", "missing.json"], "missing.json"),
    ],
)
def test_wrong_use(tmp_path: Path, arguments: list[object], why: str) -> None:
    ran = policyengine("read", written(tmp_path, MADE.cose()), *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err


def test_a_signature_is_read_by_itself(tmp_path: Path) -> None:
    file = written(tmp_path, MADE.cose())
    assert policyengine("read", file, file).code == 2
    assert policyengine("read", "--as", "scan", file).code == 1
    assert policyengine("read", tmp_path / "missing", *naming()).code == 2


def test_revocation_is_asked_for_and_offline_asks_nobody(tmp_path: Path) -> None:
    chain = revoking.chain(revoking.responders("http://127.0.0.1:1"))
    file, stores = signing.write_trust(tmp_path, ca__acme=[chain.root.pem])
    trust = ["--trust-policy", file, "--trust-store", stores, "--repository", signing.REPOSITORY]
    sig = written(tmp_path, Signing(chain=chain).cose())
    asked = policyengine("read", sig, *naming(), *trust, "-o", "json")
    offline = policyengine("read", sig, *naming(), *trust, "--offline", "-o", "json")
    reasons = [ran.json["verification"]["revocation"][0]["reason"] for ran in (asked, offline)]
    assert (asked.code, offline.code) == (1, 1)
    assert "inner network" in reasons[0]
    assert reasons[1] == "no connection may be opened"


def test_every_adversarial_envelope(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = shared / "data/signatures/adversarial-notary"
    document = json.loads((folder / "expected.json").read_text())
    at, target = document["_meta"]["generated_at_and_to_be_judged_at"], document["_meta"]["target"]
    named = naming(at=at, digest=target["digest"], size=target["size"], **{"subject-media-type": target["mediaType"]})
    wrong = []
    for name, case in document["cases"].items():
        file = folder / "env" / f"{name}.{'cose' if case['media'] == COSE else 'jws'}"
        files = folder / "config" / name
        trust = ["--trust-policy", files / "trustpolicy.json", "--trust-store", files / "truststore"]
        arguments = ["read", file, *named, "--media-type", case["media"], *trust, "--offline"]
        code = run([str(each) for each in arguments])
        if case["expect"] is not None and code != (0 if case["expect"] else 1):
            wrong.append((name, code))
    capsys.readouterr()
    assert wrong == []


def test_terminals_and_agents_obey_no_envelope(tmp_path: Path) -> None:
    evil: Any = {"build": "\x1b[2J##vso[task.complete]\n::set-output name=x::y"}
    agent = {"io.cncf.notary.signingAgent": "\x1b]0;x\x07"}
    ran = policyengine(
        "read", written(tmp_path, Signing(payload=signing.payload(annotations=evil), unsigned=agent).cose())
    )
    assert ran.code == 0
    assert not {"\x1b", "\x07"} & set(ran.out)
    assert "##vso[" not in ran.out
    assert not [line for line in ran.out.splitlines() if line.startswith("::")]
