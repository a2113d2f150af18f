"""Where in a JSON text a value stands."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine.verification import places

TEXT = """\ufeff{
  "a" : [ 1, {"b": "x\\"y", "ä": [ ]},
    "ü", null ],
  "c": {"d": true}
}"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), (1, 1)),
        (("a",), (2, 9)),
        (("a", 0), (2, 11)),
        (("a", 1, "b"), (2, 20)),
        (("a", 1, "ä"), (2, 33)),
        (("a", 2), (3, 5)),
        (("a", 3), (3, 10)),
        (("c", "d"), (4, 14)),
        (("c", "e"), (4, 8)),
        (("a", 9), (2, 9)),
        (("a", 1, "ä", 0), (2, 33)),
        (("z",), (1, 1)),
    ],
)
def test_places(path: places.Path, expected: tuple[int, int]) -> None:
    assert places.locate(TEXT.encode(), path) == expected


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=4), each, max_size=4),
    max_leaves=12,
)


def paths(value: Any, path: places.Path = ()) -> list[tuple[places.Path, Any]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(path, value), *(each for step, inner in below for each in paths(inner, (*path, step)))]


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_every_value_is_found(value: Any, indent: int | None, escape: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escape)
    lines = text.split("\n")
    for path, expected in paths(value):
        line, column = places.locate(text.encode(), path)
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        assert json.JSONDecoder().raw_decode(rest)[0] == expected
