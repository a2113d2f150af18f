"""Levels and overrides: the outcome equals the specification's table, given which checks fail."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine.errors import VerificationError
from policyengine.verification.revocation import Status
from tests.verification import signing
from tests.verification.judging import judge, level, trust
from tests.verification.signing import NOW, Chain, Signing

ENFORCED = {
    "strict": {"authenticity", "authenticTimestamp", "expiry", "revocation"},
    "permissive": {"authenticity"},
    "audit": set[str](),
}
ORDER = ("authenticity", "expiry", "authenticTimestamp", "revocation")


def fails(chain: Chain, *_: object) -> None:
    raise VerificationError("revoked")


def failing(broken: set[str]) -> tuple[bytes, dict[str, list[Chain]], object]:
    """An envelope that fails exactly these checks at `NOW`, with the stores and the revocation check."""
    chain = signing.good_chain()
    if "authenticTimestamp" in broken:
        chain = signing.chain(start=NOW - timedelta(days=9), end=NOW - timedelta(days=1))
    expires = NOW - timedelta(hours=1) if "expiry" in broken else None
    made = Signing(chain=chain, signed_at=NOW - timedelta(days=2), expires=expires)
    stranger = Chain((signing.issue(signing.subject("root"), signing.key("P-256", 8), None, signing.ca_extensions()),))
    stores = {"ca:acme": [stranger if "authenticity" in broken else chain]}
    return made.cose(), stores, fails if "revocation" in broken else lambda *_: Status()


CASES = {frozenset(each): failing(set(each)) for n in range(5) for each in itertools.combinations(ORDER, n)}
ACTIONS = st.sampled_from(["enforce", "log"])
OVERRIDES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(ORDER[:3], ACTIONS) | {"revocation": st.sampled_from(["enforce", "log", "skip"])},
)


@given(st.sampled_from(sorted(ENFORCED)), OVERRIDES, st.sampled_from(list(CASES)))
def test_the_outcome_is_that_of_the_table(name: str, override: dict[str, str], broken: frozenset[str]) -> None:
    envelope, stores, revoked = CASES[broken]
    by = trust(stores, signatureVerification=level(name, **override))
    found = judge(envelope, by=by, revoked=revoked)
    actions = dict.fromkeys(ORDER, "log") | dict.fromkeys(ENFORCED[name], "enforce") | override
    if "authenticity" in broken:
        broken |= {"revocation"}  # nobody is asked about a stranger
    critical = [check for check in ORDER if check in broken and actions[check] == "enforce"]
    expected = "rejected" if critical else "audited" if "authenticity" in broken else "verified"
    assert found.status == expected
    reached = ORDER[: ORDER.index(critical[0])] if critical else ORDER
    for check in reached:
        logged = "logged" if check in broken else "passed"
        assert found.checks[check] == ("skipped" if actions[check] == "skip" else logged)
    assert (found.signature("sha256:x") is not None) == (expected == "verified")
    assert len(found.logged) == list(found.checks.values()).count("logged")


@pytest.mark.parametrize("name", ["strict", "permissive", "audit"])
def test_integrity_is_enforced_at_every_level(name: str) -> None:
    envelope = bytearray(Signing().cose())
    envelope[-1] ^= 1
    found = judge(bytes(envelope), by=trust(signatureVerification=level(name)))
    assert (found.status, found.checks["integrity"]) == ("rejected", "failed")


def test_a_logged_failure_is_said() -> None:
    envelope, stores, _ = CASES[frozenset({"expiry"})]
    found = judge(envelope, by=trust(stores, signatureVerification=level("permissive")))
    assert found.status == "verified"
    assert found.reason == (
        "expiry failed, which the trust policy only logs: the signature expired at 2026-06-01T11:00:00Z"
    )


def test_an_audited_signature_has_no_identity_and_counts_for_nothing() -> None:
    envelope, stores, _ = CASES[frozenset({"authenticity"})]
    found = judge(envelope, by=trust(stores, signatureVerification=level("audit")))
    assert (found.status, found.identity, found.metadata) == ("audited", None, {})
    assert found.checks["authenticity"] == "logged"
    assert found.signature("sha256:x") is None


def test_nobody_is_asked_about_a_chain_that_only_an_audit_lets_pass() -> None:
    envelope, stores, _ = CASES[frozenset({"authenticity"})]
    by = trust(stores, signatureVerification=level("audit"))
    found = judge(envelope, by=by, revoked=lambda *_: pytest.fail("asked"))
    assert found.checks["revocation"] == "logged"
