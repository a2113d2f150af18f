"""The strict CBOR reader, held against the library that everybody uses."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine import limits
from policyengine.errors import VerificationError
from policyengine.verification import cbor

SCALARS = (
    st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=300)
    | st.text(max_size=100)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False)
)
KEYS = st.integers(-1000, 2**40) | st.text(max_size=10) | st.binary(max_size=10)
ITEMS = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=30) | st.dictionaries(KEYS, each, max_size=30), max_leaves=20
)


@given(ITEMS)
def test_what_is_written_is_read(item: Any) -> None:
    assert cbor.loads(cbor2.dumps(item)) == item


@given(st.integers(0, 2**64 - 1), SCALARS)
def test_tags_are_read_and_not_interpreted(number: int, value: Any) -> None:
    assert cbor.loads(cbor2.dumps(cbor2.CBORTag(number, value))) == cbor.Tag(number, value)


@given(ITEMS, st.data())
def test_what_is_cut_off_or_goes_on_is_refused(item: Any, data: st.DataObject) -> None:
    written = cbor2.dumps(item)
    length = data.draw(st.integers(0, len(written) - 1))
    for wrong in (written[:length], written + b"\x00"):
        with pytest.raises(VerificationError):
            cbor.loads(wrong)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused_and_only_one_way(data: bytes) -> None:
    try:
        item = cbor.loads(data)
    except VerificationError:
        return
    assert repr(cbor.loads(data)) == repr(item)  # by text, since NaN is not equal to itself
    try:
        general = cbor2.loads(data)
    except cbor2.CBORError:
        return  # it interprets tags, and refuses what they hold
    if "Tag(" not in repr(item) and "Undefined" not in repr(item):
        assert repr(general) == repr(item)


def test_the_same_value_in_another_form_is_refused() -> None:
    for wrong in (
        b"\x18\x17",  # 23 in two bytes
        b"\x19\x00\xff",  # 255 in three
        b"\x1a\x00\x00\xff\xff",
        b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff",
        b"\x38\x00",  # -1 in two bytes
        b"\x58\x01x",  # one byte with a long length
        b"\x78\x01x",
        b"\x98\x01\x00",
        b"\xb8\x01\x00\x00",
        b"\xd8\x12\x00",  # tag 18 in two bytes
        b"\xf8\x14",  # false in two bytes
        b"\x5f\x41x\xff",  # indefinite
        b"\x7f\x61x\xff",
        b"\x9f\x00\xff",
        b"\xbf\x00\x00\xff",
        b"\xa2\x01\x00\x01\x00",  # a key twice
        b"\xa2\x01\x00\x18\x01\x00",
        b"\xa1\xf5\x00",  # a boolean as key
        b"\xa1\xf9\x3c\x00\x00",  # 1.0 as key
        b"\xa1\x80\x00",  # a list as key
        b"\x61\xff",  # not UTF-8
        b"\x1c",  # reserved
        b"\xfc",
        b"\xff",
        b"\xe0",  # a simple value that nobody assigned
        b"",
    ):
        with pytest.raises(VerificationError):
            cbor.loads(wrong)


@pytest.mark.parametrize("head", [b"\x5b", b"\x7b", b"\x9b", b"\xbb"])
def test_a_claimed_length_costs_nothing(head: bytes) -> None:
    with pytest.raises(VerificationError):
        cbor.loads(head + (1 << 40).to_bytes(8, "big") + b"\x00")


def test_depth_and_items_are_bounded() -> None:
    assert cbor.loads(b"\x81" * limits.CBOR_DEPTH + b"\x00")
    for wrong in (b"\x81" * (limits.CBOR_DEPTH + 1) + b"\x00", b"\xd2" * 400 + b"\x00", b"\x81" * 100_000):
        with pytest.raises(VerificationError, match="nested too deep"):
            cbor.loads(wrong)
    many = b"\x99" + limits.CBOR_ITEMS.to_bytes(2, "big") + b"\x00" * limits.CBOR_ITEMS
    with pytest.raises(VerificationError, match="too many items"):
        cbor.loads(many)


def test_undefined_is_not_null() -> None:
    assert cbor.loads(b"\xf7") == cbor.Undefined()
    assert cbor.loads(b"\xf6") is None
