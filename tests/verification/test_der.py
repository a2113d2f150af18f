"""The strict DER reader."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from policyengine.errors import VerificationError
from policyengine.verification import der
from policyengine.verification.der import Element, Fields
from tests.verification import signing


def element(data: bytes, tag: int) -> Element:
    return der.read(data, tag)


@given(st.binary(max_size=70_000))
def test_an_octet_string_of_any_length_is_read(content: bytes) -> None:
    written = signing.der(der.OCTET_STRING, content)
    assert element(written, der.OCTET_STRING).content == content


@given(st.integers(-(2**80), 2**80))
def test_integers(value: int) -> None:
    length = (value.bit_length() + 8) // 8
    shortest = value.to_bytes(length, "big", signed=True)
    while len(shortest) > 1 and int.from_bytes(shortest[1:], "big", signed=True) == value:
        shortest = shortest[1:]
    assert der.integer(element(signing.der(2, shortest), der.INTEGER)) == value
    padded = (b"\xff" if value < 0 else b"\x00") + shortest
    with pytest.raises(VerificationError, match="shortest form"):
        der.integer(element(signing.der(2, padded), der.INTEGER))


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), max_size=8))
def test_object_identifiers(first: int, second: int, rest: list[int]) -> None:
    dotted = ".".join(map(str, (first, second, *rest)))
    assert der.oid(element(signing.oid(dotted), der.OID)) == dotted
    assert x509.ObjectIdentifier(dotted).dotted_string == dotted


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\x04",
        b"\x04\x05x",  # cut off
        b"\x04\x01xx",  # more behind
        b"\x04\x80x\x00\x00",  # indefinite
        b"\x04\x81\x01x",  # longer than needed
        b"\x04\x82\x00\x80" + b"x" * 128,
        b"\x04\x85\x00\x00\x00\x00\x01x",
        b"\x04\xff",
        b"\x1f\x81\x01\x00",  # a long tag
        b"\x05\x00",  # another tag
    ],
)
def test_other_encodings_are_refused(wrong: bytes) -> None:
    with pytest.raises(VerificationError):
        element(wrong, der.OCTET_STRING)


@pytest.mark.parametrize("wrong", [b"", b"\x80\x01", b"\x2a\x80\x01", b"\x2a\x86", b"\x2a" * 65])
def test_broken_object_identifiers_are_refused(wrong: bytes) -> None:
    with pytest.raises(VerificationError):
        der.oid(Element(der.OID, wrong, wrong))


def test_times() -> None:
    def time(text: bytes) -> datetime:
        return der.generalized_time(Element(der.GENERALIZED_TIME, text, text))

    assert time(b"20260601120001Z") == datetime(2026, 6, 1, 12, 0, 1, tzinfo=UTC)
    assert time(b"20260601120001.000001Z").microsecond == 1
    for wrong in (
        b"20260601120001.Z",
        b"20260601120001.10Z",
        b"20260601120001.0000001Z",
        b"202606011200Z",
        b"20260601240000Z",
    ):
        with pytest.raises(VerificationError):
            time(wrong)


def test_fields_are_taken_in_order() -> None:
    fields = Fields(element(signing.sequence(signing.integer(1), signing.integer(2)), der.SEQUENCE))
    assert fields.maybe(der.OID) is None
    assert der.integer(fields.take(der.INTEGER)) == 1
    with pytest.raises(VerificationError, match="a field follows"):
        fields.end()
    with pytest.raises(VerificationError, match="has the tag 0x02 where 0x06"):
        fields.take(der.OID)
    with pytest.raises(VerificationError, match="a field is missing"):
        fields.take(der.INTEGER)


def test_a_long_list_of_elements_is_read_in_one_pass() -> None:
    many = element(signing.sequence(b"\x05\x00" * 100_000), der.SEQUENCE)
    assert len(der.elements(many)) == 100_000
