"""What the checked tree says as text: the same when it is read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import parts
from policyengine.language.phrases import Phrases, literal, quoted
from policyengine.language.syntax import Span
from policyengine.language.tree import shape
from policyengine.language.types import DURATION, IDENTITY, SEVERITY, TEXT, VULNERABILITY, set_of
from tests.language.problems import program
from tests.language.samples import policy

ROOT = Path(__file__).resolve().parents[2]
CONDITIONS = (
    "finding.severity >= HIGH and finding.fix is present and finding.age > 14 days",
    'finding.title is "a \\"b\\" \\\\ \\n" or finding.title is not "b"',
    "not (finding.fix is missing or finding.suppressed)",
    "not (finding.severity is HIGH and not finding.suppressed)",
    '(finding.tool is "a" or finding.tool is "b") and (finding.tool is "c" or finding.tool is "d")',
    'finding.id in { "CVE-2024-0001", "CVE-2024-0002" } + { "CVE-2024-0003" }',
    "finding.severity not in { HIGH, CRITICAL }",
    "some v in vexes where v covers finding and v.status in { FIXED, NOT_AFFECTED }",
    "(some vex where vex covers finding) and finding.suppressed",
    "not (some vex where vex covers finding and vex.status is FIXED)",
    "at least 2 signature in image.signatures where signature.timestamped",
    'every scan where scan.tool is "trivy" satisfies scan.finished within 36 hours',
    "count(other in findings where other.id is finding.id) > 1 + 2",
    "at most limit + 1 scan",
    "no scan",
    'finding.package matches "pkg:npm/a@<2.0"',
    'finding.package.purl matches any of ["pkg:npm/*", "pkg:pypi/**"]',
    'finding.package.license permitted by allowed - { "MIT" }',
    'finding.package.license requires any of { "AGPL-3.0-only" }',
    'image.labels["team"] is "a" or image.tag matches "v*"',
    "image is not signed",
    'image is not signed by x509("CN=release")',
    'image is signed by key("sha256:' + "a" * 64 + '")',
    'image is signed by keyless(issuer: "https://a", subject: "b/*")',
    "finding.cvss otherwise 0.5 >= 7.5",
    "(finding.published otherwise image.created) + 1 day < 2026-03-01T12:00:00Z",
    "(if finding.suppressed then LOW else finding.severity end) >= MEDIUM",
    "old(finding, 3 days) and not old(finding, -1 week)",
)
ITEMS = """
param limit: int = 1
param allowed: set of license = { "MIT", "Apache-2.0" }
define old(f: finding, d: duration): bool = f.age > d
rule r deny "t"
"""


def conditions(text: str) -> Iterator[Expr]:
    """Every condition of the rules, scopes and waivers of a policy."""
    for each in program(text).policies:
        found = [part for rule in each.rules for part in (rule.when, rule.require, rule.unless)]
        found += [rule.forbid.where for rule in each.rules if rule.forbid is not None]
        found += [each.applies, each.exception, *(waiver.where for waiver in each.waivers)]
        yield from (condition for condition in found if condition is not None)


def where(condition: str, items: str = ITEMS) -> Expr:
    (rule,) = policy(f"{items}  forbid finding where {condition}").rules
    assert rule.forbid is not None
    assert rule.forbid.where is not None
    return rule.forbid.where


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_phrase_means_what_its_tree_means(text: str) -> None:
    condition = where(text)

    again = where(Phrases("p", members=99).of(condition))

    assert shape(again) == shape(condition)


@pytest.mark.parametrize("text", CONDITIONS[:-1])
def test_a_phrase_in_the_canonical_form_stays_as_it_is(text: str) -> None:
    once = Phrases("p", members=99).of(where(text))

    assert Phrases("p", members=99).of(where(once)) == once


def test_every_kind_of_expression_is_among_the_conditions() -> None:
    seen = {type(part) for text in CONDITIONS for part in parts(where(text))}
    every = {kind for kind in checked.Expr.__subclasses__() if kind not in (checked.Binding, checked.Members)}

    assert every <= seen


def test_the_conditions_of_the_example_read_as_they_were_written() -> None:
    text = (ROOT / "examples/order-api/policies/order-api.policy").read_text(encoding="utf-8")

    found = [Phrases("order-api").of(condition) for condition in conditions(text)]

    assert "finding.severity >= CRITICAL and finding.fix is present" in found
    assert 'some scan where scan.tool is "trivy" and scan.finished within 1 day' in found


# ---------------------------------------------------------------------------- names


def excerpt(text: str) -> object:
    lines = text.split("\n")
    return lambda span: lines[span.line - 1][span.column - 1 : span.end_column - 1]


NAMED = """policy p
let never = { "CVE-2024-0001", "CVE-2024-0002" }
let release = x509("CN=release")
param own: set of vulnerability = { "CVE-2024-0003" }
let banned = never + own
rule r deny "t"
  forbid finding where finding.id in never or finding.id in banned or finding.id in never + { "CVE-2024-0009" }
    or finding.severity is HIGH or finding.suppressed is true or image is signed by release
"""


def test_constants_keep_the_names_that_their_author_gave_them() -> None:
    (condition,) = conditions(NAMED)
    assert isinstance(condition, checked.Or)

    phrases = Phrases("p", excerpt(NAMED))  # type: ignore[arg-type] # a lambda

    assert [phrases.of(part) for part in condition.parts] == [
        "finding.id in never", "finding.id in banned", 'finding.id in never + { "CVE-2024-0009" }',
        "finding.severity is HIGH", "finding.suppressed is true", "image is signed by release",
    ]  # fmt: skip
    constants = [part for part in parts(condition) if isinstance(part, checked.Constant)]
    assert {phrases.of(part) for part in constants if phrases.is_name(part)} == {
        "never", 'never + { "CVE-2024-0009" }', "release",
    }  # fmt: skip


def test_a_comment_in_the_source_is_never_part_of_a_phrase() -> None:
    constant = checked.Constant(set_of(TEXT), Span("p", 1, 1, 1, 9), ("a",))

    assert Phrases("p", lambda _: "a + # { b }").of(constant) == '{ "a" }'
    assert Phrases("p", lambda _: 'a + { "#" }').of(constant) == 'a + { "#" }'
    assert Phrases("p", lambda _: "…").of(constant) == '{ "a" }'


# ---------------------------------------------------------------------------- literals


def test_large_sets_are_cut() -> None:
    ids = tuple(f"CVE-2024-{number:06}" for number in range(100_000))

    text = literal(set_of(VULNERABILITY), ids)

    assert text.startswith('{ "CVE-2024-000000", ')
    assert text.endswith("… 99994 more }")
    assert len(text) < 200


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 days"), (86400, "1 day"), (-86400, "-1 day"), (129600, "36 hours"), (90, "90 seconds"), (60, "1 minute")],
)
def test_durations_are_whole_numbers_of_one_unit(seconds: int, text: str) -> None:
    assert literal(DURATION, seconds) == text


def test_other_literals() -> None:
    assert literal(SEVERITY, None) == "UNKNOWN"
    assert literal(IDENTITY, ("keyless", "https://a", "b")) == 'keyless(issuer: "https://a", subject: "b")'
    assert quoted("a\x1b[2J\u202e") == '"a\\u{1b}[2J\\u{202e}"'
