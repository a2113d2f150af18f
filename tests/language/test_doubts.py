"""What can make a rule undetermined: nothing is left out, and nothing is named that the text has ruled out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from policyengine.language import checked
from policyengine.language.doubts import Doubts
from policyengine.language.interpreter import interpret
from policyengine.language.meaning import asked
from policyengine.language.phrases import Phrases
from policyengine.language.view import View
from tests.language.chance import policies
from tests.language.samples import policy
from tests.language.views import views

NO_SCAN = "no usable scan is there, or one cannot be read"
NO_VEX = "no usable vex is there, or one cannot be read"
FINDING = "rule r deny 't' forbid finding where ".replace("'", '"')


def doubts(text: str, items: str = "") -> list[str]:
    """The doubts of the first rule."""
    subject = policy(f"{items}\n{text}")
    return list(Doubts(subject, Phrases("p")).of(*asked(subject.rules[0])))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("finding.severity >= HIGH", ["finding.severity is UNKNOWN"]),
        ("finding.age > 14 days", ["finding.published is missing, or lies in the future"]),
        ('finding.fix is "1"', ["finding.fix is missing"]),
        ("finding.fix is present", []),
        ('finding.fix is present and finding.fix is "1"', []),
        ('finding.fix is missing or finding.fix is "1"', []),
        ('finding.fix is missing and finding.fix is "1"', ["finding.fix is missing"]),
        ('finding.fix is present or finding.fix is "1"', ["finding.fix is missing"]),
        ('(finding.fix otherwise "") is "1"', []),
        ('(finding.fix otherwise finding.title) is "1"', ["finding.title is missing"]),
        ("finding.tool is \"a\"", []),
        ('finding.package.name is "a"', ["finding.package is missing"]),
        ('finding.package is present and finding.package.name is "a"', []),
        (
            'finding.package.license permitted by { "MIT" }',
            [
                "finding.package is missing", "finding.package.license is missing, or names no licence",
                "finding.package.license leaves open what it permits",
            ],
        ),
        (
            'finding.package matches "pkg:npm/a@<1"',
            ["finding.package is missing", "finding.package has no package URL, or no version that can be compared"],
        ),
        ('image.labels["team"] is "a"', ['image.labels["team"] is missing']),
        ("image is signed", ["not all signatures of image can be had"]),
        (
            "image.created within 3 days",
            ["image.created is missing", "image.created lies more than 5 minutes in the future"],
        ),
        (
            "some vex where vex covers finding",
            [NO_VEX, "the products of vex and the package of finding cannot be compared"],
        ),
        ("count(other in findings where other.suppressed) > 1", []),
        ("old(finding)", ["finding.published is missing, or lies in the future"]),
        ("finding.severity is UNKNOWN", ["finding.severity is UNKNOWN", "nothing compares with UNKNOWN"]),
    ],
)  # fmt: skip
def test_says_what_can_be_unknown(condition: str, expected: list[str]) -> None:
    items = "define old(f: finding): bool = f.age > 3 days"

    assert doubts(FINDING + condition, items) == [NO_SCAN, *expected]


def test_an_assumed_severity_is_no_doubt() -> None:
    assert doubts(FINDING + "finding.severity is HIGH", "assume severity UNKNOWN is HIGH") == [NO_SCAN]


def test_a_guard_and_an_excuse_leave_nothing_undetermined() -> None:
    clauses = 'when image.tag is "a" require image.size < 5 unless some vex where vex.author is "me"'

    assert doubts(f'rule r deny "t" {clauses}') == []


def test_what_is_present_outside_a_quantifier_is_not_present_inside() -> None:
    condition = 'finding.fix is present and (some finding in findings where finding.fix is "1")'

    assert "finding.fix is missing" in doubts(FINDING + condition)


def test_a_declared_kind_has_its_own_doubts() -> None:
    kind = 'evidence coverage from "a/b" { percent: decimal branch: text optional }'

    rule = 'rule r deny "t" require some coverage where coverage.percent > 80 and coverage.branch is "main"'

    assert doubts(rule, kind) == [
        "no usable coverage is there, or one cannot be read", "coverage.branch is missing",
    ]  # fmt: skip


@settings(max_examples=100)
@given(policies(), views())
def test_a_rule_without_doubts_is_never_undetermined(subject: checked.Policy, seen: View) -> None:
    found = Doubts(subject, Phrases("p"))
    certain = [not found.of(*asked(rule)) for rule in subject.rules]

    states = [rule.status for rule in interpret(subject, seen, {}).rules]

    assert "undetermined" not in [state for state, sure in zip(states, certain, strict=False) if sure]
