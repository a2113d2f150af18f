"""Why a rule says what it says: the values that it rests on, and what would turn it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from policyengine.evidence.model import Collection, Severity
from policyengine.language import checked
from policyengine.language.explaining import CaseExplanation, Explaining, RuleExplanation
from policyengine.language.interpreter import Interpreter, interpret
from policyengine.language.meaning import Meanings
from policyengine.language.sentences import Sentence
from policyengine.language.view import View
from tests.language.chance import policies
from tests.language.samples import DAY, ONE, finding, package, policy, scan, signature, vex, view
from tests.language.views import views


def explained(text: str, seen: View, limit: int | None = None, **given: Any) -> RuleExplanation:
    """The first rule of a policy."""
    return Explaining(policy(text), seen, given).policy_explanation(limit=limit).rules[0]


def case(clauses: str, seen: View, items: str = "") -> CaseExplanation:
    """The one violation of a rule."""
    (found,) = explained(f'{items}\nrule r deny "t"\n  {clauses}', seen).cases
    return found


def changes(clauses: str, seen: View, items: str = "") -> tuple[str, ...]:
    return case(clauses, seen, items).changes


def lines(sentence: Sentence | None, depth: int = 0) -> list[str]:
    """A tree as indented lines with its values."""
    if sentence is None:
        return []
    told = ", ".join(f"{each.text}={each.value}" for each in sentence.told)
    head = f"{'  ' * depth}{sentence.value or '-'} {sentence.text}{f' [{told}]' if told else ''}"
    return [head, *(line for part in sentence.parts for line in lines(part, depth + 1))]


# ---------------------------------------------------------------------------- values


def test_each_part_is_told_with_its_value_and_what_it_rests_on() -> None:
    found = case(
        "forbid finding where finding.severity >= HIGH and (finding.fix is present or finding.age > grace)",
        view(findings=[finding(fix="1.2")]), "param grace: duration = 14 days",
    )  # fmt: skip

    assert lines(found.condition) == [
        "true all of these hold",
        "  true finding.severity >= HIGH [finding.severity=HIGH]",
        "  true any of these holds",
        "    true finding.fix is present [finding.fix=1.2]",
        "    unknown finding.age > grace [finding.age=missing, grace=14 days]",
    ]
    assert found.condition is not None
    assert found.condition.parts[1].parts[1].why == ("finding.published of CVE-2024-0001 is missing",)


def test_a_quantifier_names_the_elements_that_decide() -> None:
    seen = view(scans=[scan("trivy"), scan("grype", digest="sha256:g")])

    found = case('require every scan satisfies scan.tool is "trivy"', seen)

    assert lines(found.condition) == [
        'false every scan satisfies scan.tool is "trivy" [scans=2 elements]',
        "  false scan by grype",
        '    false scan.tool is "trivy" [scan.tool=grype]',
    ]


def test_a_function_is_opened_in_terms_of_its_arguments() -> None:
    items = "define old(f: finding, d: duration): bool = f.age > d"

    found = case("forbid finding where old(finding, 3 days)", view(findings=[finding(age=4 * DAY)]), items)

    assert lines(found.condition) == [
        "true old(finding, 3 days)",
        "  true finding.age > 3 days [finding.age=4 days]",
    ]


def test_signers_products_and_versions_are_told() -> None:
    image = view().image
    seen = View(type(image)("sha256:i", signatures=Collection((signature(),))), view().collections, view().at)
    assert lines(case('require image is signed by x509("CN=other")', seen).condition) == [
        'false image is signed by x509("CN=other") [image.signatures=C=US, O=acme, CN=release]'
    ]
    inside = package()
    seen = view(findings=[finding(package=inside)], vexes=[vex(status="AFFECTED")])
    text = "\n".join(
        lines(case("forbid finding unless some vex where vex covers finding and vex.status is FIXED", seen).excuse)
    )
    assert "vex.products=pkg:npm/a, finding.id=CVE-2024-0001, finding.package=pkg:npm/a@1.0.0" in text
    assert "false vex.status is FIXED [vex.status=AFFECTED]" in text


def test_what_a_collection_lacks_is_told() -> None:
    found = explained('rule r deny "t" forbid finding', view(findings=Collection((), (ONE,))))

    (gap,) = found.cases
    assert (gap.condition, gap.violation.missing) == (None, ONE.reason)


def test_a_rule_that_counts_shows_how_many_and_which() -> None:
    many = [finding(f"CVE-2024-{n:04}") for n in range(1, 6)]

    found = case(
        "forbid more than limit finding where finding.severity is HIGH", view(findings=many), "param limit: int = 2"
    )

    assert lines(found.condition)[:3] == [
        "true more than limit finding [counted=5, limit=2]", "  - CVE-2024-0001",
        "    true finding.severity is HIGH [finding.severity=HIGH]",
    ]  # fmt: skip
    assert found.changes == ("3 fewer of them count",)


def test_a_rule_that_holds_says_at_how_many_it_looked() -> None:
    found = explained(
        'rule r deny "t" forbid finding where finding.suppressed', view(findings=[finding(), finding("CVE-2024-2222")])
    )

    assert (found.result.status, found.looked, found.cases) == ("passed", 2, ())


def test_a_demand_on_the_image_that_holds_shows_its_values() -> None:
    found = explained('rule r deny "t" require image.size < 5', view())

    assert lines(found.condition) == ["true image.size < 5 [image.size=0]"]


def test_a_guard_says_why_a_rule_does_not_apply() -> None:
    found = explained('rule r deny "t" when image.size > 5 require image is signed', view())

    assert found.result.status == "not-applicable"
    assert lines(found.guard) == ["false image.size > 5 [image.size=0]"]
    assert found.condition is None


def test_a_policy_that_does_not_apply_says_why() -> None:
    text = 'applies to image where image.repository matches "a/**"\nrule r deny "t" require image is signed'

    found = Explaining(policy(text), view(), {}).policy_explanation()

    assert (found.applies, found.rules) == (False, ())
    assert lines(found.scope) == ['false image.repository matches "a/**" [image.repository=]']


@pytest.mark.parametrize(
    ("waiver", "state"),
    [
        ('where finding.id is "CVE-2024-0001"', "covers"),
        ('where finding.id is "CVE-2024-0002"', "other"),
        ('where finding.fix is "1"', "other"),
    ],
)
def test_each_waiver_says_whether_it_covers(waiver: str, state: str) -> None:
    text = f'rule r deny "t" forbid finding\nwaive r for finding {waiver} owner "o" reason "r" expires 2026-03-01'

    (found,) = explained(text, view(findings=[finding()])).cases

    assert [(pardon.owner, pardon.state) for pardon in found.pardons] == [("o", state)]


def test_an_expired_waiver_and_an_undetermined_violation_are_told_apart() -> None:
    text = (
        'rule r deny "t" forbid finding where finding.severity is HIGH\n'
        'waive r for finding where finding.tool is "" owner "old" reason "r" expires 2026-02-28\n'
        'waive r for finding where finding.tool is "" owner "new" reason "r" expires 2026-03-01'
    )

    (found,) = explained(text, view(findings=[finding(severity=None)])).cases

    assert [(pardon.owner, pardon.state) for pardon in found.pardons] == [("old", "expired"), ("new", "undetermined")]


def test_only_the_first_violations_are_looked_into() -> None:
    seen = view(findings=[finding(f"CVE-2024-{n:04}") for n in range(1, 9)])

    found = explained('rule r deny "t" forbid finding', seen, limit=2)

    assert (len(found.cases), found.violations) == (2, 8)


def test_a_rule_that_cannot_be_evaluated_is_explained_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RecursionError("too deep")

    monkeypatch.setattr(Interpreter, "_missing", broken)
    found = explained('rule r deny "t" forbid finding where finding.fix is missing', view(findings=[finding()]))

    (only,) = found.cases
    assert only.violation.missing == "the rule could not be evaluated: RecursionError: too deep"
    assert only.condition is None


# ---------------------------------------------------------------------------- what would turn it


def test_a_field_of_few_values_is_tried_with_every_one() -> None:
    seen = view(findings=[finding(severity=Severity.CRITICAL, fix="1")])

    assert changes("forbid finding where finding.severity >= HIGH and finding.fix is present", seen) == (
        "finding.severity is below HIGH", "finding.fix is missing",
    )  # fmt: skip
    assert changes("forbid finding where finding.severity is CRITICAL or finding.severity is LOW", seen) == (
        "finding.severity is NONE, MEDIUM or HIGH",
    )  # fmt: skip
    assert changes("forbid finding where finding.severity > LOW and not finding.suppressed", seen) == (
        "finding.severity is below MEDIUM", "finding.suppressed is true",
    )  # fmt: skip


def test_nothing_is_named_that_would_not_turn_it_alone() -> None:
    seen = view(findings=[finding(severity=Severity.CRITICAL, fix="1")])

    assert changes("forbid finding where finding.severity >= HIGH or finding.fix is present", seen) == ()
    both = 'forbid finding where finding.severity >= HIGH and (finding.fix is present or finding.tool is "")'
    assert changes(both, seen) == ("finding.severity is below HIGH",)


def test_parts_that_look_at_one_field_are_not_supposed_apart() -> None:
    """Another fix would break one part and keep the other: only its absence is certain to help."""
    condition = 'finding.fix is not "0" and finding.fix is not "" and finding.tool is ""'

    assert changes(f"forbid finding where {condition}", view(findings=[finding(fix="1")])) == (
        'finding.tool is not ""',
    )  # fmt: skip


def test_an_undetermined_violation_is_settled_by_what_is_missing() -> None:
    seen = view(findings=[finding(severity=None)])

    assert changes('forbid finding where finding.severity >= HIGH and finding.tool is ""', seen) == (
        "finding.severity is below HIGH", 'finding.tool is not ""',
    )  # fmt: skip


def test_an_excuse_would_turn_it() -> None:
    seen = view(findings=[finding(package=package())], vexes=Collection())
    clauses = "forbid finding where finding.severity is HIGH unless some vex where vex covers finding"

    assert changes(clauses, seen) == (
        "finding.severity is NONE, LOW, MEDIUM or CRITICAL",
        "some vex where vex covers finding",
    )


def test_comparisons_are_turned_round() -> None:
    seen = view(findings=[finding(age=timedelta(days=20))])

    assert changes('forbid finding where finding.age > 14 days and finding.tool is ""', seen) == (
        "finding.age <= 14 days", 'finding.tool is not ""',
    )  # fmt: skip


def test_a_finding_that_is_reported_twice_is_not_turned_by_a_change_of_one_report() -> None:
    twice = Collection((finding(), finding()), (), (0, 0))

    (found,) = explained('rule r deny "t" forbid finding where finding.severity is HIGH', view(findings=twice)).cases

    assert found.changes == ()


def test_what_a_quantifier_looks_through_is_not_changed_in_one_element() -> None:
    condition = "finding.severity is HIGH and count(other in findings where other.severity is HIGH) > 0"

    assert changes(f"forbid finding where {condition}", view(findings=[finding()])) == ()


def test_of_a_single_condition_nothing_is_said_that_it_says_itself() -> None:
    assert changes("require image is signed", view()) == ()


def test_a_name_within_the_rule_may_hide_one_around_it() -> None:
    seen = view(findings=[finding(severity=Severity.CRITICAL)], packages=[package()])
    clauses = 'for each x in findings where x.severity is CRITICAL forbid x in packages where x.name is "{}"'
    found = case(clauses.format(package().name), seen)

    assert lines(found.chosen) == ["true x.severity is CRITICAL [x.severity=CRITICAL]"]
    assert found.condition is not None
    assert found.condition.value == "true"
    assert found.changes == ()


# ---------------------------------------------------------------------------- laws


@settings(max_examples=100)
@given(policies(), views())
def test_an_explanation_says_what_the_decision_says(subject: checked.Policy, seen: View) -> None:
    outcome = interpret(subject, seen, {})
    found = Explaining(subject, seen, {}).policy_explanation()
    meanings = Meanings(subject).policy_meaning().rules

    assert found.applies == outcome.applies
    assert [rule.result for rule in found.rules] == list(outcome.rules)
    for rule, meaning in zip(found.rules, meanings, strict=False):
        for each in rule.cases:
            assert each.violation.state == "violated" or meaning.doubts
            if each.condition is not None:
                firing = "false" if meaning.demanded == "require" else "true"
                assert each.condition.value in (firing, "unknown")
                assert each.violation.state == "undetermined" or each.condition.value == firing
