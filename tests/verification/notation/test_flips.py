"""Nothing in a good envelope can be changed: no bit, no certificate, no order."""

from __future__ import annotations

import json

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
    assert judge(changed, media_type, by=by).status == "rejected" or same(changed, envelope, media_type)


def same(data: bytes, envelope: bytes, media_type: str) -> bool:
    """Whether two texts are one envelope: CBOR has one spelling here, and JSON has white space and escapes.

    RFC 8259 allows white space around every value, and `\\/` for `/`; a JWS signs the strings' values.
    """
    if media_type == COSE:
        return data == envelope
    return _members(data) == _members(envelope)


def _members(data: bytes) -> object:
    """The value of a JSON text, with members that occur twice, and in their order; the bytes of what is no JSON."""
    try:
        return json.loads(data, object_pairs_hook=list)
    except ValueError:
        return data


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
        assert found.status == "rejected" or same(each, envelope, media_type)


@pytest.mark.parametrize("space", [b" ", b"\t\r\n"])
def test_white_space_around_a_jws_means_nothing(space: bytes) -> None:
    """RFC 8259, section 2: `ws value ws`. Other space, a byte order mark, or any byte around COSE is refused."""
    envelope = ENVELOPES["jws"][0]
    for each in (space + envelope, envelope + space, envelope.replace(b"{", b"{" + space)):
        assert judge(each, JWS).status == "verified"
    for wrong in (b"\x0b", b"\x0c", b"\x00", b"\xc2\xa0", b"\xef\xbb\xbf"):
        assert judge(wrong + envelope, JWS).status == judge(envelope + wrong, JWS).status == "rejected"
    cose = ENVELOPES["cose"][0]
    assert judge(space + cose).status == judge(cose + space).status == "rejected"


def test_an_escape_of_a_jws_is_read_as_json_says() -> None:
    """`\\/` and `\\u002f` are the character that they stand for; another character is another envelope."""
    envelope, _, by = ENVELOPES["jws-rsa"]
    for escape in (b"\\/", b"\\u002f", b"\\u002F"):
        assert judge(envelope.replace(b"/", escape), JWS, by=by).status == "verified"
    for escape in (b"\\\\/", b"\\u002e", b"\\u00", b"\\x2f"):
        assert judge(envelope.replace(b"/", escape), JWS, by=by).status == "rejected"


@given(st.binary(max_size=400))
def test_any_timestamp_is_refused_and_raises_nothing(data: bytes) -> None:
    by = trust({"ca:acme": [signing.good_chain()], "tsa:clock": [signing.stamping_chain()]})
    made = Signing(unsigned={"io.cncf.notary.timestampSignature": data})
    found = judge(made.cose(), by=by)
    assert (found.status, found.checks["authenticTimestamp"]) == ("rejected", "failed")
    good = Signing(timestamp=Timestamper())
    assert judge(good.cose(), by=by).status == "verified"
