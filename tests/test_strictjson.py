"""What a hostile registry may try with a JSON text, and what the reader must answer."""

import json
import pickle
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine import limits
from policyengine.strictjson import JsonError, check, loads, locate, quoted


def refusal(data: bytes, **options: int) -> JsonError:
    with pytest.raises(JsonError) as caught:
        check(data, **options)
    return caught.value


def test_values_are_those_of_the_text() -> None:
    text = b'\xef\xbb\xbf {"a": [1, -2, true, false, null, "\\u00e9\\ud83d\\ude00:"], "b": {"a": 1.50, "c": 1e3}}\r\n'
    value = loads(text)
    assert value == {"a": [1, -2, True, False, None, "é😀:"], "b": {"a": Decimal("1.50"), "c": Decimal("1e3")}}
    assert str(value["b"]["a"]) == "1.50"


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"\\u003a": 1, ":": 2}',
        b'{"x": [{"k": {}, "b": {"c": 1}, "k": "\\u003a\\u003A"}]}',
        b'{"x": "\\\\u003a", "y": {"a:": 1, "a:": 2}}',
        b'{"a": {"a": 1, "b": 2}, "b": "}", "a": 3}',
        b'{"a":1,"":2,"":3}',
        b'{"\\\\u003a": "\\\\\\u003a:::", "y": 1, "y": ":\\u003A"}',
    ],
)
def test_a_repeated_key_is_refused(text: bytes) -> None:
    assert "the same key occurs twice" in refusal(text).message


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}',
        b'{"\\u003a": "\\u003A", "\\\\u003a": "::\\\\", "x": "\\\\\\\\u003a"}',
        b'{"a": "{\\"a\\": 1, \\"a\\": 2}"}',
    ],
)
def test_what_only_looks_repeated_is_read(text: bytes) -> None:
    assert loads(text) == json.loads(text)


def test_a_repeated_key_is_named_with_its_place() -> None:
    error = refusal(b'\xef\xbb\xbf{\n  "\xc3\xa9": 1, "a": {"b": 1},\n  "\\u00e9": 2}')
    assert (error.line, error.column) == (3, 3)
    assert str(error) == 'the same key occurs twice in one object: "é" (line 3, column 3)'
    assert error.offset is not None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "empty"),
        (b" \n\xef\xbb\xbf", "invalid"),
        (b"\xef\xbb\xbf \n", "empty"),
        ('{"a": 1}'.encode("utf-16"), "UTF-16"),
        ('{"a": 1}'.encode("utf-16-be"), "UTF-16"),
        ('{"a": 1}'.encode("utf-32-le"), "UTF-16 or UTF-32"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"\xed\xa0\x80": 1}', "not UTF-8"),
        (b'["\\ud800"]', "surrogate"),
        (b'["\\ud800abcdefgh"]', "surrogate"),
        (b'["\\udc00"]', "surrogate"),
        (b'{"a\\ud800', "surrogate"),
        (b"NaN", "invalid"),
        (b"[-Infinity]", "invalid"),
        (b"{} {}", "trailing"),
        (b"[1,]", "trailing comma"),
        (b'{"a": 1', "ends too early"),
        (b'"\x01"', "invalid character"),
        (b"01", "invalid number"),
        (b"9" * 10_000, "out of range"),
        (b"0." + b"9" * 2_000, "characters"),
        (b"1e999999999", "beyond"),
        (b"1e-999999999", "beyond"),
    ],
)
def test_what_is_not_strict_json_is_refused(text: bytes, reason: str) -> None:
    assert reason in refusal(text).message


def test_the_place_counts_lines_and_characters() -> None:
    error = refusal('{\n "é😀": nul}'.encode())
    assert (error.line, error.column) == (2, 12)
    assert (refusal(b"[] x").line, refusal(b"[] x").column, refusal(b"[] x").offset) == (1, 4, 3)


@pytest.mark.parametrize("unit", [b"[", b'{"a":', b'[{"a":[', b'["\\"[", ', b'{"\\\\": [', b'["[[{", '])
def test_a_bomb_of_levels_is_refused_at_once(unit: bytes) -> None:
    started = time.process_time()
    assert "nested deeper than 512 levels" in refusal(unit * 100_000).message
    assert time.process_time() - started < 5


def test_the_limit_is_exact() -> None:
    mixed = b'[{"]": ' * 256 + b"1" + b"}]" * 256
    assert loads(mixed)
    assert "deeper than 511" in refusal(mixed, max_depth=511).message
    assert refusal(b"[[[1]]]", max_depth=2).offset == 2
    assert loads(b'["[[[[", ["[\\"["], ["]"]]', max_depth=2) == ["[[[[", ['["['], ["]"]]
    wide = b"[" + b"[[]]," * 10_000 + b"[]]"
    assert len(loads(wide, max_depth=3)) == 10_001  # type: ignore[arg-type]
    assert refusal(wide, max_depth=2).offset == 2


def test_a_foreign_key_is_cut_and_printable_in_the_message() -> None:
    key = json.dumps("\x1b[31m" + "x" * 500).encode()
    message = refusal(b"{" + key + b": 1, " + key + b": 1}").message
    assert len(message) < 150
    assert message.isprintable()
    assert quoted("a\u202eb\n") == '"a\\u{202E}b\\u{A}"'


def test_the_error_survives_pickling() -> None:
    error = refusal(b'{\n"a"}')
    again = pickle.loads(pickle.dumps(error))
    assert (again.message, again.offset, again.line, again.column) == (
        error.message,
        error.offset,
        error.line,
        error.column,
    )


def test_a_place_that_is_far_away_is_not_worth_looking_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policyengine.strictjson._LOCATE_TOKENS", 10)
    error = refusal(b"[" + b"1," * 5 + b'"x",' * 50 + b'{"a":1,"a":2}]')
    assert (error.offset, error.line, str(error)) == (None, None, "the same key occurs twice in one object")


def test_a_member_is_found_in_the_text() -> None:
    text = b'\xef\xbb\xbf{"a": [1, {"b": "x,{y", "c": [[], {"d": 2}]}, "q"],\n "\\u0064": {"e": null}}'

    def at(*path: str | int) -> bytes:
        offset = locate(text, path)
        return b"" if offset is None else text[offset : offset + 4]

    assert [at(), at("a"), at("a", 1, "b"), at("a", 1, "c", 0), at("a", 1, "c", 1, "d")] == [
        b'{"a"',
        b'"a":',
        b'"b":',
        b"[[],",
        b'"d":',
    ]
    assert (at("d"), at("d", "e"), at("z"), at("a", 9)) == (b'"\\u0', b'"e":', b"", b"")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([":", '"', "\\", "\\u003a", "{}", "[["]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans(), st.sampled_from([None, 1]))
@settings(max_examples=100)
def test_every_value_comes_back(value: object, ascii_only: bool, indent: int | None) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")) == value


@given(st.dictionaries(st.text(max_size=3), values, min_size=1, max_size=5), st.data())
@settings(max_examples=100)
def test_no_repetition_is_missed(members: dict[str, object], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(sorted(members)))
    pairs = [*members.items(), (again, data.draw(values))]
    escaped = data.draw(st.booleans())
    written = ["".join(f"\\u{ord(c):04x}" for c in key) if escaped and key.isascii() else None for key, _ in pairs]
    text = ",".join(
        (f'"{code}"' if code is not None else json.dumps(key)) + ":" + json.dumps(value)
        for code, (key, value) in zip(written, pairs, strict=True)
    )
    assert "the same key occurs twice" in refusal(b'{"outer": [{' + text.encode() + b"}]}").message


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0a1e.- ').map(str.encode))
@settings(max_examples=100)
def test_other_bytes_are_refused_or_mean_what_json_says(data: bytes) -> None:
    try:
        value = loads(data)
    except JsonError:
        return
    assert value == json.loads(data, parse_float=Decimal)


def test_numbers_beyond_the_limit_name_it() -> None:
    assert str(limits.JSON_EXPONENT) in refusal(b"[1e401]").message
    assert loads(b"[1e400]") == [Decimal("1e400")]
