"""Documents broken in any one place: never another exception, never a finding or package lost without a word."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.errors import EvidenceError
from policyengine.evidence import formats
from policyengine.evidence.model import Sbom, Scan
from policyengine.evidence.reading import Reading, Source
from tests.evidence.index import rows
from tests.evidence.mutations import REMOVED, TWICE, VALUES, moved, mutated, paths
from tests.evidence.samples import good

HERE = Path(__file__).parent / "documents"
SOURCE = Source("sha256:" + "1" * 64)

ABSENCE_SAYS_NONE = {"Results", "Vulnerabilities"}
"""Trivy's JSON leaves these out where there is nothing: their removal makes another good document."""


@cache
def document(name: str) -> tuple[Any, list[Any], int]:
    data = (HERE / name).read_bytes()
    parsed = json.loads(data)
    return parsed, list(paths(parsed)), accounted(formats.read(data, SOURCE))


def accounted(reading: Reading) -> int:
    """How many elements a reading holds or knows to be missing; a gap of many holds any number."""
    count = 0
    for record in reading.records:
        if isinstance(record, Scan):
            found: Any = record.findings
        elif isinstance(record, Sbom):
            found = record.packages
        else:
            continue
        if any(gap.many for gap in found.gaps):
            return 10**9
        count += len(found.items) + len(found.gaps)
    return count


@pytest.mark.parametrize(
    "name", ["trivy.sarif.json", "trivy.json", "sbom.spdx.json", "sbom.cdx.json", "syft.spdx.json"]
)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_nothing_is_lost_in_silence(name: str, data: st.DataObject) -> None:
    parsed, places, whole = document(name)
    path = data.draw(st.sampled_from(places), "path")
    value = data.draw(st.sampled_from(VALUES), "value")
    text = mutated(parsed, path, value)
    if text is None:
        return
    try:
        reading = formats.read(text, SOURCE)
    except EvidenceError:
        return
    assert value is not TWICE
    removed_element = value is REMOVED and isinstance(path[-1], int)
    absent = value in (REMOVED, None) and path[-1] in ABSENCE_SAYS_NONE
    if not removed_element and not absent:
        assert accounted(reading) >= whole


@pytest.mark.parametrize("name", ["sbom.spdx", "syft.spdx"])
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_lines_of_tag_value(name: str, data: st.DataObject) -> None:
    raw = (HERE / name).read_bytes()
    whole = accounted(formats.read(raw, SOURCE))
    lines = raw.split(b"\n")
    place = data.draw(st.integers(0, len(lines) - 1))
    line = lines[place]
    changed = data.draw(st.sampled_from([[], [line, line], [line[: len(line) // 2]], [b"\xff" + line], [b"<text>"]]))
    try:
        reading = formats.read(b"\n".join([*lines[:place], *changed, *lines[place + 1 :]]), SOURCE)
    except EvidenceError:
        return
    assert accounted(reading) >= whole


@given(data=st.binary(max_size=200) | st.sampled_from(sorted(path.name for path in HERE.iterdir())).map(str.encode))
@settings(max_examples=100)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError):
        formats.read(data, SOURCE)


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.iterdir() if path.suffix != ".md"))
@given(cut=st.floats(0, 0.999))
@settings(max_examples=20, deadline=None)
def test_half_a_document_is_refused(name: str, cut: float) -> None:
    data = (HERE / name).read_bytes().rstrip()
    part = data[: int(len(data) * cut)]
    if name.endswith(".json"):
        with pytest.raises(EvidenceError) as caught:
            formats.read(part, SOURCE)
        assert caught.value.line is not None
        return
    with suppress(EvidenceError):  # a text of lines has no end that could be missed
        formats.read(part, SOURCE)


# Every format ---------------------------------------------------------------------------------------

MAY_BE_ABSENT = {
    *ABSENCE_SAYS_NONE, "vulnerabilities", "suppressedVulnerabilities", "skipped_checks", "license_violations",
    "metadata", "component", "components", "vulns", "vulnerabilitiesRefs",
}  # fmt: skip
"""What some format leaves out where there is nothing, though another one may not."""


def survives(data: bytes, mutations: int, seed: str) -> None:
    """Break `data` in `mutations` places chosen by `seed`: each is refused, or nothing is lost in silence."""
    parsed, random = json.loads(data), Random(seed)
    places, whole = list(paths(parsed)), accounted(formats.read(data, SOURCE))
    for _ in range(mutations):
        path, value = random.choice(places), random.choice(VALUES)
        text = mutated(parsed, path, value)
        refusals(moved(parsed, path, random.choice(places)))
        reading = refusals(text)
        if reading is None:
            continue
        assert value is not TWICE, path
        removed_element = value is REMOVED and isinstance(path[-1], int)
        absent = value in (REMOVED, None) and path[-1] in MAY_BE_ABSENT
        assert removed_element or absent or accounted(reading) >= whole, (path, value)


def refusals(text: bytes | None) -> Reading | None:
    """The reading of `text`, where there is one."""
    if text is None:
        return None
    with suppress(EvidenceError):
        return formats.read(text, SOURCE)
    return None


@pytest.mark.parametrize("family", ["sarif", "reports", "sboms"])
def test_no_format_loses_anything_in_silence(family: str) -> None:
    for number, data in enumerate(good()[family]):
        if data[:1] in (b"{", b"["):
            survives(data, 60, f"{family} {number}")


def test_real_documents_lose_nothing_in_silence(shared: Path) -> None:
    folder = shared / "data" / "evidence"
    chosen = [row.file for row in rows(folder) if row.category in {"sarif", "spdx", "cyclonedx", "native"}]
    small = [path for name in chosen if (path := folder / name).stat().st_size < 60_000]
    assert len(small) > 30
    for path in small:
        data = path.read_bytes()
        if data[:1] in (b"{", b"[") and refusals(data) is not None:
            survives(data, 5, path.name)
