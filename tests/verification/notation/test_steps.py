"""The steps of the trust policy specification's "Signature Verification", each by its number."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from policyengine.errors import VerificationError
from policyengine.verification.revocation import Status
from policyengine.verification.trust import Trust
from tests.verification import signing
from tests.verification.judging import judge, level, trust
from tests.verification.signing import COSE, JWS, NOW, Descriptor, Holder, Signing, Timestamper

FINE = Status()
SIGNING_AUTHORITY = "notary.x509.signingAuthority"


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "RSA-2048", "RSA-3072", "RSA-4096"])
@pytest.mark.parametrize("format", ["cose", "jws"])
def test_a_good_signature_is_verified_and_becomes_evidence(kind: str, format: str) -> None:
    made = Signing(chain=signing.good_chain(kind), payload=signing.payload(annotations={"build": "7"}))
    envelope = made.cose() if format == "cose" else made.jws()
    by = trust({"ca:acme": [made.chain]})
    found = judge(envelope, COSE if format == "cose" else JWS, by=by)
    assert (found.status, found.reason, set(found.checks.values())) == ("verified", "", {"passed"})
    signature = found.signature("sha256:of-the-manifest")
    assert signature is not None
    assert str(signature.identity) == "C=US, ST=WA, O=acme, CN=release"
    assert (signature.format, signature.digest, signature.trust_policy) == (format, "sha256:of-the-manifest", "prod")
    assert (signature.signed_at, signature.expires, signature.timestamped) == (NOW, None, False)
    assert signature.metadata == {"build": "7"}
    assert len(found.chain) == 3


# 1 and 2: the statement and its level


def test_step_1_no_statement_for_the_repository_is_a_refusal() -> None:
    found = judge(Signing().cose(), repository="registry.example.com/prod/other")
    assert found.status == "rejected"
    assert 'no statement for "registry.example.com/prod/other"' in found.reason


def test_step_1_no_trust_policy_is_a_refusal_with_its_reason() -> None:
    found = judge(Signing().cose(), by=Trust.none("there is no trust policy"))
    assert (found.status, found.reason) == ("rejected", "nothing is trusted: there is no trust policy")


def test_step_1_the_host_of_a_repository_does_not_depend_on_case() -> None:
    assert judge(Signing().cose(), repository="Registry.Example.COM/prod/app").status == "verified"


def test_step_2_level_skip_verifies_nothing_and_counts_for_nothing() -> None:
    by = trust({}, signatureVerification={"level": "skip"}, trustStores=None, trustedIdentities=None)
    found = judge(b"anything", by=by)
    assert (found.status, set(found.checks.values())) == ("skipped", {"skipped"})
    assert found.signature("sha256:x") is None


# 3: integrity


def test_step_3_1_the_media_type_decides_the_parser() -> None:
    assert "not strict JSON" in judge(Signing().cose(), JWS).reason
    assert "not strict CBOR" in judge(Signing().jws(), COSE).reason
    assert "no signature format" in judge(Signing().cose(), "application/octet-stream").reason


@pytest.mark.parametrize("content_type", ["text/plain", None, 7])
def test_step_3_2_the_content_type_is_the_payloads(content_type: Any) -> None:
    assert "the content type is not" in judge(Signing(content_type=content_type).cose()).reason
    assert "the content type is not" in judge(Signing(content_type=content_type).jws(), JWS).reason


@pytest.mark.parametrize(
    ("kind", "stated"), [("P-256", -35), ("P-384", -7), ("P-256", -37), ("RSA-2048", -38), ("RSA-2048", -7)]
)
def test_step_3_4_the_key_decides_the_algorithm(kind: str, stated: int) -> None:
    chain = signing.good_chain(kind)
    found = judge(Signing(chain=chain, algorithm=stated).cose(), by=trust({"ca:acme": [chain]}))
    assert found.status == "rejected"
    assert "and the leaf's key signs with" in found.reason


@pytest.mark.parametrize("kind", ["P-256", "RSA-2048"])
def test_step_3_5_the_signature_is_over_header_and_payload(kind: str) -> None:
    chain = signing.good_chain(kind)
    by = trust({"ca:acme": [chain]})
    other = Signing(chain=chain, signed_at=NOW - timedelta(hours=1))
    swapped = Signing(chain=chain).jws_members() | {"protected": other.jws_members()["protected"]}
    for members in (swapped, Signing(chain=chain).jws_members() | {"payload": signing.base64url(b"{}")}):
        found = judge(json.dumps(members).encode(), JWS, by=by)
        assert "the signature does not match" in found.reason


@pytest.mark.parametrize(
    "target",
    [
        Descriptor(digest="sha256:" + "cd" * 32),
        Descriptor(size=1235),
        Descriptor(media_type="application/vnd.oci.image.index.v1+json"),
    ],
)
@pytest.mark.parametrize("name", ["strict", "permissive", "audit"])
def test_step_3_6_the_payload_names_exactly_the_artifact_at_every_level(target: Descriptor, name: str) -> None:
    found = judge(Signing().cose(), target=target, by=trust(signatureVerification=level(name)))
    assert (found.status, found.checks["integrity"]) == ("rejected", "failed")
    assert "of another artifact" in found.reason


# 4: authenticity


def test_step_4_1_1_the_chain_is_complete() -> None:
    chain = signing.good_chain()
    found = judge(Signing(ders=chain.ders[:-1]).cose())
    assert "does not end in a self-signed root" in found.reason


def test_step_4_1_2_a_certificate_of_the_chain_is_in_the_store_byte_for_byte() -> None:
    lookalike = signing.issue(signing.subject("root"), signing.key("P-256", 9), None, signing.ca_extensions())
    found = judge(Signing().cose(), by=trust({"ca:acme": [signing.Chain((lookalike,))]}))
    assert (found.status, found.checks["authenticity"]) == ("rejected", "failed")
    assert "is in a trust store (ca:acme)" in found.reason
    assert found.identity is None


def test_step_4_1_2_an_intermediate_in_the_store_anchors_a_chain_that_is_complete() -> None:
    chain = signing.good_chain()
    assert judge(Signing().cose(), by=trust({"ca:acme": [signing.Chain(chain.holders[:2])]})).status == "verified"


def test_step_4_1_2_an_empty_or_missing_store_trusts_nobody() -> None:
    found = judge(Signing().cose(), by=trust({"ca:acme": []}))
    assert "authenticity failed: trust store ca:acme is missing or empty" in found.reason


def test_step_4_1_2_schemes_do_not_share_stores() -> None:
    ordinary = Signing().cose()
    authority = Signing(scheme=SIGNING_AUTHORITY).cose()
    chain = signing.good_chain()
    by_ca, by_authority = trust({"ca:acme": [chain]}), trust({"signingAuthority:acme": [chain]})
    assert [judge(each, by=by).status for by in (by_ca, by_authority) for each in (ordinary, authority)] == [
        "verified",
        "rejected",
        "rejected",
        "verified",
    ]


def test_step_4_1_3_any_identity_may_have_an_ambiguous_subject_that_no_rule_can_match() -> None:
    chain = signing.chain(leaf_subject=signing.subject("release", ("CN", "evil")))
    found = judge(Signing(chain=chain).cose(), by=trust({"ca:acme": [chain]}))
    assert found.status == "verified"
    assert found.identity is not None
    assert found.identity.attributes == ()
    assert found.subject == "C=US, ST=WA, O=acme, CN=evil, CN=release"


@pytest.mark.parametrize(
    ("identity", "status"),
    [
        ("x509.subject: C=US, ST=WA, O=acme", "verified"),
        ("x509.subject: CN=release, O=acme, ST=WA, C=US", "verified"),
        ("x509.subject: C=US, ST=WA, O=Acme", "rejected"),
        ("x509.subject: C=US, ST=WA, O=acme\\ ", "rejected"),
        ("x509.subject: C=US, ST=WA, O=acme, CN=releases", "rejected"),
        ("x509.subject: C=US, ST=WA, O=acme, OU=x", "rejected"),
        ("arn:aws:signer:us-east-1:1:/signing-profiles/x", "rejected"),
    ],
)
def test_step_4_1_4_the_subject_is_a_trusted_identity(identity: str, status: str) -> None:
    found = judge(Signing().cose(), by=trust(trustedIdentities=[identity]))
    assert found.status == status
    assert (found.checks["authenticity"] == "failed") == (status == "rejected")


@pytest.mark.parametrize(
    "subject",
    [
        signing.subject("release", ("CN", "evil")),
        signing.subject("evil", ("CN", "release")),
        signing.subject("release", ("O", "other")),
        signing.subject("release", ("OU", "a"), ("OU", "b")),
        x509.Name(
            [
                *signing.subject("x").rdns[:3],
                x509.RelativeDistinguishedName(
                    [
                        x509.NameAttribute(signing.NAMES["CN"], "release"),
                        x509.NameAttribute(signing.NAMES["OU"], "x"),
                    ]
                ),
            ]
        ),
        signing.name(("C", "US"), ("ST", "WA"), ("O", "x, O=acme"), ("CN", "release")),
        signing.name(("C", "US"), ("ST", "WA"), ("O", "acme "), ("CN", "release")),
    ],
)
def test_step_4_1_4_a_subject_that_can_be_read_in_two_ways_matches_no_identity(subject: x509.Name) -> None:
    chain = signing.chain(leaf_subject=subject)
    by = trust({"ca:acme": [chain]}, trustedIdentities=["x509.subject: C=US, ST=WA, O=acme, CN=release"])
    found = judge(Signing(chain=chain).cose(), by=by)
    assert (found.status, found.checks["authenticity"]) == ("rejected", "failed")


# 5: expiry


def test_step_5_a_signature_expires_at_its_expiry() -> None:
    made = Signing(expires=NOW + timedelta(hours=1))
    before = judge(made.cose(), at=NOW + timedelta(seconds=3599))
    assert (before.status, before.expires) == ("verified", NOW + timedelta(hours=1))
    after = judge(made.cose(), at=NOW + timedelta(hours=1))
    assert (after.status, after.checks["expiry"]) == ("rejected", "failed")
    assert after.reason == "expiry failed: the signature expired at 2026-06-01T13:00:00Z"


# 6: authentic timestamp

TSA = {"ca:acme": [signing.good_chain()], "tsa:clock": [signing.stamping_chain()]}
LATER = NOW + timedelta(days=400)
"""After the end of the signing chain's validity."""


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (NOW - timedelta(days=30, seconds=1), "rejected"),
        (NOW - timedelta(days=30), "verified"),
        (NOW + timedelta(days=300), "verified"),
        (NOW + timedelta(days=300, seconds=1), "rejected"),
    ],
)
def test_step_6_without_a_tsa_store_every_certificate_is_valid_now(at: Any, status: str) -> None:
    found = judge(Signing(timestamp=Timestamper()).cose(), at=at)
    assert found.status == status
    assert (found.checks["authenticTimestamp"] == "failed") == (status == "rejected")


def test_step_6_an_expired_root_fails_too() -> None:
    short = signing.issue(
        signing.subject("root"), signing.key("P-256", 1), None, signing.ca_extensions(), end=NOW - timedelta(days=1)
    )
    leaf = signing.issue(signing.subject("release"), signing.key(), short, signing.signer_extensions())
    chain = signing.Chain((leaf, short))
    assert "expired at" in judge(Signing(chain=chain).cose(), by=trust({"ca:acme": [chain]})).reason


@pytest.mark.parametrize("format", ["cose", "jws"])
def test_step_6_1_a_timestamp_outlasts_the_certificates(format: str) -> None:
    made = Signing(timestamp=Timestamper())
    envelope, media = (made.cose(), COSE) if format == "cose" else (made.jws(), JWS)
    found = judge(envelope, media, by=trust(TSA), at=LATER)
    assert found.status == "verified"
    assert found.timestamped_at == NOW + timedelta(seconds=1)
    signature = found.signature("sha256:x")
    assert signature is not None
    assert signature.timestamped


def test_step_6_1_a_missing_timestamp_fails_where_one_is_asked_for() -> None:
    found = judge(Signing().cose(), by=trust(TSA))
    assert "the signature has no timestamp" in found.reason


def test_step_6_1_after_expiry_only_an_expired_chain_needs_a_timestamp() -> None:
    by = trust(TSA, signatureVerification=level("strict", "afterCertExpiry"))
    assert judge(Signing().cose(), by=by).status == "verified"
    assert judge(Signing().cose(), by=by, at=LATER).status == "rejected"
    stamped = judge(Signing(timestamp=Timestamper()).cose(), by=by)
    assert (stamped.status, stamped.timestamped_at) == ("verified", None)


def test_step_6_1_2_the_timestamp_is_over_this_signature() -> None:
    found = judge(Signing(timestamp=Timestamper(over=b"another")).cose(), by=trust(TSA))
    assert "authenticTimestamp failed: the timestamp is over another signature" in found.reason


def test_step_6_1_6_the_timestamp_leads_to_a_tsa_store() -> None:
    by = trust({"ca:acme": [signing.good_chain()], "tsa:clock": [signing.good_chain()]})
    assert "does not lead to a root" in judge(Signing(timestamp=Timestamper()).cose(), by=by).reason
    missing = trust({"ca:acme": [signing.good_chain()], "tsa:clock": []})
    assert "tsa:clock is missing or empty" in judge(Signing(timestamp=Timestamper()).cose(), by=missing).reason


def revoked(subject: str) -> Any:
    """A revocation check that knows one revoked certificate, by its subject's common name."""

    def check(chain: Any, *_: Any) -> Status:
        if f"CN={subject}" in chain[0].subject:
            raise VerificationError(f"{subject} is revoked")
        return FINE

    return check


@pytest.mark.parametrize("override", [{}, {"revocation": "skip"}, {"revocation": "log"}])
def test_step_6_1_7_a_revoked_authority_stamps_nothing_whatever_is_said_of_revocation(override: dict[str, str]) -> None:
    by = trust(TSA, signatureVerification=level("strict", **override))
    found = judge(Signing(timestamp=Timestamper()).cose(), by=by, revoked=revoked("tsa"))
    assert (found.status, found.checks["authenticTimestamp"]) == ("rejected", "failed")


@pytest.mark.parametrize(
    ("time", "accuracy", "policy", "status"),
    [
        ("20260502120000Z", b"", "1.2.3", "verified"),
        ("20260502115959Z", b"", "1.2.3", "rejected"),
        ("20260502120000Z", b"", "0.4.0.2023.1.1", "rejected"),
        ("20260502120001Z", b"", "0.4.0.2023.1.1", "verified"),
        ("20260502120000.5Z", signing.sequence(signing.integer(1)), "1.2.3", "rejected"),
        ("20260502120001Z", signing.sequence(signing.integer(1)), "1.2.3", "verified"),
        ("20260502120000.5Z", signing.sequence(signing.integer(500, 0x80)), "1.2.3", "verified"),
        ("20270328120000Z", b"", "1.2.3", "verified"),
        ("20270328120000Z", signing.sequence(signing.integer(1, 0x81)), "1.2.3", "rejected"),
    ],
)
def test_step_6_2_the_time_with_its_accuracy_lies_inside_every_validity(
    time: str, accuracy: bytes, policy: str, status: str
) -> None:
    start, end = NOW - timedelta(days=3000), NOW + timedelta(days=3000)
    top = signing.issue(
        signing.subject("tsa root"), signing.key("P-256", 3), None, signing.ca_extensions(), start=start, end=end
    )
    private, extensions = signing.key("P-256", 4), signing.stamper_extensions()
    clock = signing.Chain((signing.issue(signing.subject("tsa"), private, top, extensions, start=start, end=end), top))
    made = Signing(timestamp=Timestamper(chain=clock, time=time, accuracy=accuracy, policy=policy))
    by = trust({"ca:acme": [signing.good_chain()], "tsa:clock": [clock]})
    found = judge(made.cose(), by=by)
    assert found.status == status, found.reason


def test_step_6_signing_authority_the_authentic_time_lies_inside_every_validity() -> None:
    by = trust({"signingAuthority:acme": [signing.good_chain()]})
    good = Signing(scheme=SIGNING_AUTHORITY)
    assert judge(good.cose(), by=by, at=LATER).status == "verified"
    for wrong in (NOW - timedelta(days=31), NOW + timedelta(days=301)):
        found = judge(Signing(scheme=SIGNING_AUTHORITY, signed_at=wrong).cose(), by=by)
        assert (found.status, found.checks["authenticTimestamp"]) == ("rejected", "failed")


def test_step_6_the_claimed_signing_time_has_no_effect() -> None:
    for claimed in (NOW - timedelta(days=5000), NOW + timedelta(days=5000)):
        assert judge(Signing(signed_at=claimed).cose()).status == "verified"


# 7: revocation


def revocable(extension: x509.ExtensionType) -> signing.Chain:
    return signing.chain(leaf=[*signing.signer_extensions(), (extension, False)])


def named(url: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(url)]


OCSP = x509.AuthorityInformationAccess(
    [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, named("http://ocsp.example")[0])]
)
ISSUERS = x509.AuthorityInformationAccess(
    [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, named("http://ca.example")[0])]
)
CRL = x509.CRLDistributionPoints([x509.DistributionPoint(named("http://crl.example"), None, None, None)])


@pytest.mark.parametrize("extension", [OCSP, CRL])
def test_step_7_what_cannot_be_determined_fails(extension: x509.ExtensionType) -> None:
    chain = revocable(extension)
    outcomes = {}
    for verification in (level("strict"), level("permissive"), level("audit"), level("strict", revocation="skip")):
        found = judge(Signing(chain=chain).cose(), by=trust({"ca:acme": [chain]}, signatureVerification=verification))
        outcomes[str(verification)] = (found.status, found.checks["revocation"])
        assert ("cannot be determined" in found.reason) == (found.checks["revocation"] != "skipped")
    assert list(outcomes.values()) == [
        ("rejected", "failed"),
        ("verified", "logged"),
        ("verified", "logged"),
        ("verified", "skipped"),
    ]


def test_step_7_a_chain_that_names_neither_ocsp_nor_crl_is_fine() -> None:
    chain = revocable(ISSUERS)
    assert judge(Signing(chain=chain).cose(), by=trust({"ca:acme": [chain]})).status == "verified"


def test_step_7_only_an_authentic_signing_time_reaches_the_revocation_check() -> None:
    seen: list[Any] = []

    def note(chain: Any, at: Any, signed_at: Any) -> Status:
        seen.append((len(chain), at, signed_at))
        return FINE

    judge(Signing().cose(), revoked=note)
    by = trust({"signingAuthority:acme": [signing.good_chain()]})
    made = Signing(scheme=SIGNING_AUTHORITY, signed_at=NOW - timedelta(days=1))
    judge(made.cose(), by=by, revoked=note)
    assert seen == [(3, NOW, None), (3, NOW, NOW - timedelta(days=1))]


def test_step_7_is_not_reached_by_a_chain_that_nobody_trusts() -> None:
    stranger = signing.chain()
    at_strict = judge(Signing(chain=stranger).cose(), revoked=lambda *_: pytest.fail("asked"))
    assert at_strict.checks["revocation"] == "skipped"


# 8: plugins


@pytest.mark.parametrize("name", ["strict", "permissive", "audit"])
def test_step_8_a_plugin_that_is_not_there_refuses_the_signature_and_says_what_to_do(name: str) -> None:
    plugin = {
        "io.cncf.notary.verificationPlugin": "com.amazonaws.signer.notation.plugin",
        "com.amazonaws.signer.signingJob": "arn:aws:signer:us-east-1:1:/signing-jobs/x",
    }
    critical = ["io.cncf.notary.signingScheme", *plugin]
    for envelope, media in (
        (Signing(signed=plugin, critical=critical).cose(), COSE),
        (Signing(signed=plugin, critical=critical).jws(), JWS),
    ):
        found = judge(envelope, media, by=trust(signatureVerification=level(name)))
        assert (found.status, found.checks["integrity"]) == ("rejected", "failed")
        assert 'the verification plugin "com.amazonaws.signer.notation.plugin"' in found.reason


def test_step_8_a_plugin_that_is_not_critical_is_no_way_around() -> None:
    made = Signing(signed={"io.cncf.notary.verificationPlugin": "x"}, critical=["io.cncf.notary.signingScheme"])
    assert "verificationPlugin is not critical" in judge(made.cose()).reason
    minimum = Signing(signed={"io.cncf.notary.verificationPluginMinVersion": "1.0.0"})
    assert "asks for the verification plugin" in judge(minimum.cose()).reason


@pytest.mark.parametrize(
    ("kind", "agent"),
    [
        ("RSA-2048", "notation/1.3.2 notation-azure-kv/1.2.1"),
        ("P-384", "notation-go/1.3.2 com.amazonaws.signer/1.0.298"),
    ],
)
def test_step_8_a_key_in_a_vault_signs_like_any_other(kind: str, agent: str) -> None:
    """What Notation writes with a signing plugin that takes no part in verification."""
    chain = signing.good_chain(kind)
    made = Signing(chain=chain, unsigned={"io.cncf.notary.signingAgent": agent})
    by = trust({"ca:acme": [chain]})
    assert judge(made.cose(), by=by).status == judge(made.jws(), JWS, by=by).status == "verified"


# A leaf alone


def test_a_single_certificate_is_self_signed_and_satisfies_the_rules_of_a_leaf() -> None:
    def alone(extensions: Any) -> Holder:
        return signing.issue(signing.subject("release"), signing.key(), None, extensions)

    good = signing.Chain((alone(signing.signer_extensions()),))
    assert judge(Signing(chain=good).cose(), by=trust({"ca:acme": [good]})).status == "verified"
    authority = signing.Chain((alone(signing.ca_extensions()),))
    assert "is a CA" in judge(Signing(chain=authority).cose(), by=trust({"ca:acme": [authority]})).reason
