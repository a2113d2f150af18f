"""Why something is not known, in words, and only what made the difference."""

from __future__ import annotations

from datetime import timedelta

import pytest

from policyengine.evidence.model import Collection, Finding, Image, Severity
from policyengine.language import checked
from policyengine.language.facts import facts, settled
from policyengine.language.interpreter import Interpreter
from policyengine.language.unknown import TOLD, Unknown
from policyengine.language.view import View
from tests.language.samples import AT, DAY, ONE, OUTAGE, finding, package, policy, rule, scan, vex, view, violations


def missing(clauses: str, seen: View) -> str:
    """What was not known of the one violation of a rule."""
    (violation,) = violations(clauses, seen)
    assert violation.state == "undetermined"
    assert violation.missing is not None
    return violation.missing


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("finding.severity is LOW", "finding.severity of CVE-2024-0001 in pkg:npm/a@1.0.0 is UNKNOWN"),
        ('finding.fix is "2"', "finding.fix of CVE-2024-0001 in pkg:npm/a@1.0.0 is missing"),
        ("finding.age > 1 day", "finding.published of CVE-2024-0001 in pkg:npm/a@1.0.0 is missing"),
        ("finding.cvss in { 7.0 }", "finding.cvss of CVE-2024-0001 in pkg:npm/a@1.0.0 is missing"),
        ('finding.package.supplier is "a"', "finding.package.supplier of CVE-2024-0001 in pkg:npm/a@1.0.0 is missing"),
        (
            'finding.package.license permitted by { "MIT" }',
            "finding.package.license of CVE-2024-0001 in pkg:npm/a@1.0.0 says `see LICENSE`, which names no licence",
        ),
        (
            'finding.package.license_declared permitted by { "MIT" }',
            "whether `MIT AND NOASSERTION` is permitted cannot be told",
        ),
        ('image.tag matches "a*"', "image.tag is missing"),
        ('image.labels["team"] is "a"', 'image.labels["team"] is missing'),
        ("count(scan) > 1", OUTAGE.reason),
        ("some scan where scan.finished within 1 day", OUTAGE.reason),
        ("some vex where vex covers finding", "whether the vex statement on CVE-2024-0001 covers CVE-2024-0001"),
    ],
)
def test_says_what_was_not_known(condition: str, expected: str) -> None:
    inside = package(license="see LICENSE", license_declared="MIT AND NOASSERTION")
    seen = view(
        findings=[finding(severity=None, package=inside)], scans=Collection((), (OUTAGE,)),
        vexes=[vex(products=("pkg:npm/a@1.0.0?arch=arm64",))],
    )  # fmt: skip

    assert missing(f"forbid finding where {condition}", seen).startswith(expected)


def test_a_date_in_the_future_is_told_as_such() -> None:
    assert missing("forbid finding where finding.age > 1 day", view(findings=[finding(age=-DAY)])) == (
        "finding.published of CVE-2024-0001 lies in the future"
    )
    ahead = view(scans=[scan(finished=AT + timedelta(hours=1))])
    assert missing("require every scan satisfies scan.finished within 1 day", ahead) == (
        "scan.finished of scan by trivy lies in the future: 2026-03-01T01:00:00Z"
    )


def test_tells_only_what_made_the_outcome_unknown() -> None:
    seen = view(findings=[finding(severity=None)])

    told = missing('forbid finding where finding.severity >= HIGH and (finding.tool is "" or finding.fix is "2")', seen)

    assert told == "finding.severity of CVE-2024-0001 is UNKNOWN"


def test_tells_all_that_made_the_outcome_unknown_once() -> None:
    seen = view(findings=[finding(severity=None)], scans=Collection((), (ONE,)))
    condition = 'finding.severity is LOW and finding.severity is not HIGH and finding.fix is "2" and some scan'

    assert missing(f"forbid finding where {condition}", seen).split("; ") == [
        "finding.severity of CVE-2024-0001 is UNKNOWN", "finding.fix of CVE-2024-0001 is missing", ONE.reason,
    ]  # fmt: skip


def test_thousands_of_reasons_make_one_readable_sentence() -> None:
    many = [finding(f"CVE-2024-{n:05}", severity=None) for n in range(1000, 3000)]
    seen = view(findings=Collection(tuple(many), (OUTAGE,)))

    told = missing("require every finding satisfies finding.severity < HIGH", seen)

    assert told.startswith(OUTAGE.reason)
    assert told.count("; ") == TOLD
    assert told.endswith(f"and {2001 - TOLD} more")


def test_every_part_of_a_condition_can_be_explained() -> None:
    subject = rule('forbid finding where finding.severity >= HIGH and not (finding.fix is "2")')
    interpreter = Interpreter(subject, view(), settled(facts(subject), {}, None))
    where = subject.rules[0].forbid
    assert where is not None
    assert where.where is not None

    steps = interpreter.steps(where.where, {"finding": Finding(("CVE-2024-0001",), Severity.CRITICAL)})

    values = {type(step.expr).__name__: step.value for step in steps}
    assert isinstance(steps[0].expr, checked.And)
    assert isinstance(steps[0].value, Unknown)
    assert values["Compare"] is True
    assert str(values["Not"]) == "finding.fix of CVE-2024-0001 is missing"


def test_steps_leave_out_what_has_locals_of_its_own() -> None:
    subject = policy('rule r deny "t" require some scan where scan.tool is "trivy"')
    interpreter = Interpreter(subject, view(scans=[scan()]), {})
    require = subject.rules[0].require
    assert require is not None

    assert [type(step.expr).__name__ for step in interpreter.steps(require, {})] == [
        "Quantified",
        "Collected",
        "Constant",
    ]


def test_asks_each_collection_once_for_what_needs_no_element() -> None:
    """Two hundred undetermined findings, each beside a count of all: not forty thousand looks at a finding."""

    class Counting(View):
        asked = 0

        def collection(self, name: str) -> Collection[object]:
            Counting.asked += 1
            return super().collection(name)

    items = tuple(finding(f"CVE-2024-{n:05}", severity=None) for n in range(1000, 1200))
    seen = Counting(Image("sha256:i"), {"findings": Collection(items)}, AT)

    found = violations("forbid finding where finding.severity is HIGH and count(finding in findings) > 1", seen)

    assert len(found) == 200
    assert Counting.asked < 20
