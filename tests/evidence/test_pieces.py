"""A document read in pieces says what it says when it is read at once, and is refused for the same faults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policyengine import strictjson
from policyengine.errors import EvidenceError
from policyengine.evidence import formats, pieces
from policyengine.evidence.reading import Source
from tests.evidence.index import rows
from tests.evidence.mutations import TWICE, VALUES, mutated, paths

HERE = Path(__file__).parent / "documents"
NAMES = sorted(path.name for path in HERE.glob("*.json"))
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "evidence"
SOURCE = Source("sha256:" + "1" * 64)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is read in pieces of a few bytes."""
    monkeypatch.setattr(pieces, "SMALL", 20)


def outcome(data: bytes) -> Any:
    """What reading `data` comes to: the reading, or the reason why not, with its line."""
    try:
        return formats.read(data, SOURCE)
    except EvidenceError as error:
        return str(error), error.line


def both(data: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    at_once = outcome(data)
    with monkeypatch.context() as patch:
        patch.setattr(pieces, "SMALL", 20)
        return at_once, outcome(data)


@pytest.mark.parametrize("name", NAMES)
def test_our_documents_say_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, in_pieces = both((HERE / name).read_bytes(), monkeypatch)
    assert at_once == in_pieces


def test_documents_of_others_say_the_same(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = [row.file for row in rows(SHARED) if row.category in {"sarif", "spdx", "cyclonedx", "native"}]
    small = [SHARED / name for name in chosen if (SHARED / name).stat().st_size < 200_000]
    assert len(small) > 50
    for path in small:
        at_once, in_pieces = both(path.read_bytes(), monkeypatch)
        # the place of what is wrong inside a piece may be that of the whole document
        assert at_once == in_pieces or (type(at_once) is tuple and at_once[0] == in_pieces[0]), path


@pytest.mark.parametrize("name", ["trivy.sarif.json", "trivy.json", "sbom.spdx.json", "sbom.cdx.json"])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_fault_anywhere_comes_to_the_same(name: str, data: st.DataObject, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = json.loads((HERE / name).read_bytes())
    path = data.draw(st.sampled_from(list(paths(parsed))), "path")
    value = data.draw(st.sampled_from(VALUES), "value")
    text = mutated(parsed, path, value)
    if text is None:
        return
    at_once, in_pieces = both(text, monkeypatch)
    assert at_once == in_pieces or (type(at_once) is tuple and at_once[0] == in_pieces[0])
    if value is TWICE:
        assert type(in_pieces) is tuple
        assert "the same key occurs twice" in in_pieces[0]
        assert in_pieces[1] == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "a"}, {"name": "b", "name": "c"}]}', "twice"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "a"}], "packages": [{"name": "b"}]}', "twice"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "a"}], "\\u0070ackages": [{"name": "b"}]}', "twice"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": [], "relationships": [{"a:b": 1, "a\\u003ab": 2}]}', "twice"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "aaaaaaaaaaaaaaa"}], "files": [{"x": NaN}]}', "character"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "\xff aaaaaaaaaaaaaaaa"}]}', "UTF-8"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "a", "b": ' + b"[" * 600 + b"]" * 600 + b"}]}", "nested"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "a"}]} x', "trailing"),
        (b'{"spdxVersion": "SPDX-2.9", "packages": [{"name": "a"}, {"name": "b", "\xff": 1}]}', "UTF-8"),
        (b'{"results": [{"distro": "a", "distro": "b"}, {"name": "aaaaaaaaaaaaaaaaaaaa"}]}', "twice"),
        (b'{"matches": [{"x": 1, "x": 2}, {"name": "aaaaaaa"}], "descriptor": {"name": "grype"}}', "twice"),
        (b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "aaaaaaaaaaaaaaaaaa"}', "too early"),
    ],
)
def test_a_piece_is_as_strictly_read_as_the_whole(tiny: None, text: bytes, reason: str) -> None:
    del tiny
    with pytest.raises(EvidenceError, match=reason) as caught:
        formats.read(text, SOURCE)
    assert caught.value.line == 1
    with pytest.raises(strictjson.JsonError, match=reason):
        strictjson.loads(text)


def test_colons_that_are_no_signs_do_not_count(tiny: None) -> None:
    del tiny
    document = {
        "spdxVersion": "SPDX-2.3",
        "a:b": "c:d",
        "packages": [{"name": "x:y", 'q":"': "\\u003a", "v\\u003a": ":"}] * 3,
        "relationships": [{"a:": ":"}] * 3,
    }
    reading = formats.read(json.dumps(document).encode(), SOURCE)
    assert len(reading.records[0].packages.items) == 3  # type: ignore[union-attr]


def test_what_takes_memory_is_dropped_and_what_nobody_reads_is_looked_through() -> None:
    packages = [{"name": f"p{number}", "comment": "x" * 500} for number in range(2_000)]
    document = {"spdxVersion": "SPDX-2.3", "packages": packages, "relationships": [{"a": "y" * 300}] * 2_000}
    parsed = pieces.loads(json.dumps(document).encode())
    assert type(parsed.value["packages"]) is pieces.Pieces
    assert "relationships" not in parsed.value
    assert len(parsed.waiting) == 2
    assert [each["name"] for each in parsed.value["packages"]] == [f"p{number}" for number in range(2_000)]
    assert len(parsed.waiting) == 1
    parsed.finish()
    assert not parsed.waiting
