"""Reports of tests and coverage in XML, as policies ask for them in kinds of their own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.errors import EvidenceError
from policyengine.evidence import formats
from policyengine.evidence.custom import FieldSpec, read_custom
from policyengine.evidence.reading import Source, summarise

SOURCE = Source("sha256:d")

JUNIT = b"""<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="pytest tests">
  <testsuite name="pytest" errors="0" failures="1" skipped="1" tests="4" time="0.12" timestamp="2026-01-01T00:00:00">
    <testcase classname="a" name="one" time="0.1"/>
    <testcase classname="a" name="two"><failure message="assert 1 == 2">trace &lt;here&gt;</failure></testcase>
    <testcase classname="a" name="three"><skipped type="pytest.skip" message="no docker"/></testcase>
    <testcase classname="a" name="four"><system-out><![CDATA[<failure/>]]></system-out></testcase>
  </testsuite>
</testsuites>
"""
NESTED = b"""<testsuites tests="3" failures="0"><testsuite name="a"><testsuite name="b">
<testcase name="x"/><testcase name="y"><error/></testcase></testsuite><testcase name="z"/></testsuite></testsuites>"""
COBERTURA = b"""<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.9" branch-rate="0.5" lines-covered="899" lines-valid="1000" branches-covered="0"
          branches-valid="0" complexity="0" version="7.6" timestamp="1700000000000">
  <packages><package name="a" line-rate="0.1"><classes/></package></packages>
</coverage>
"""
COBERTURA_OLD = b'<coverage line-rate="0.83339" branch-rate="1" timestamp="1"><packages/></coverage>'
JACOCO = b"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">
<report name="app"><sessioninfo id="x" start="1" dump="2"/>
  <package name="a"><counter type="LINE" missed="7" covered="7"/></package>
  <counter type="INSTRUCTION" missed="10" covered="90"/>
  <counter type="BRANCH" missed="1" covered="2"/>
  <counter type="LINE" missed="1" covered="5"/>
</report>
"""


def facts(data: bytes) -> dict[str, Any]:
    return dict(formats.read(data, SOURCE).facts)


@pytest.mark.parametrize(
    ("data", "format", "expected"),
    [
        (JUNIT, "junit-xml", {"tests": 4, "failures": 1, "errors": 0, "skipped": 1, "passed": 2}),
        (NESTED, "junit-xml", {"tests": 3, "failures": 0, "errors": 1, "skipped": 0, "passed": 2}),
        (COBERTURA, "cobertura-xml", {"lines": {"covered": 899, "total": 1000, "percent": Decimal("89.90")},
                                      "branches": {"covered": 0, "total": 0}}),
        (COBERTURA_OLD, "cobertura-xml", {"lines": {"percent": Decimal("83.33")}, "branches": {"percent": 100}}),
        (JACOCO, "jacoco-xml", {"instructions": {"covered": 90, "total": 100, "percent": 90},
                                "branches": {"covered": 2, "total": 3, "percent": Decimal("66.66")},
                                "lines": {"covered": 5, "total": 6, "percent": Decimal("83.33")}}),
    ],
)  # fmt: skip
def test_what_a_report_says(data: bytes, format: str, expected: dict[str, Any]) -> None:
    reading = formats.read(data, SOURCE)
    assert (reading.kind, reading.format, reading.records) == ("other", format, ())
    assert reading.facts == expected
    assert summarise(reading)["facts"] == expected


def test_a_summary_that_flatters_is_not_believed() -> None:
    assert facts(JUNIT.replace(b'failures="1"', b'failures="0"'))["failures"] == 1
    assert facts(JUNIT.replace(b'failures="1"', b'failures="9"'))["failures"] == 9
    assert facts(JUNIT.replace(b'tests="4"', b'tests="4000"'))["tests"] == 4
    assert facts(b'<testsuite tests="5" failures="0" errors="0"/>')["passed"] == 5


FIELDS: list[FieldSpec] = [
    ("failed", "int", False, "failures"),
    ("ran", "int", False, "tests"),
]


def test_a_declared_kind_reads_the_facts() -> None:
    found = read_custom(JUNIT, "tests", FIELDS, SOURCE)
    assert found.fields == {"failed": 1, "ran": 4}
    found = read_custom(b"\xef\xbb\xbf" + JACOCO, "coverage", [("line", "decimal", False, "lines.percent")], SOURCE)
    assert found.fields == {"line": Decimal("83.33")}
    with pytest.raises(EvidenceError, match=r'has no "branches\.percent"'):
        read_custom(COBERTURA, "coverage", [("branch", "decimal", False, "branches.percent")], SOURCE)


BOMB = b'<!DOCTYPE t [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><testsuite tests="1" name="&c;"/>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (BOMB, "declares a document type with entities"),
        (b"<!DOCTYPE t [<!ELEMENT t ANY>]><testsuite tests='1'/>", "declares entities or elements"),
        (b'<!DOCTYPE t SYSTEM "file:///etc/passwd"><testsuite tests="1">&x;</testsuite>', "refers to the entity"),
        (JUNIT[:300], "the XML is broken"),
        (JUNIT.replace(b'tests="4"', b'tests="-4"'), "not a number of things"),
        (JUNIT.replace(b'tests="4"', b'tests="' + b"9" * 5_000 + b'"'), "not a number of things"),
        (JACOCO.replace(b'"BRANCH"', b'"LINE"'), "counts its lines twice"),
        (COBERTURA.replace(b'"899"', b'"1001"'), "1001 of 1000 are covered"),
        (COBERTURA_OLD.replace(b"0.83339", b"83"), "not between 0 and 1"),
        (COBERTURA_OLD.replace(b"0.83339", b"NaN"), "not between 0 and 1"),
        (b"<testsuites/>", "counts nothing"),
        (b"<coverage><x/></coverage>", "counts nothing"),
        (b"<testsuite>" * 200 + b"</testsuite>" * 200, "nested deeper"),
        (b"<html/>", "no known format"),
        (b'<testsuite xmlns="urn:x" tests="1"/>', "no known format"),
    ],
)
def test_what_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(EvidenceError, match=reason):
        formats.read(data, SOURCE)


@given(st.data())
@settings(max_examples=100)
def test_a_report_cut_or_changed_never_breaks_the_reader(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([JUNIT, NESTED, COBERTURA, JACOCO]))
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.binary(max_size=3)) + text[place + data.draw(st.integers(0, 3)) :]
    try:
        found = formats.read(changed, SOURCE)
    except EvidenceError:
        return
    assert found.facts
