"""Envelopes, tokens and stores that others made: adversarial ones, and the Notary Project's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policyengine.errors import TrustError, VerificationError
from policyengine.verification import certificates, timestamps, trustpolicy, truststore
from policyengine.verification.notation import cose, jws, manifest
from policyengine.verification.notation.verify import verify
from policyengine.verification.result import SignatureResult
from policyengine.verification.revocation import Status
from policyengine.verification.trust import Trust
from policyengine.verification.trustpolicy import StoreName
from tests.verification import signing
from tests.verification.judging import level, trust
from tests.verification.signing import COSE, JWS, Descriptor

OPEN = {
    "c26c-x5chain-protected": True,  # "x5chain" may be in either header by the COSE envelope specification
    "d23-dc": True,  # a subject may have attributes that the identity does not name
}
"""What the specification leaves open: our answer, and why."""

OPEN_POLICIES = {
    "scope-short": True,  # "library" is a legal host; a scope of a registry that does not exist covers nothing
    "verifyTimestamp-empty": False,  # neither of the two values, and not absent
    "store-dup": True,  # says the same twice
    "id-lowercase-types": False,  # Notation compares types exactly; the message says how to write it
    "id-unknown-prefix": True,  # the format allows kinds for plugins; they match nothing, and `trust` warns
    "id-semicolon-sep": False,  # ";" has to be escaped by the specification
}


# Adversarial envelopes and policies


def test_adversarial_envelopes(shared: Path) -> None:
    folder = shared / "data/signatures/adversarial-notary"
    document = json.loads((folder / "expected.json").read_text())
    about = document["_meta"]
    at, target = datetime.fromisoformat(about["generated_at_and_to_be_judged_at"]), about["target"]
    wanted = Descriptor(target["mediaType"], target["digest"], target["size"])
    wrong = []
    for name, case in document["cases"].items():
        file = folder / "env" / f"{name}.{'cose' if case['media'] == COSE else 'jws'}"
        by = Trust.load(folder / "config" / name / "trustpolicy.json", folder / "config" / name / "truststore")
        found = verify(file.read_bytes(), case["media"], wanted, trust=by, repository="registry.example/repo", at=at)
        expected = OPEN[name] if case["expect"] is None else case["expect"]
        if (found.status == "verified") != expected:
            wrong.append((name, found.status, found.reason))
    assert len(document["cases"]) >= 87
    assert wrong == []


def test_adversarial_trust_policies(shared: Path) -> None:
    documents = json.loads((shared / "data/signatures/adversarial-notary/policies.json").read_text())
    wrong = []
    for case in documents:
        expected = OPEN_POLICIES[case["id"]] if case["expect"] is None else case["expect"]
        try:
            trustpolicy.parse(json.dumps(case["policy"]).encode(), Path("trustpolicy.json"))
        except TrustError:
            valid = False
        else:
            valid = True
        if valid != expected:
            wrong.append(case["id"])
    assert len(documents) >= 40
    assert wrong == []


# Notation's own test data


@pytest.fixture(scope="module")
def notation(shared: Path) -> Path:
    return shared / "data/signatures/notation-go"


def media_type(envelope: bytes) -> str:
    return JWS if envelope.startswith(b"{") else COSE


def read(envelope: bytes) -> Any:
    return (jws if media_type(envelope) == JWS else cose).read(envelope)


def target_of(envelope: bytes) -> Descriptor:
    """What a good envelope says that it signs."""
    named = json.loads(read(envelope).payload)["targetArtifact"]
    return Descriptor(named["mediaType"], named["digest"], named["size"])


def judged(
    envelope: bytes,
    by: Trust,
    at: datetime,
    target: Descriptor | None = None,
    revoked: Callable[..., Status] | None = None,
) -> SignatureResult:
    return verify(
        envelope,
        media_type(envelope),
        target or target_of(envelope),
        trust=by,
        repository=signing.REPOSITORY,
        at=at,
        revoked=revoked,
    )


def trusting(root: bytes, *stores: str, **changes: Any) -> Trust:
    """Trust in one root in every store."""
    found = trust({store: [] for store in stores}, **changes)
    for store in stores:
        kind, _, name = store.partition(":")
        found._read[StoreName(kind, name)] = (certificates.read(root),)
    return found


def not_revoked(*_: Any) -> Status:
    """Stands for the answer of a responder that is not asked in tests."""
    return Status()


WHEN = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("ca_valid_sig_env.json", "verified", ""),
        ("sa_valid_sig_env.json", "verified", ""),
        ("ca_expired_sig_env.json", "rejected", "expiry failed"),
        ("sa_expired_sig_env.json", "rejected", "expiry failed"),
        ("ca_invalid_sig_env.json", "rejected", "integrity failed: payload is not base64url"),
        ("sa_invalid_sig_env.json", "rejected", "integrity failed: payload is not base64url"),
        ("ca_plugin_sig_env.json", "rejected", "asks for the verification plugin"),
        ("sa_plugin_sig_env.json", "rejected", "asks for the verification plugin"),
        ("ca_compatible_pluginver_sig_env_1.0.0.json", "rejected", "asks for the verification plugin"),
        ("ca_incompatible_pluginver_sig_env_1.2.3.json", "rejected", "asks for the verification plugin"),
        ("sig_env_with_metadata.json", "rejected", "authenticity failed"),
    ],
)
def test_mock_envelopes(notation: Path, name: str, status: str, reason: str) -> None:
    envelope = (notation / "mock-envelopes" / name).read_bytes()
    root = truststore.read(notation / "verifier-testdata/truststore", StoreName("ca", "valid-trust-store"))
    by = trust({"ca:s": [], "signingAuthority:s": []})
    by._read[StoreName("ca", "s")] = by._read[StoreName("signingAuthority", "s")] = root
    good = (notation / "mock-envelopes/ca_valid_sig_env.json").read_bytes()
    target = target_of(envelope if "metadata" in name else good)
    found = judged(envelope, by, WHEN, target)
    assert found.status == status, found.reason
    assert reason in found.reason


def test_signed_metadata(notation: Path) -> None:
    envelope = (notation / "mock-envelopes/sig_env_with_metadata.json").read_bytes()
    made = read(envelope)
    found = judged(envelope, trusting(made.chain[-1], "ca:s"), made.attributes.signed_at)
    assert found.status == "verified"
    assert found.metadata == json.loads(made.payload)["targetArtifact"]["annotations"]


@pytest.mark.parametrize("name", ["cose_signature.sig", "jws_signature.sig"])
def test_self_signed(notation: Path, name: str) -> None:
    envelope = (notation / "internal-testdata" / name).read_bytes()
    made = read(envelope)
    by = trusting(made.chain[-1], "ca:s")
    assert judged(envelope, by, made.attributes.signed_at).status == "verified"
    late = judged(envelope, by, certificates.read(made.chain[0]).not_after + timedelta(seconds=1))
    assert late.checks["authenticTimestamp"] == "failed"


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("jwsWithTimestamp", "verified", ""),
        ("coseWithTimestamp", "verified", ""),
        ("jwsExpiredWithTimestamp", "verified", ""),
        ("coseExpiredWithTimestamp", "verified", ""),
        ("timestampBeforeNotBefore", "rejected", "valid only from"),
        ("timestampAfterNotAfter", "rejected", "expired at"),
        ("withoutTimestamp", "rejected", "has no timestamp"),
    ],
)
@pytest.mark.parametrize("when", ["always", "afterCertExpiry"])
def test_envelopes_with_timestamps(notation: Path, name: str, status: str, reason: str, when: str) -> None:
    envelope = (notation / f"verifier-testdata/timestamp/sigEnv/{name}.sig").read_bytes()
    by = trusting(read(envelope).chain[-1], "ca:s", "tsa:s", signatureVerification=level("strict", when))
    roots = truststore.read(notation / "verifier-testdata/truststore", StoreName("tsa", "test-timestamp"))
    by._read[StoreName("tsa", "s")] = roots
    expired = any(certificate.not_after < WHEN for certificate in map(certificates.read, read(envelope).chain))
    found = judged(envelope, by, WHEN, revoked=not_revoked)
    if when == "always" or expired:
        assert (found.status, reason in found.reason) == (status, True)
        assert (found.timestamped_at is not None) == (status == "verified")
        unknown = judged(envelope, by, WHEN)
        assert unknown.status == "rejected"  # the authority's certificates name an OCSP responder
    else:
        assert found.timestamped_at is None


GOOD_TOKEN = "TimeStampToken.p7s"


@pytest.mark.parametrize(
    "folder", ["tspclient-go/testdata", "tspclient-go/cms", "notation-go/verifier-testdata/timestamp/countersignature"]
)
def test_tokens(shared: Path, folder: str) -> None:
    data = shared / "data/signatures"
    store = data / "notation-go/verifier-testdata/truststore"
    roots = truststore.read(store, StoreName("tsa", "test-timestamp"))
    accepted = []
    for file in sorted((data / folder).glob("*.[pt]*")):
        try:
            timestamps.verify(file.read_bytes(), b"notation", roots)
        except VerificationError:
            continue
        accepted.append(file.name)
    assert accepted == [GOOD_TOKEN]
    token = (data / folder / GOOD_TOKEN).read_bytes()
    stamp = timestamps.verify(token, b"notation", roots)
    assert (stamp.time, stamp.accuracy) == (datetime(2021, 9, 17, 14, 9, 10, tzinfo=UTC), timedelta(seconds=1))
    for wrong in ((), truststore.read(store, StoreName("tsa", "test-mismatch"))):
        with pytest.raises(VerificationError):
            timestamps.verify(token, b"notation", wrong)


@pytest.mark.parametrize(
    ("kind", "name", "count"),
    [
        ("ca", "valid-trust-store", 5),
        ("ca", "valid-trust-store-2", 1),
        ("ca", "valid-trust-store-self-signed", 1),
        ("signingAuthority", "valid-trust-store", 2),
        ("signingAuthority", "valid-trust-store-2", 1),
        ("tsa", "test-timestamp", 1),
        ("tsa", "test-mismatch", 1),
        ("ca", "valid-trust-store_SYMLINK", None),
        ("ca", "trust-store-with-invalid-certs", None),
        ("ca", "trust-store-with-leaf-certs", None),
        ("ca", "trust-store-with-leaf-certs-in-single-file", None),
        ("tsa", "test-nonCA", None),
        ("tsa", "test-nonSelfIssued", None),
    ],
)
def test_stores(notation: Path, kind: str, name: str, count: int | None) -> None:
    root = notation / "verifier-testdata/truststore"
    if count is None:
        with pytest.raises(TrustError):
            truststore.read(root, StoreName(kind, name))
    else:
        assert len(truststore.read(root, StoreName(kind, name))) == count


# Layouts made by the real tools


def test_layouts(shared: Path) -> None:
    fixtures = shared / "fixtures"
    by = Trust.load(fixtures / "notation/trustpolicy.json", fixtures / "notation/truststore")
    refused: dict[str, list[str]] = {}
    tried = 0
    for case in json.loads((fixtures / "cases.json").read_text()):
        blobs = fixtures / "layouts" / case["case"] / "blobs/sha256"
        for found in _signatures(blobs):
            tried += 1
            layer = manifest.envelope_layer(found, found.subject)
            result = verify(
                (blobs / layer.digest.removeprefix("sha256:")).read_bytes(),
                layer.media_type,
                found.subject,
                trust=by,
                repository="registry.example.com/prod/order-api",
                at=datetime.fromisoformat(case["at"]),
            )
            if result.status != "verified":
                refused.setdefault(case["case"], []).append(result.reason)
            else:
                assert manifest.thumbprints(found) == result.chain
    assert tried > 80
    assert {name: len(reasons) for name, reasons in refused.items()} == {
        "stranger": 3,
        "impostor": 3,
        "expired-signature": 1,
        "not-timestamped": 1,
        "copied-signature": 1,
    }
    assert "of another artifact" in refused["copied-signature"][0]
    assert "expired at 2026-11-22" in refused["expired-signature"][0]


def _signatures(blobs: Path) -> list[Any]:
    from policyengine.errors import PolicyEngineError
    from policyengine.oci import Manifest, parse_manifest

    found = []
    for file in sorted(blobs.iterdir()):
        try:
            parsed = parse_manifest(file.read_bytes())
        except PolicyEngineError:
            continue
        if isinstance(parsed, Manifest) and manifest.is_signature(parsed):
            found.append(parsed)
    return found
