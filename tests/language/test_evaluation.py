"""What rules, waivers and environments come to (language reference, sections 4 and 7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policyengine.errors import UsageError
from policyengine.evidence.model import Collection, Finding, Gap, Image, Scan, Severity, Signature
from tests.language.samples import (
    AT,
    DAY,
    MANY,
    ONE,
    OUTAGE,
    decision,
    evaluate,
    finding,
    policy,
    result,
    scan,
    state,
    view,
    violations,
)

LOW, MEDIUM, HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH


# ---------------------------------------------------------------------------- clauses of rules


def test_a_guard_that_is_false_takes_the_rule_away_and_an_unknown_one_does_not() -> None:
    clauses = "when some finding where finding.age > 1 day\n  forbid finding where finding.severity is HIGH"

    assert state(clauses, view(findings=[finding(age=timedelta(hours=1))])) == "not-applicable"
    assert state(clauses, view(findings=[finding()])) == "violated"


def test_an_unknown_excuse_does_not_excuse() -> None:
    clauses = "forbid finding where finding.severity is HIGH\n  unless finding.age < 7 days"

    assert state(clauses, view(findings=[finding(age=DAY)])) == "passed"
    assert state(clauses, view(findings=[finding()])) == "violated"


def test_an_excuse_for_all_elements_covers_the_unseen_ones() -> None:
    seen = view(image=Image("sha256:i", tag="x"), findings=Collection((finding(),), (MANY,)))

    assert state('forbid finding unless image.tag is "x"', seen) == "passed"
    assert state('forbid finding unless image.tag is "y"', seen) == "violated"
    assert [v.state for v in violations("forbid finding unless finding.severity is HIGH", seen)] == ["undetermined"]


def test_an_element_that_may_belong_makes_its_violation_undetermined() -> None:
    clauses = "for each finding in findings where finding.age > 1 day\n  require finding.fix is present"

    assert [v.state for v in violations(clauses, view(findings=[finding()]))] == ["undetermined"]
    assert [v.state for v in violations(clauses, view(findings=[finding(age=2 * DAY)]))] == ["violated"]
    assert violations(clauses, view(findings=[finding(fix="2")])) == ()


def test_each_with_forbid_looks_at_the_elements_of_each() -> None:
    clauses = (
        'for each scan in scans where scan.tool is "trivy"\n'
        "  forbid finding in scan.findings where finding.severity is HIGH"
    )
    inner = Collection((finding(), finding("CVE-2024-0002", severity=LOW)), (ONE,))

    found = violations(clauses, view(scans=[scan(findings=inner), scan("grype", findings=inner)]))

    assert [(v.element, v.state) for v in found] == [("CVE-2024-0001", "violated"), (None, "undetermined")]
    assert found[0].evidence == ("sha256:s",)


def test_counting_names_the_span_of_what_is_unknown() -> None:
    clauses = 'forbid more than 5 finding where finding.severity >= HIGH\n  message "{count} of 5"'
    known = [finding(f"CVE-2024-000{n}") for n in range(4)]
    unknown = [finding(f"CVE-2024-010{n}", severity=None) for n in range(3)]

    (violation,) = violations(clauses, view(findings=known + unknown))

    assert (violation.message, violation.state, violation.element) == ("4 to 7 of 5", "undetermined", None)
    assert violation.missing is not None
    assert violation.missing.startswith("4 to 7; finding.severity of CVE-2024-0100 is UNKNOWN")


def test_counting_beside_a_gap_has_no_upper_end() -> None:
    clauses = 'forbid more than 1 finding where finding.severity >= HIGH\n  message "{count}"'

    (below,) = violations(clauses, view(findings=Collection((finding(),), (OUTAGE,))))
    (above,) = violations(clauses, view(findings=Collection((finding(), finding("CVE-2024-0002")), (OUTAGE,))))

    assert (below.message, below.state, below.outside, below.retry) == ("at least 1", "undetermined", True, True)
    assert (above.message, above.state, above.outside, above.missing) == ("at least 2", "violated", False, None)


def test_an_excuse_for_all_elements_spares_a_count_too() -> None:
    clauses = 'forbid more than {} finding unless image.tag is "x"'
    seen = view(image=Image("sha256:i", tag="x"), findings=Collection((finding(),), (MANY,)), scans=[scan()])

    assert state(clauses.format(0), seen) == "passed"
    assert state(clauses.format("count(scan where scan.finished within 1 day)"), seen) == "passed"
    assert state(clauses.format(-1), seen) == "passed"


def test_an_element_that_may_belong_makes_what_is_in_it_undetermined() -> None:
    clauses = "for each scan in scans where scan.finished within 1 day\n  forbid finding in scan.findings"
    inner = Collection((finding(),))

    (violation,) = violations(clauses, view(scans=[scan(findings=inner)]))
    assert (violation.state, violation.missing) == ("undetermined", "scan.finished of scan by trivy is missing")
    (violation,) = violations(clauses, view(scans=[scan(findings=inner, finished=AT)]))
    assert violation.state == "violated"


def test_a_gap_among_the_elements_of_each_is_undetermined_unless_all_are_excused() -> None:
    clauses = 'for each scan in scans\n  forbid finding in scan.findings\n  unless image.tag is "x"'
    scans: Collection[Scan] = Collection((), (OUTAGE,))

    (violation,) = violations(clauses, view(scans=scans))
    assert (violation.state, violation.missing, violation.outside) == ("undetermined", OUTAGE.reason, True)
    assert violations(clauses, view(image=Image("sha256:i", tag="x"), scans=scans)) == ()
    assert [v.state for v in violations(clauses.replace("image.tag", "scan.tool"), view(scans=scans))] == [
        "undetermined"
    ]


def test_an_unknown_limit_is_undetermined() -> None:
    (violation,) = violations("forbid more than count(scan where scan.finished within 1 day) finding", view(
        findings=[finding()], scans=[scan()]
    ))  # fmt: skip

    assert violation.state == "undetermined"
    assert violation.missing == "scan.finished of scan by trivy is missing"


def test_counting_for_each_has_one_violation_per_element() -> None:
    clauses = 'for each scan in scans\n  forbid more than 1 finding in scan.findings\n  message "{scan.tool}: {count}"'
    two, one = Collection((finding(), finding("CVE-2024-0002"))), Collection((finding(),))

    found = violations(clauses, view(scans=[scan("trivy", findings=two), scan("grype", findings=one)]))

    assert [(v.message, v.element, v.evidence) for v in found] == [("trivy: 2", "scan by trivy", ("sha256:s",))]


# ---------------------------------------------------------------------------- one finding, reported twice


def test_a_repeated_finding_counts_once_and_fires_when_any_of_them_does() -> None:
    twice = Collection((finding(severity=LOW), finding(severity=HIGH, document="sha256:2")), (), (0, 0))

    (violation,) = violations("forbid finding where finding.severity >= HIGH", view(findings=twice))

    assert (violation.state, violation.evidence) == ("violated", ("sha256:2",))
    assert state("forbid more than 1 finding where finding.severity >= LOW", view(findings=twice)) == "passed"
    assert state("require at least 2 finding", view(findings=twice)) == "violated"


def test_the_certain_one_of_a_repeated_finding_is_told() -> None:
    twice = Collection((finding(severity=None), finding(severity=HIGH)), (), (0, 0))

    assert [v.state for v in violations("forbid finding where finding.severity >= HIGH", view(findings=twice))] == [
        "violated"
    ]


def test_a_waived_finding_does_not_hide_its_undetermined_twin() -> None:
    subject = policy(
        'rule r deny "t" forbid finding where finding.severity >= HIGH\n'
        'waive r for finding where finding.id is "CVE-2024-0001" owner "o" reason "r" expires 2026-12-31'
    )

    alone = view(findings=[finding(severity=None)])
    twins = view(findings=Collection((finding(), finding(severity=None)), (), (0, 0)))

    assert decision(subject, view(findings=[finding()])) == "allow"
    assert decision(subject, alone) == "deny"
    assert decision(subject, twins) == "deny"


def test_counting_for_a_repeated_finding_has_one_violation_and_the_certain_one() -> None:
    twice = Collection((finding(), finding(fix="2")), (), (0, 0))
    clauses = 'for each finding in findings where finding.fix is "2"\n  forbid more than 0 scan'

    assert [v.state for v in violations(clauses, view(findings=twice, scans=[scan()]))] == ["violated"]


def test_joining_collections_keeps_what_is_repeated() -> None:
    twice = Collection((finding(severity=LOW), finding(severity=HIGH)), (), (0, 0))
    clauses = "require count(finding in findings + findings) is 2"

    assert state(clauses, view(findings=twice)) == "passed"


# ---------------------------------------------------------------------------- waivers


WAIVED = """
rule r deny "t" forbid finding where finding.severity >= HIGH
waive r for finding where finding.fix is "2" owner "o" reason "why" ticket "T-1" expires 2026-09-30
"""


@pytest.mark.parametrize(
    ("at", "expected"),
    [(datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC), "used"), (datetime(2026, 10, 1, tzinfo=UTC), "expired")],
)
def test_a_waiver_lasts_to_the_end_of_its_day(at: datetime, expected: str) -> None:
    outcome = evaluate(policy(WAIVED), view(at, findings=[finding(fix="2")]))

    (waiver,) = outcome.waivers
    assert waiver.state == expected
    assert outcome.rules[0].status == ("waived" if expected == "used" else "violated")
    assert waiver.covers == (1 if expected == "used" else 0)


@pytest.mark.parametrize(
    "found",
    [finding(), finding(fix="3"), finding(fix="2", severity=None)],
    ids=["the condition is unknown", "it is false", "the violation is undetermined"],
)
def test_a_waiver_that_may_not_fit_does_not(found: Finding) -> None:
    outcome = evaluate(policy(WAIVED), view(findings=[found]))

    assert [v.waiver for v in outcome.rules[0].violations] == [None]
    assert outcome.waivers[0].state == "unused"


def test_a_waived_element_does_not_count() -> None:
    subject = policy(WAIVED.replace("forbid finding", "forbid more than 1 finding"))
    two = [finding("CVE-2024-0001", fix="2"), finding("CVE-2024-0002")]

    outcome = evaluate(subject, view(findings=two))

    assert outcome.rules[0].status == "passed"
    assert (outcome.waivers[0].state, outcome.waivers[0].covers) == ("used", 1)
    assert decision(subject, view(findings=[*two, finding("CVE-2024-0003")])) == "deny"


def test_a_rule_without_elements_is_waived_for_the_image() -> None:
    subject = policy(
        'rule r deny "t" require image is signed\n'
        'waive r for image where image.repository is "a" owner "o" reason "r" expires 2026-12-31'
    )

    assert decision(subject, view(image=Image("sha256:i", repository="a"))) == "allow"
    assert decision(subject, view(image=Image("sha256:i", repository="b"))) == "deny"
    doubt: Collection[Signature] = Collection((), (Gap("signatures could not be fetched"),))
    assert decision(subject, view(image=Image("sha256:i", repository="a", signatures=doubt))) == "deny"


# ---------------------------------------------------------------------------- scope, environments, parameters


def test_outside_of_its_scope_a_policy_says_nothing() -> None:
    subject = policy(
        'applies to image where image.tag is "a" except where image.user is "b"\nrule r deny "t" forbid finding'
    )

    def applies(tag: str | None = None, user: str | None = None) -> bool:
        return evaluate(subject, view(image=Image("sha256:i", tag=tag, user=user), findings=[])).applies

    assert applies(tag="a", user="c")
    assert applies(user="c")
    assert applies(tag="a")
    assert not applies(tag="b", user="c")
    assert not applies(tag="a", user="b")


SETTINGS = """
param limit: int = 0
environment staging { limit = 1 }
environment dev { downgrade all to warn }
rule r deny "t" forbid more than limit finding
"""


def test_a_given_parameter_beats_the_environment_which_beats_the_default() -> None:
    subject, seen = policy(SETTINGS), view(findings=[finding()])

    assert result(subject, seen).status == "violated"
    assert result(subject, seen, environment="staging").status == "passed"
    assert result(subject, seen, environment="staging", parameters={"p.limit": 0}).status == "violated"
    assert result(subject, seen, environment="of another policy").status == "violated"


def test_a_downgraded_rule_shows_both_effects() -> None:
    found = result(policy(SETTINGS), view(findings=[finding()]), environment="dev")

    assert (found.effect, found.effective_effect, found.status) == ("deny", "warn", "violated")


def test_a_parameter_without_a_value_is_wrong_use() -> None:
    with pytest.raises(UsageError, match="`limit` of `p` has no value"):
        evaluate(policy('param limit: int\nrule r deny "t" forbid more than limit finding'), view(findings=[]))


def test_an_assumed_severity_counts_and_the_message_says_what_was_stated() -> None:
    subject = policy(
        "assume severity UNKNOWN is MEDIUM\n"
        'rule r deny "t" forbid finding where finding.severity is MEDIUM message "{finding.severity}"'
    )

    assert [v.message for v in result(subject, view(findings=[finding(severity=None)])).violations] == ["UNKNOWN"]
    assert [v.message for v in result(subject, view(findings=[finding(severity=MEDIUM)])).violations] == ["MEDIUM"]


def test_every_rule_is_reported_with_its_place() -> None:
    subject = policy('rule a deny "t" forbid finding\nrule b warn "t" forbid scan')

    outcome = evaluate(subject, view(findings=[], scans=[]))

    assert [(r.identifier, r.effect, r.status, r.path, r.line) for r in outcome.rules] == [
        ("p.a", "deny", "passed", "0.policy", 2), ("p.b", "warn", "passed", "0.policy", 3),
    ]  # fmt: skip
