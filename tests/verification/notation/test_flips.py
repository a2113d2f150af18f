"""Nothing in a good envelope can be changed: no bit, no certificate, no order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine.verification.result import SignatureResult
from tests.verification import signing
from tests.verification.judging import judge, level, trust
from tests.verification.signing import COSE, JWS, Signing, Timestamper

AUDIT = trust(signatureVerification=level("audit"))
EC, RSA = Signing(), Signing(chain=signing.good_chain("RSA-2048"))
BY_RSA = trust({"ca:acme": [RSA.chain]})
ENVELOPES = {
    "cose": (EC.cose(), COSE, None),
    "jws": (EC.jws(), JWS, None),
    "cose-rsa": (RSA.cose(), COSE, BY_RSA),
    "jws-rsa": (RSA.jws(), JWS, BY_RSA),
}


def flipped(data: bytes, bit: int) -> bytes:
    broken = bytearray(data)
    broken[bit // 8] ^= 1 << bit % 8
    return bytes(broken)


@pytest.mark.parametrize("name", ENVELOPES)
@given(data=st.data())
def test_no_bit_of_an_envelope_can_be_flipped(name: str, data: st.DataObject) -> None:
    envelope, media_type, by = ENVELOPES[name]
    bit = data.draw(st.integers(0, len(envelope) * 8 - 1))
    assert judge(flipped(envelope, bit), media_type, by=by).status == "rejected"


@pytest.mark.parametrize("name", ["cose", "jws"])
@given(data=st.data())
def test_no_byte_can_be_changed_removed_or_added(name: str, data: st.DataObject) -> None:
    envelope, media_type, by = ENVELOPES[name]
    position = data.draw(st.integers(0, len(envelope)))
    removed = data.draw(st.integers(0, 3))
    added = data.draw(st.binary(max_size=3))
    changed = envelope[:position] + added + envelope[position + removed :]
    found = judge(changed, media_type, by=by)
    if changed != envelope and not _is_space_in_json(envelope, changed, media_type):
        assert found.status == "rejected"


def _is_space_in_json(envelope: bytes, changed: bytes, media_type: str) -> bool:
    """White space between the members of a JSON object means nothing; the strings have none."""
    space = b" \t\r\n"
    return media_type == JWS and changed.translate(None, space) == envelope.translate(None, space)


@given(st.integers(0, 2), st.data())
def test_no_bit_of_a_certificate_can_be_flipped_at_any_level(index: int, data: st.DataObject) -> None:
    """Inside the trusted root a flip makes another certificate, which is nobody's; elsewhere the chain breaks."""
    ders = list(EC.chain.ders)
    bit = data.draw(st.integers(0, len(ders[index]) * 8 - 1))
    ders[index] = flipped(ders[index], bit)
    assert judge(Signing(ders=ders).cose()).status == "rejected"
    found = judge(Signing(ders=ders).cose(), by=AUDIT)
    assert found.status == "rejected"


@pytest.mark.parametrize("index", [0, 1, 2])
def test_no_certificate_can_be_swapped_for_a_namesake(index: int) -> None:
    """The namesake has another key; its issuer is the real one, as far as there is one above it."""
    old = EC.chain.holders[index].certificate
    issuer = EC.chain.holders[index + 1] if index < 2 else None
    extensions = [(extension.value, extension.critical) for extension in old.extensions]
    namesake = signing.issue(old.subject, signing.key("P-256", 50), issuer, extensions)
    ders = [namesake.der if position == index else der for position, der in enumerate(EC.chain.ders)]
    for by in (None, AUDIT):
        assert judge(Signing(ders=ders).cose(), by=by).status == "rejected"


@given(st.binary(max_size=300), st.sampled_from([COSE, JWS]))
def test_any_bytes_are_rejected_and_raise_nothing(data: bytes, media_type: str) -> None:
    envelope = ENVELOPES["cose" if media_type == COSE else "jws"][0]
    for each in (data, envelope[: len(envelope) // 2] + data, data + envelope):
        found: SignatureResult = judge(each, media_type, by=AUDIT)
        assert (found.status == "rejected") or each == envelope


@given(st.binary(max_size=400))
def test_any_timestamp_is_refused_and_raises_nothing(data: bytes) -> None:
    by = trust({"ca:acme": [signing.good_chain()], "tsa:clock": [signing.stamping_chain()]})
    made = Signing(unsigned={"io.cncf.notary.timestampSignature": data})
    found = judge(made.cose(), by=by)
    assert (found.status, found.checks["authenticTimestamp"]) == ("rejected", "failed")
    good = Signing(timestamp=Timestamper())
    assert judge(good.cose(), by=by).status == "verified"
