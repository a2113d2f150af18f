"""Revocation against a real OCSP responder (`openssl ocsp`) and a real server of lists, on the loopback address."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from policyengine import limits
from policyengine.registry.plainfetch import PlainFetch
from policyengine.verification.result import SignatureResult
from policyengine.verification.revocation import Revocation
from tests.simulator.answers import Answer, Server
from tests.verification import responder, revoking, signing
from tests.verification.judging import judge, trust
from tests.verification.responder import OPENSSL, VALID, Responder, revoked, url
from tests.verification.revoking import DAY, HOUR, NOCHECK, PURPOSE, delegate, points, responders
from tests.verification.signing import Chain, Holder, Signing, Timestamper

MINUTE = timedelta(minutes=1)
HOLD = "holdInstruction,holdInstructionReject"
"""How openssl writes a hold."""


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module", autouse=True)
def openssl() -> None:
    """Skip where openssl is missing; fail instead where the real peers are required."""
    if OPENSSL is None:
        (pytest.fail if os.environ.get("POLICYENGINE_REQUIRE_INTEROP") else pytest.skip)("openssl is not there")


@pytest.fixture
def lists() -> Iterator[Server]:
    with Server() as serving:
        yield serving


@pytest.fixture
def at() -> datetime:
    return responder.now()


def valid(at: datetime) -> dict[str, Any]:
    return {"start": at - 30 * DAY, "end": at + 30 * DAY}


def authority(at: datetime, name: str = "root", number: int = 1) -> Holder:
    return signing.issue(
        signing.subject(name), signing.key("P-256", number), None, signing.ca_extensions(), **valid(at)
    )


def signer(at: datetime, root: Holder, *more: Any) -> Chain:
    extensions = [*signing.signer_extensions(), *more]
    return Chain((signing.issue(signing.subject("release"), signing.key(), root, extensions, **valid(at)), root))


def serial(holder: Holder) -> int:
    return holder.certificate.serial_number


def verified(chain: Chain, at: datetime, *hosts: str, scheme: str = "notary.x509", **more: Any) -> SignatureResult:
    """What a signature by `chain` is worth when these servers may be asked."""
    revocation = Revocation(PlainFetch({"POLICYENGINE_TRUSTED_HOSTS": ",".join(hosts)}))
    by = trust({"ca:acme": [chain], "signingAuthority:acme": [chain]})
    made = Signing(chain=chain, signed_at=more.pop("signed_at", at), scheme=scheme)
    return judge(made.cose(), by=by, at=at, revoked=revocation, **more)


def by_responder(
    folder: Path, at: datetime, state: str | None, chain: Chain, port: int, **more: Any
) -> SignatureResult:
    states = {serial(chain.leaf): state} if state else {}
    with Responder(folder, port, chain.root, states, **more):
        return verified(chain, at, f"127.0.0.1:{port}")


@pytest.fixture
def port() -> int:
    return responder.free_port()


@pytest.mark.parametrize("options", [[], ["-resp_key_id"]])
def test_good(tmp_path: Path, at: datetime, port: int, options: list[str]) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    found = by_responder(tmp_path, at, VALID, chain, port, options=options)
    assert (found.status, found.checks["revocation"]) == ("verified", "passed"), found.reason
    (answer,) = found.revocation
    assert (answer.kind, answer.url, answer.answer) == ("ocsp", url(port), "good")
    assert answer.this_update is not None
    assert answer.next_update is not None
    assert answer.this_update - MINUTE <= at <= answer.next_update <= at + 10 * MINUTE


@pytest.mark.parametrize("reason", ["", "keyCompromise", "certificateHold"])
def test_revoked(tmp_path: Path, at: datetime, port: int, reason: str) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    state = revoked(at - DAY, HOLD if reason == "certificateHold" else reason)
    found = by_responder(tmp_path, at, state, chain, port)
    assert (found.status, found.checks["revocation"]) == ("rejected", "failed")
    assert f"is revoked since {at - DAY:%Y-%m-%dT%H:%M:%SZ} ({reason or 'unspecified'})" in found.reason


@pytest.mark.parametrize(
    ("scheme", "signed", "status"),
    [
        ("notary.x509", -3 * DAY, "rejected"),
        ("notary.x509.signingAuthority", -3 * DAY, "verified"),
        ("notary.x509.signingAuthority", -HOUR, "rejected"),
    ],
)
def test_revoked_with_an_invalidity_date(
    tmp_path: Path, at: datetime, port: int, scheme: str, signed: timedelta, status: str
) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    state = revoked(at - DAY, f"keyTime,{at - 2 * DAY:%Y%m%d%H%M%SZ}")
    with Responder(tmp_path, port, chain.root, {serial(chain.leaf): state}):
        found = verified(chain, at, f"127.0.0.1:{port}", scheme=scheme, signed_at=at + signed)
    assert found.status == status, found.reason


def refused(found: SignatureResult, why: str) -> None:
    assert (found.status, found.checks["revocation"]) == ("rejected", "failed")
    assert "cannot be determined" in found.reason
    assert why in found.reason


def test_unknown(tmp_path: Path, at: datetime, port: int) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    refused(by_responder(tmp_path, at, None, chain, port), "does not know the certificate")


def test_an_answer_without_an_end(tmp_path: Path, at: datetime, port: int) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    refused(by_responder(tmp_path, at, VALID, chain, port, minutes=0), "when the next one comes")


def test_an_answer_that_ended(tmp_path: Path, at: datetime, port: int) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    with Responder(tmp_path, port, chain.root, {serial(chain.leaf): VALID}, minutes=1):
        refused(verified(chain, at + HOUR, f"127.0.0.1:{port}"), "expired at")
        refused(verified(chain, at - HOUR, f"127.0.0.1:{port}"), "later than the evaluation's instant")


def test_a_signature_that_is_damaged(tmp_path: Path, at: datetime, port: int) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    refused(by_responder(tmp_path, at, VALID, chain, port, options=["-badsig"]), "signature does not match")


def test_another_issuer(tmp_path: Path, at: datetime, port: int) -> None:
    """Somebody who answers for an authority of the same name."""
    chain = signer(at, authority(at), responders(url(port)))
    with Responder(tmp_path, port, authority(at, number=2), {serial(chain.leaf): VALID}):
        refused(verified(chain, at, f"127.0.0.1:{port}"), "127.0.0.1")


@pytest.mark.parametrize(
    ("extensions", "options", "why"),
    [
        ([PURPOSE, NOCHECK], {}, ""),
        ([PURPOSE], {}, ""),
        ([NOCHECK], {}, "no extended key usage OCSPSigning"),
        (signing.signer_extensions(), {}, "no extended key usage OCSPSigning"),
        ([PURPOSE, NOCHECK], {"end": -HOUR}, "expired at"),
        ([PURPOSE, NOCHECK], {"start": HOUR}, "is valid only from"),
    ],
)
def test_a_delegate(
    tmp_path: Path, at: datetime, port: int, extensions: Any, options: dict[str, timedelta], why: str
) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    times = valid(at) | {name: at + time for name, time in options.items()}
    found = by_responder(tmp_path, at, VALID, chain, port, by=delegate(chain.root, *extensions, **times))
    if why:
        refused(found, why)
    else:
        assert found.status == "verified", found.reason


def test_a_delegate_of_somebody_else(tmp_path: Path, at: datetime, port: int) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    stranger = delegate(authority(at, number=2), PURPOSE, NOCHECK, **valid(at))
    refused(by_responder(tmp_path, at, VALID, chain, port, by=stranger), "neither the issuer nor certified by it")


def test_the_revoked_certificate_answers_for_itself(tmp_path: Path, at: datetime, port: int) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    refused(by_responder(tmp_path, at, VALID, chain, port, by=chain.leaf), "vouches for itself")


def test_a_delegate_whose_own_list_is_asked(tmp_path: Path, at: datetime, port: int, lists: Server) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    able = delegate(chain.root, PURPOSE, points(lists.url("/crl")), **valid(at))
    for number, (listed, status) in enumerate((([], "verified"), ([revoking.entry(able, since=at - DAY)], "rejected"))):
        lists.at["/crl"] = revoking.crl(chain.root, *listed, number=number, this=at - HOUR, next=at + HOUR)
        (tmp_path / str(number)).mkdir()
        os.environ["XDG_CACHE_HOME"] = str(tmp_path / str(number))
        with Responder(tmp_path, port, chain.root, {serial(chain.leaf): VALID}, by=able):
            found = verified(chain, at, f"127.0.0.1:{port}", lists.host)
        assert found.status == status, found.reason


def test_a_responder_that_is_not_there(at: datetime, port: int) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    start = time.monotonic()
    refused(verified(chain, at, f"127.0.0.1:{port}"), "cannot be reached")
    assert time.monotonic() - start < limits.OCSP_SECONDS + 3


def test_nobody_vouches_for_the_responder(tmp_path: Path, at: datetime, port: int) -> None:
    chain = signer(at, authority(at), responders(url(port)))
    with Responder(tmp_path, port, chain.root, {serial(chain.leaf): VALID}):
        refused(verified(chain, at), "on an inner network")


def test_the_next_responder_and_then_the_list(tmp_path: Path, at: datetime, port: int, lists: Server) -> None:
    root = authority(at)
    first = lists.url("/nobody")
    chain = signer(at, root, responders(first, url(port)), points(lists.url("/crl")))
    lists.at["/crl"] = revoking.crl(root, this=at - HOUR, next=at + HOUR)
    with Responder(tmp_path, port, root, {serial(chain.leaf): VALID}):
        found = verified(chain, at, f"127.0.0.1:{port}", lists.host)
    assert [(each.kind, each.url, each.answer) for each in found.revocation] == [
        ("ocsp", first, "unusable"),
        ("ocsp", url(port), "good"),
    ]
    alone = verified(chain, at, f"127.0.0.1:{port}", lists.host)
    assert [each.answer for each in alone.revocation] == ["unusable", "unusable", "good"]
    assert alone.status == "verified"


# Lists


UNUSABLE_LISTS: dict[str, tuple[Callable[[Chain, datetime], dict[str, Any]], str]] = {
    "expired": (lambda _, at: {"this": at - DAY, "next": at - HOUR}, "expired at"),
    "of the future": (lambda _, at: {"this": at + HOUR, "next": at + DAY}, "later than"),
    "by another": (lambda chain, _: {"by": chain.leaf}, "signature does not match"),
    "for CAs": (lambda *_: {"extensions": [revoking.scope(only_contains_ca_certs=True)]}, "certificates of CAs"),
}


def offered(lists: Server, at: datetime, **more: Any) -> Chain:
    """A chain whose leaf names a list, which is there."""
    chain = signer(at, authority(at), points(lists.url("/crl")))
    lists.at["/crl"] = revoking.crl(chain.root, **{"this": at - HOUR, "next": at + HOUR} | more)
    return chain


def test_a_good_list(at: datetime, lists: Server) -> None:
    found = verified(offered(lists, at), at, lists.host)
    assert (found.status, found.revocation[0].answer) == ("verified", "good"), found.reason


@pytest.mark.parametrize("name", UNUSABLE_LISTS)
def test_an_unusable_list(at: datetime, lists: Server, name: str) -> None:
    make, why = UNUSABLE_LISTS[name]
    chain = offered(lists, at)
    offered(lists, at, **make(chain, at))
    refused(verified(chain, at, lists.host), why)


@pytest.mark.parametrize("reason", [None, x509.ReasonFlags.key_compromise, x509.ReasonFlags.certificate_hold])
def test_a_list_that_revokes(at: datetime, lists: Server, reason: x509.ReasonFlags | None) -> None:
    root = authority(at)
    chain = signer(at, root, points(lists.url("/crl")))
    lists.at["/crl"] = revoking.crl(
        root, revoking.entry(chain.leaf, reason, since=at - DAY), this=at - HOUR, next=at + HOUR
    )
    found = verified(chain, at, lists.host)
    assert (found.status, found.checks["revocation"]) == ("rejected", "failed")
    assert "is revoked since" in found.reason


def test_a_list_that_is_too_slow_or_too_large(at: datetime, lists: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    root = authority(at)
    chain = signer(at, root, points(lists.url("/slow"), lists.url("/large")))
    good = revoking.crl(root, this=at - HOUR, next=at + HOUR)
    lists.at["/slow"] = Answer([good[:50], good[50:]], pause=2)
    lists.at["/large"] = Answer([b"x" * (1 << 20)] * 33)
    monkeypatch.setattr(limits, "CRL_SECONDS", 1.0)
    start = time.monotonic()
    found = verified(chain, at, lists.host)
    refused(found, "answers with more than 33554432 bytes")
    assert "took longer" in found.reason or "in time" in found.reason
    assert time.monotonic() - start < 10


def test_an_oversized_or_slow_response(at: datetime, lists: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = signer(at, authority(at), responders(lists.url("/large"), lists.url("/slow")))
    lists.at["/large"] = b"x" * (limits.OCSP_BYTES + 1)
    lists.at["/slow"] = Answer([b"x"], pause=3)
    monkeypatch.setattr(limits, "OCSP_SECONDS", 0.5)
    found = verified(chain, at, lists.host)
    refused(found, "answers with more than 20480 bytes")
    assert [each.answer for each in found.revocation] == ["unusable", "unusable"]


def test_the_time_stamping_authority(tmp_path: Path, at: datetime, port: int) -> None:
    """Whatever the trust policy says of revocation."""
    top = authority(at, "tsa root", 3)
    extensions = [*signing.stamper_extensions(), responders(url(port))]
    leaf = signing.issue(signing.subject("tsa"), signing.key("P-256", 4), top, extensions, **valid(at))
    clock, chain = Chain((leaf, top)), signer(at, authority(at))
    made = Signing(chain=chain, signed_at=at, timestamp=Timestamper(chain=clock, time=f"{at:%Y%m%d%H%M%SZ}"))
    by = trust(
        {"ca:acme": [chain], "tsa:clock": [clock]},
        signatureVerification={"level": "strict", "override": {"revocation": "skip"}},
    )
    for state, status in ((VALID, "verified"), (revoked(at - DAY), "rejected"), (None, "rejected")):
        revocation = Revocation(PlainFetch({"POLICYENGINE_TRUSTED_HOSTS": f"127.0.0.1:{port}"}))
        with Responder(tmp_path, port, top, {serial(leaf): state} if state else {}):
            found = judge(made.cose(), by=by, at=at, revoked=revocation)
        assert (found.status, found.checks["revocation"]) == (status, "skipped"), found.reason
