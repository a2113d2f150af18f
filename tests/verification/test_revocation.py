"""The revocation of a whole chain: who is asked, in which order, what counts, and what is not known."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from policyengine import cache, limits
from policyengine.errors import NotFound, TooLarge, Unreachable
from policyengine.verification import certificates, revocation
from policyengine.verification.inquiry import GOOD as OK
from policyengine.verification.revocation import Revocation, Status
from tests.verification import revoking, signing
from tests.verification.judging import judge, level, trust
from tests.verification.revoking import (
    CRL,
    DAY,
    DELTA,
    GOOD,
    HOUR,
    OCSP,
    PURPOSE,
    REVOKED,
    UNKNOWN,
    Content,
    Net,
    chain,
    crl,
    delegate,
    entry,
    freshest,
    points,
    responders,
    response,
    scope,
    status,
    told,
)
from tests.verification.signing import NOW, Chain, Signing, Timestamper

HOLD, REMOVED, COMPROMISED = (
    x509.ReasonFlags.certificate_hold,
    x509.ReasonFlags.remove_from_crl,
    x509.ReasonFlags.key_compromise,
)
DEAD = Unreachable("nobody answers")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    certificates.signing_chain.cache_clear()


BY_OCSP, BY_LIST, BY_BOTH = chain(responders(OCSP)), chain(points(CRL)), chain(responders(OCSP), points(CRL))


def of(about: Chain, *args: Any, **more: Any) -> bytes:
    return response(about.leaf, about.holders[1], *args, **more)


def listing(about: Chain, *args: Any, **more: Any) -> bytes:
    return crl(about.holders[1], *args, **more)


def unknown(found: Status) -> str:
    assert "cannot be determined" in found.problem
    assert not found.revoked
    return found.problem


def compromised(about: Chain, found: Status) -> None:
    assert found.revoked
    assert found.problem.startswith(str(certificates.read(about.leaf.der)))
    assert "is revoked since 2026-05-31T12:00:00Z" in found.problem


# Order


def test_a_chain_that_names_nobody_is_fine_and_nobody_is_asked() -> None:
    assert status(signing.good_chain(), {}) == Status()


def test_ocsp_comes_first_and_a_good_answer_ends_it() -> None:
    net = Net({OCSP: of(BY_BOTH), CRL: listing(BY_BOTH, entry(BY_BOTH.leaf))})
    found = status(BY_BOTH, net)
    assert (found.problem, told(found)) == ("", [("ocsp", "good")])
    assert len(net.asked) == 1


def test_ocsp_comes_first_and_a_revoked_answer_ends_it() -> None:
    net = Net({OCSP: of(BY_BOTH, REVOKED), CRL: listing(BY_BOTH)})
    compromised(BY_BOTH, status(BY_BOTH, net))
    assert len(net.asked) == 1


NO_ANSWERS: dict[str, Content] = {
    "nobody": DEAD,
    "not there": NotFound("the server answers 404"),
    "too large": TooLarge("more than 20480 bytes"),
    "no response": b"<html>",
    "unknown": of(BY_BOTH, UNKNOWN),
    "by the certificate itself": of(BY_BOTH, by=BY_BOTH.leaf),
    "expired": of(BY_BOTH, next=NOW - HOUR),
    "without an end": of(BY_BOTH, next=None),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_where_no_responder_answers_the_list_decides(name: str) -> None:
    answer = NO_ANSWERS[name]
    good = status(BY_BOTH, {OCSP: answer, CRL: listing(BY_BOTH)})
    assert (good.problem, told(good)) == ("", [("ocsp", "unusable"), ("crl", "good")])
    compromised(BY_BOTH, status(BY_BOTH, {OCSP: answer, CRL: listing(BY_BOTH, entry(BY_BOTH.leaf), number=6)}))
    unknown(status(chain(responders(OCSP)), {OCSP: answer}))


def test_several_responders_are_asked_until_one_gives_a_valid_answer() -> None:
    about = chain(responders("http://a.example", "http://b.example", "http://c.example"))
    net = Net({"http://a.example": DEAD, "http://b.example": of(about, next=None), "http://c.example": of(about)})
    assert told(status(about, net)) == [("ocsp", "unusable"), ("ocsp", "unusable"), ("ocsp", "good")]
    first = Net({"http://a.example": of(about, REVOKED), "http://b.example": of(about)})
    compromised(about, status(about, first))
    assert len(first.asked) == 1


def test_several_lists_are_asked_until_one_is_valid() -> None:
    """Not all of them have to be there, as Notation has it."""
    about = chain(points("http://a.example", "http://b.example"))
    found = status(about, {"http://a.example": NotFound("404"), "http://b.example": listing(about)})
    assert (found.problem, told(found)) == ("", [("crl", "unusable"), ("crl", "good")])


def test_of_a_mass_of_addresses_only_some_are_asked() -> None:
    about = chain(points(*(f"http://{number}.example" for number in range(50))))
    net = Net({})
    unknown(status(about, net))
    assert len(net.asked) == limits.REVOCATION_ADDRESSES


# What Notation's own implementation gets wrong, and the rest of the revocation scenarios


def test_good_by_the_revoked_leaf_itself_is_no_answer() -> None:
    """Who stole a key can answer on plain HTTP."""
    assert "vouches for itself" in unknown(status(BY_OCSP, {OCSP: of(BY_OCSP, by=BY_OCSP.leaf)}))


def test_good_by_an_expired_delegate_is_no_answer() -> None:
    expired = delegate(BY_OCSP.holders[1], end=NOW - HOUR)
    assert "expired at" in unknown(status(BY_OCSP, {OCSP: of(BY_OCSP, by=expired)}))


def test_good_from_the_future_is_no_answer() -> None:
    assert "later than" in unknown(status(BY_OCSP, {OCSP: of(BY_OCSP, this=NOW + HOUR)}))


def test_good_about_the_same_serial_number_of_another_authority_is_no_answer() -> None:
    assert "another certificate" in unknown(status(BY_OCSP, {OCSP: of(BY_OCSP, key_hash=bytes(20))}))


def test_a_responder_that_is_blocked_proves_nothing() -> None:
    assert "nobody answers" in unknown(status(BY_OCSP, {OCSP: DEAD}))


@pytest.mark.parametrize("url", ["https://crl.example", "file:///etc/passwd", "ldap://crl.example/cn=x?crl"])
def test_the_caller_decides_which_addresses_can_be_asked(url: str) -> None:
    about = chain(points(url))
    assert "not asked" in unknown(status(about, {url: Unreachable("it is not asked")}))


def test_addresses_that_are_none_leave_a_certificate_unknown() -> None:
    directory = revoking.point(full_name=[x509.DirectoryName(BY_LIST.leaf.certificate.subject)])
    about = chain((x509.CRLDistributionPoints([directory]), False))
    assert "names no address" in unknown(status(about, {}))


def test_a_list_with_the_certificate_revokes_it() -> None:
    compromised(BY_LIST, status(BY_LIST, {CRL: listing(BY_LIST, entry(1), entry(BY_LIST.leaf, COMPROMISED))}))


def test_a_hold_revokes() -> None:
    found = status(BY_LIST, {CRL: listing(BY_LIST, entry(BY_LIST.leaf, HOLD))})
    assert "(certificateHold)" in found.problem
    assert found.revoked


UNUSABLE_LISTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "expired": (lambda: listing(BY_LIST, next=NOW - HOUR), "expired at"),
    "of the future": (lambda: listing(BY_LIST, this=NOW + HOUR), "later than"),
    "by another key": (lambda: listing(BY_LIST, by=BY_LIST.root), "signature does not match"),
    "for CAs": (lambda: listing(BY_LIST, extensions=[scope(only_contains_ca_certs=True)]), "certificates of CAs"),
    "indirect": (lambda: listing(BY_LIST, extensions=[scope(indirect_crl=True)]), "an indirect one"),
    "another point's": (
        lambda: listing(BY_LIST, extensions=[scope(full_name=[revoking.uri("http://crl.example/2")])]),
        "another distribution point",
    ),
    "critical": (lambda: listing(BY_LIST, extensions=[(signing.with_oid("1.2.3"), True)]), "critical extension"),
    "a delta list": (lambda: listing(BY_LIST, base=5), "delta list in the place"),
}


@pytest.mark.parametrize("name", UNUSABLE_LISTS)
def test_an_unusable_list_determines_nothing(name: str) -> None:
    make, why = UNUSABLE_LISTS[name]
    assert why in unknown(status(BY_LIST, {CRL: make()}))


def test_an_expired_list_still_proves_what_it_lists_for_good() -> None:
    old = listing(BY_LIST, entry(BY_LIST.leaf, COMPROMISED), next=NOW - HOUR)
    compromised(BY_LIST, status(BY_LIST, {CRL: old}))
    held = listing(BY_LIST, entry(BY_LIST.leaf, HOLD), next=NOW - HOUR)
    assert "expired at" in unknown(status(BY_LIST, {CRL: held}))


# Delta lists


def with_delta(delta: Content, *entries: x509.RevokedCertificate) -> Status:
    return status(BY_LIST, {CRL: listing(BY_LIST, *entries, extensions=[freshest(DELTA)]), DELTA: delta})


def test_a_delta_list_revokes() -> None:
    found = with_delta(listing(BY_LIST, entry(BY_LIST.leaf), number=6, base=5))
    compromised(BY_LIST, found)
    assert told(found) == [("delta-crl", "revoked"), ("crl", "revoked")]


def test_a_delta_list_without_the_certificate_leaves_it_good() -> None:
    found = with_delta(listing(BY_LIST, number=6, base=5))
    assert (found.problem, told(found)) == ("", [("delta-crl", "good"), ("crl", "good")])


@pytest.mark.parametrize(("since", "revoked"), [(NOW - HOUR, False), (NOW - DAY, True), (NOW - 2 * DAY, True)])
def test_a_delta_list_lets_go_what_was_on_hold_before(since: Any, revoked: bool) -> None:
    let_go = listing(BY_LIST, entry(BY_LIST.leaf, REMOVED, since=since), number=6, base=5)
    assert with_delta(let_go, entry(BY_LIST.leaf, HOLD)).revoked == revoked


@pytest.mark.parametrize(
    "delta",
    [
        DEAD,
        listing(BY_LIST, number=6),
        listing(BY_LIST, number=7, base=6),
        listing(BY_LIST, number=4, base=3),
        listing(BY_LIST, number=6, base=5, next=NOW - HOUR),
        listing(BY_LIST, number=6, base=5, this=NOW + HOUR),
        listing(BY_LIST, number=6, base=5, by=BY_LIST.root),
        listing(BY_LIST, number=6, base=5, extensions=[scope(only_contains_user_certs=True)]),
    ],
)
def test_without_its_delta_list_a_list_determines_nothing(delta: Content) -> None:
    assert "a delta list that could not be had" in unknown(with_delta(delta))
    revoked = with_delta(delta, entry(BY_LIST.leaf, COMPROMISED))
    compromised(BY_LIST, revoked)


def test_a_delta_list_that_only_the_certificate_names_counts_too() -> None:
    about = chain(points(CRL), freshest(DELTA))
    revoked = listing(about, entry(about.leaf), number=6, base=5)
    compromised(about, status(about, {CRL: listing(about), DELTA: revoked}))
    unknown(status(about, {CRL: listing(about)}))


# Invalidity dates


def invalid(since: Any) -> tuple[x509.ExtensionType, bool]:
    return x509.InvalidityDate(since), False


@pytest.mark.parametrize(
    ("signed_at", "revoked"),
    [(None, True), (NOW - 3 * DAY, False), (NOW - 2 * DAY, True), (NOW - HOUR, True)],
)
def test_an_invalidity_date_excuses_an_authentic_signing_time_before_it(signed_at: Any, revoked: bool) -> None:
    listed = listing(BY_LIST, entry(BY_LIST.leaf, COMPROMISED, invalid(NOW - 2 * DAY)))
    assert status(BY_LIST, {CRL: listed}, signed_at=signed_at).revoked == revoked


def test_without_an_invalidity_date_nothing_is_excused() -> None:
    listed = listing(BY_LIST, entry(BY_LIST.leaf, COMPROMISED))
    assert status(BY_LIST, {CRL: listed}, signed_at=NOW - 9 * DAY).revoked


def test_an_excuse_needs_a_current_list() -> None:
    old = listing(BY_LIST, entry(BY_LIST.leaf, COMPROMISED, invalid(NOW - 2 * DAY)), next=NOW - HOUR)
    unknown(status(BY_LIST, {CRL: old}, signed_at=NOW - 3 * DAY))


@pytest.mark.parametrize(
    ("scheme", "status"), [("notary.x509", "rejected"), ("notary.x509.signingAuthority", "verified")]
)
def test_only_a_signing_authority_has_an_authentic_signing_time(scheme: str, status: str) -> None:
    """A time that the signer wrote itself excuses nothing."""
    listed = listing(BY_LIST, entry(BY_LIST.leaf, COMPROMISED, invalid(NOW - HOUR)))
    by = trust({"ca:acme": [BY_LIST], "signingAuthority:acme": [BY_LIST]})
    made = Signing(chain=BY_LIST, scheme=scheme, signed_at=NOW - DAY)
    found = judge(made.cose(), by=by, revoked=Revocation(Net({CRL: listed})))
    assert found.status == status


# Delegates that can be revoked themselves

RESPONDERS = "http://crl.example/responders.crl"


def delegated(about: Chain) -> tuple[signing.Holder, bytes]:
    able = delegate(about.holders[1], PURPOSE, points(RESPONDERS))
    return able, of(about, by=able)


def test_a_delegate_is_looked_up_in_its_own_list() -> None:
    able, good = delegated(BY_OCSP)
    fine = status(BY_OCSP, {OCSP: good, RESPONDERS: listing(BY_OCSP)})
    assert (fine.problem, told(fine)) == ("", [("crl", "good"), ("ocsp", "good")])
    assert fine.answers[0].certificate.endswith("CN=responder")
    revoked = listing(BY_OCSP, entry(able), number=6)
    assert "is revoked since" in unknown(status(BY_OCSP, {OCSP: good, RESPONDERS: revoked}))
    unknown(status(BY_OCSP, {OCSP: good}))


def test_a_delegate_that_only_a_responder_could_speak_of_is_not_believed() -> None:
    able = delegate(BY_OCSP.holders[1], PURPOSE, responders(OCSP))
    net = Net({OCSP: of(BY_OCSP, by=able)})
    assert "cannot be said not to be revoked" in unknown(status(BY_OCSP, net))
    assert len(net.asked) == 1


# The whole chain


def both_named() -> Chain:
    return chain(responders("http://leaf.example"), middle=[responders("http://middle.example")])


def test_every_certificate_but_the_root_is_asked_about() -> None:
    about = both_named()
    leaf, middle, root = about.holders
    good = {"http://leaf.example": response(leaf, middle), "http://middle.example": response(middle, root)}
    found = status(about, good)
    assert (found.problem, told(found)) == ("", [("ocsp", "good"), ("ocsp", "good")])
    assert [answer.certificate.rpartition("=")[2] for answer in found.answers] == ["release", "intermediate"]
    revoked = good | {"http://middle.example": response(middle, root, REVOKED)}
    assert "CN=intermediate" in status(about, revoked).problem
    unknown(status(about, good | {"http://middle.example": DEAD}))


def test_revoked_beats_unknown() -> None:
    about = both_named()
    _, middle, root = about.holders
    found = status(about, {"http://leaf.example": DEAD, "http://middle.example": response(middle, root, REVOKED)})
    assert found.revoked
    assert "CN=intermediate" in found.problem


def test_a_chain_is_asked_about_at_the_same_time() -> None:
    about = both_named()
    leaf, middle, root = about.holders
    together = threading.Barrier(2, timeout=20)

    def answer(data: bytes) -> Content:
        def met() -> bytes:
            together.wait()
            return data

        return met

    content = {
        "http://leaf.example": answer(response(leaf, middle)),
        "http://middle.example": answer(response(middle, root)),
    }
    assert status(about, content).problem == ""


def test_a_chain_has_so_much_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    about = chain(points("http://a.example", "http://b.example"))
    clock = iter([0.0, 0.0, limits.REVOCATION_SECONDS + 1])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    net = Net({"http://a.example": DEAD, "http://b.example": listing(about)})
    assert "took longer than 20 seconds" in unknown(status(about, net))
    assert net.asked == ["http://a.example"]


# Memory


def test_nothing_is_asked_twice_at_one_instant() -> None:
    net = Net({OCSP: of(BY_OCSP)})
    revoked = Revocation(net)
    read = tuple(certificates.read(der) for der in BY_OCSP.ders)
    assert all(revoked(read, NOW).problem == "" for _ in range(3))
    assert len(net.asked) == 1
    revoked(read, NOW + HOUR)
    assert len(net.asked) == 2


def test_where_nobody_answers_nobody_is_asked_again() -> None:
    one, other = chain(responders(OCSP)), chain(responders(OCSP))
    net = Net({OCSP: DEAD})
    revoked = Revocation(net)
    for about in (one, other, one):
        unknown(revoked(tuple(certificates.read(der) for der in about.ders), NOW))
    assert len(net.asked) == 1


def test_a_list_is_kept_until_its_end_and_on_disk_too() -> None:
    first = Net({CRL: listing(BY_LIST)})
    assert told(status(BY_LIST, first)) == [("crl", "good")]
    offline = Net({CRL: DEAD})
    for at in (NOW, NOW + HOUR, NOW + DAY):
        assert told(status(BY_LIST, offline, at, kept=True)) == [("crl", OK)]
    assert offline.asked == []
    unknown(status(BY_LIST, offline, NOW + DAY + HOUR, kept=True))
    assert offline.asked == [CRL]


def test_a_kept_list_is_verified_again() -> None:
    """Whatever is on disk: a half-written list, one by somebody else, one of another authority."""
    good = listing(BY_LIST)
    for poison in (b"", good[:-20], listing(BY_LIST, by=BY_LIST.root), crl(BY_LIST.root), b"x" * 100):
        cache.store("crl", CRL.encode(), poison)
        net = Net({CRL: listing(BY_LIST, entry(BY_LIST.leaf))})
        compromised(BY_LIST, status(BY_LIST, net, kept=True))
        assert net.asked == [CRL]


def test_what_does_not_count_is_not_kept() -> None:
    unknown(status(BY_LIST, {CRL: listing(BY_LIST, by=BY_LIST.root)}))
    assert cache.load("crl", CRL.encode()) is None


def test_a_kept_list_that_its_delta_list_has_outrun_is_fetched_again() -> None:
    def at(number: int, *entries: x509.RevokedCertificate) -> dict[str, Content]:
        complete = listing(BY_LIST, *entries, number=number, extensions=[freshest(DELTA)])
        return {CRL: complete, DELTA: listing(BY_LIST, number=number + 1, base=number)}

    net = Net(at(5))
    revoked = Revocation(net)
    read = tuple(certificates.read(der) for der in BY_LIST.ders)
    assert revoked(read, NOW).problem == ""
    net.content = {**at(9, entry(BY_LIST.leaf)), DELTA: listing(BY_LIST, number=10, base=9)}
    cache.store("crl", DELTA.encode(), net.content[DELTA])  # type: ignore[arg-type]
    compromised(BY_LIST, Revocation(net)(read, NOW))


def test_lists_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LISTS_BYTES", 2000)
    net = Net({})
    revoked = Revocation(net)
    for number in range(9):
        about = chain(points(f"http://{number}.example"))
        net.content = {f"http://{number}.example": listing(about, *(entry(n) for n in range(1, 10)))}
        revoked(tuple(certificates.read(der) for der in about.ders), NOW)
    assert sum(map(len, revoked._answers._lists.values())) <= 2000


# In a verification


def test_without_a_fetch_nothing_is_known() -> None:
    read = tuple(certificates.read(der) for der in BY_OCSP.ders)
    assert "no connection may be opened" in unknown(revocation.check(read, NOW))


def test_the_result_says_who_was_asked_and_what_they_said() -> None:
    net = Net({OCSP: DEAD, CRL: listing(BY_BOTH)})
    found = judge(Signing(chain=BY_BOTH).cose(), by=trust({"ca:acme": [BY_BOTH]}), revoked=Revocation(net))
    assert (found.status, found.checks["revocation"]) == ("verified", "passed")
    asked, answered = found.revocation
    assert (asked.kind, asked.url, asked.answer, asked.reason) == ("ocsp", OCSP, "unusable", "nobody answers")
    assert (answered.kind, answered.url, answered.answer, answered.reason) == ("crl", CRL, "good", None)
    assert (answered.this_update, answered.next_update) == (NOW - HOUR, NOW + DAY)
    assert answered.certificate == found.subject


@pytest.mark.parametrize(
    ("name", "override", "status", "check"),
    [
        ("strict", {}, "rejected", "failed"),
        ("strict", {"revocation": "log"}, "verified", "logged"),
        ("strict", {"revocation": "skip"}, "verified", "skipped"),
        ("permissive", {}, "verified", "logged"),
        ("permissive", {"revocation": "enforce"}, "rejected", "failed"),
        ("audit", {}, "verified", "logged"),
    ],
)
@pytest.mark.parametrize("answer", [of(BY_OCSP, REVOKED), DEAD])
def test_revoked_and_unknown_by_level(
    answer: Content, name: str, override: dict[str, str], status: str, check: str
) -> None:
    net = Net({OCSP: answer})
    by = trust({"ca:acme": [BY_OCSP]}, signatureVerification=level(name, **override))
    found = judge(Signing(chain=BY_OCSP).cose(), by=by, revoked=Revocation(net))
    assert (found.status, found.checks["revocation"], bool(net.asked)) == (status, check, check != "skipped")
    assert bool(found.revocation) == (check != "skipped")


def test_nobody_is_asked_on_a_strangers_word() -> None:
    """A chain can name any address, that of a cloud's metadata service too."""
    net = Net({})
    for verification in (level("strict"), level("audit")):
        judge(Signing(chain=BY_OCSP).cose(), by=trust(signatureVerification=verification), revoked=Revocation(net))
    assert net.asked == []


# The authority that stamps


def stamping(*more: tuple[x509.ExtensionType, bool]) -> Chain:
    top = signing.stamping_chain().root
    extensions = [*signing.stamper_extensions(), *more]
    return Chain((signing.issue(signing.subject("tsa"), signing.key("P-256", 4), top, extensions), top))


@pytest.mark.parametrize("override", [{}, {"revocation": "skip"}, {"revocation": "log"}])
@pytest.mark.parametrize(("answer", "status"), [("good", "verified"), ("revoked", "rejected"), ("nobody", "rejected")])
def test_the_authority_that_stamps_is_asked_about_whatever_is_said_of_revocation(
    override: dict[str, str], answer: str, status: str
) -> None:
    clock = stamping(responders(OCSP))
    said: Content = DEAD if answer == "nobody" else of(clock, GOOD if answer == "good" else REVOKED)
    by = trust(
        {"ca:acme": [signing.good_chain()], "tsa:clock": [clock]}, signatureVerification=level("strict", **override)
    )
    made = Signing(timestamp=Timestamper(chain=clock))
    found = judge(made.cose(), by=by, revoked=Revocation(Net({OCSP: said})))
    assert found.status == status
    assert [each.answer for each in found.revocation] == [{"nobody": "unusable"}.get(answer, answer)]
    if status == "rejected":
        assert found.checks["authenticTimestamp"] == "failed"
