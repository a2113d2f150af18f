"""What conditions come to, and what is not known (language reference, sections 5, 6 and 9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from policyengine.evidence.assembly import Document, Evidence
from policyengine.evidence.model import Collection, Gap, Image, Package, Sbom, Severity, Vex
from policyengine.language.policyset import PolicySet
from tests.language.samples import (
    AT,
    DAY,
    MANY,
    ONE,
    OUTAGE,
    decision,
    finding,
    package,
    policy,
    result,
    rule,
    scan,
    signature,
    state,
    vex,
    view,
    violations,
)

LOW = Severity.LOW


# ---------------------------------------------------------------------------- section 9


def test_an_unknown_severity_is_undetermined() -> None:
    seen = view(findings=[finding(severity=None)])

    (violation,) = violations("forbid finding where finding.severity >= HIGH", seen)

    assert (violation.state, violation.missing) == ("undetermined", "finding.severity of CVE-2024-0001 is UNKNOWN")


@pytest.mark.parametrize(
    ("license_", "expected"),
    [
        ("MIT", "passed"),
        ("MIT OR GPL-3.0-only", "passed"),
        ("MIT AND GPL-3.0-only", "violated"),
        ("(MIT OR GPL-3.0-only) AND AGPL-3.0-only", "violated"),
        ("MIT OR NOASSERTION", "passed"),
        ("MIT AND NOASSERTION", "undetermined"),
        ("NOASSERTION", "undetermined"),
        ("see the file LICENSE", "undetermined"),
        ("NONE", "violated"),
        (None, "undetermined"),
    ],
)
def test_licences_are_permitted_by_what_it_takes_to_comply(license_: str | None, expected: str) -> None:
    seen = view(packages=[package(license=license_)])

    assert state('forbid package where not package.license permitted by { "MIT" }', seen) == expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (14 * DAY, "passed"),
        (14 * DAY + timedelta(seconds=1), "violated"),
        (None, "undetermined"),
        (-DAY, "undetermined"),
    ],
)
def test_age_counts_from_publication_and_the_future_is_unknown(age: timedelta | None, expected: str) -> None:
    assert state("forbid finding where finding.age > 14 days", view(findings=[finding(age=age)])) == expected


def test_what_is_published_this_instant_is_no_time_old() -> None:
    assert (
        state("require every finding satisfies finding.age < 1 second", view(findings=[finding(age=0 * DAY)]))
        == "passed"
    )


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(-86400, "passed"), (-86401, "violated"), (300, "passed"), (301, "undetermined"), (None, "undetermined")],
)
def test_within_takes_five_minutes_ahead_as_now(ahead: int | None, expected: str) -> None:
    seen = view(scans=[scan(finished=None if ahead is None else AT + timedelta(seconds=ahead))])

    assert state("require every scan satisfies scan.finished within 24 hours", seen) == expected


def test_a_negative_duration_is_never_kept() -> None:
    assert (
        state("require every scan satisfies scan.finished within -1 days", view(scans=[scan(finished=AT)]))
        == "violated"
    )


@pytest.mark.parametrize(
    ("purl", "version", "expected"),
    [
        ("pkg:deb/debian/xz-utils@5.6.1-1", None, "violated"),
        ("pkg:deb/debian/xz-utils@1:5.6.1+really5.4.5-1", None, "passed"),
        ("pkg:deb/debian/xz-utils", None, "undetermined"),
        (None, "5.6.1-1", "undetermined"),
    ],
)
def test_ranges_compare_in_the_order_of_the_ecosystem(purl: str | None, version: str | None, expected: str) -> None:
    seen = view(packages=[package("xz-utils", version, purl=purl)])

    assert state('forbid package where package matches "pkg:deb/debian/xz-utils@>=5.6.0,<5.6.2"', seen) == expected


def test_an_alias_is_the_same_vulnerability() -> None:
    seen = view(findings=[finding("GHSA-2222-3333-4444", "CVE-2024-0001")])

    assert state('forbid finding where finding.id is "CVE-2024-0001"', seen) == "violated"
    assert state('forbid finding where finding.id in { "CVE-2024-0001" }', seen) == "violated"
    assert state('forbid finding where "CVE-2024-0001" in finding.aliases', seen) == "violated"
    assert state('forbid finding where "GHSA-2222-3333-4444" in finding.aliases', seen) == "passed"


EXCUSE = "forbid finding unless some vex where vex covers finding and vex.status in { NOT_AFFECTED, FIXED }"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([vex()], "passed"),
        ([vex("GHSA-2222-3333-4444", "CVE-2024-0001")], "passed"),
        ([vex(products=("pkg:npm/a@1.0.0",))], "passed"),
        ([vex(products=("pkg:npm/a@2.0.0",))], "violated"),
        ([vex("CVE-2024-0002")], "violated"),
        ([vex(status="UNDER_INVESTIGATION")], "violated"),
        ([vex(status=None)], "violated"),
        ([vex(), vex(status="AFFECTED", digest="sha256:w")], "violated"),
        ([vex(), vex(status=None, digest="sha256:w")], "violated"),
        ([], "violated"),
    ],
)
def test_a_statement_excuses_what_it_covers_unless_another_disagrees(statements: list[Vex], expected: str) -> None:
    assert state(EXCUSE, view(findings=[finding(package=package())], vexes=statements)) == expected


def test_a_statement_that_cannot_be_read_may_disagree() -> None:
    seen = view(
        findings=[finding(package=package())], vexes=Collection((vex(),), (Gap("vex cannot be read", many=False),))
    )

    assert state(EXCUSE, seen) == "violated"
    (violation,) = violations("require every vex satisfies vex.status is NOT_AFFECTED", seen)
    assert violation.missing == "vex cannot be read"


def test_the_same_status_is_disputed_only_where_packages_meet() -> None:
    clauses = "require some vex where vex.status is AFFECTED"
    apart = [vex(status="AFFECTED"), vex(products=("pkg:npm/b",))]
    together = [vex(status="AFFECTED"), vex(products=("pkg:npm/a@2.0.0",))]

    unreadable = [vex(status="AFFECTED"), vex(products=("no package URL",))]

    assert state(clauses, view(vexes=apart)) == "passed"
    assert state(clauses, view(vexes=together)) == "undetermined"
    assert state(clauses, view(vexes=unreadable)) == "undetermined"


# ---------------------------------------------------------------------------- quantifiers and gaps


STATES = {"P": "passed", "V": "violated", "U": "undetermined"}
STAGES = {
    "nothing": Collection(),
    "a gap": Collection((), (MANY,)),
    "a low one": Collection((finding(severity=LOW),)),
    "a low one and a gap": Collection((finding(severity=LOW),), (ONE,)),
    "an unknown one": Collection((finding(severity=None),)),
    "a high one and a gap": Collection((finding(),), (MANY,)),
}


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        ("require some finding where finding.severity >= HIGH", "V U V U U P"),
        ("require no finding where finding.severity >= HIGH", "P U P U U V"),
        ("require every finding satisfies finding.severity < HIGH", "P U P U U V"),
        ("require every finding where finding.severity >= HIGH satisfies finding.fix is present", "P U P U U V"),
        ("require at least 1 finding where finding.severity >= HIGH", "V U V U U P"),
        ("require at most 0 finding where finding.severity >= HIGH", "P U P U U V"),
        ("require count(finding where finding.severity >= HIGH) is 0", "P U P U U V"),
        ("require count(finding where finding.severity >= HIGH) < 1", "P U P U U V"),
        ("forbid finding where finding.severity >= HIGH", "P U P U U V"),
        ("forbid more than 0 finding where finding.severity >= HIGH", "P U P U U V"),
        ("for each finding in findings\n require finding.severity < HIGH", "P U P U U V"),
    ],
)
def test_a_gap_is_an_element_of_which_nothing_is_known(clauses: str, expected: str) -> None:
    found = {stage: state(clauses, view(findings=known)) for stage, known in STAGES.items()}

    assert found == dict(zip(STAGES, (STATES[letter] for letter in expected.split()), strict=True))


def test_what_was_never_gathered_is_not_empty() -> None:
    (violation,) = violations("require every scan satisfies scan.tool is present", view())

    assert (violation.state, violation.missing) == ("undetermined", "no usable scan: none was gathered")


def test_every_signature_of_none_is_satisfied() -> None:
    seen = view(image=Image("sha256:i"))

    assert state('require every signature satisfies signature.format is "jws"', seen) == "passed"


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        ("require count(finding where finding.severity >= HIGH) <= 3", "passed"),
        ("require count(finding where finding.severity >= HIGH) <= 1", "undetermined"),
        ("require count(finding where finding.severity >= HIGH) > 2", "violated"),
        ("require 3 >= count(finding where finding.severity >= HIGH)", "passed"),
        ("require count(finding where finding.severity >= HIGH) is 3", "violated"),
        ("require count(finding where finding.severity >= HIGH) is 1", "undetermined"),
        ("require count(finding where finding.severity >= HIGH) <= count(finding)", "passed"),
        ("require count(finding where finding.severity >= HIGH) + 0 <= 3", "undetermined"),
    ],
)
def test_a_count_lies_between_two_numbers_where_it_is_compared(clauses: str, expected: str) -> None:
    seen = view(findings=[finding("CVE-2024-0001", severity=None), finding("CVE-2024-0002", severity=None)])

    assert state(clauses, seen) == expected


def test_a_gap_for_one_element_counts_as_one() -> None:
    clauses = "require at most 2 finding where finding.severity >= HIGH"

    assert state(clauses, view(findings=Collection((finding(),), (ONE,)))) == "passed"
    assert state(clauses, view(findings=Collection((finding(),), (ONE, ONE)))) == "undetermined"


def test_signed_by_is_unknown_where_signatures_could_not_be_had() -> None:
    clauses = 'require image is signed by x509("O=acme, CN=release")'
    outage = Gap("signatures could not be fetched", outside=True)

    assert state(clauses, view(image=Image("sha256:i", signatures=Collection((signature(),), (outage,))))) == "passed"
    assert state(clauses, view(image=Image("sha256:i"))) == "violated"
    (violation,) = violations(clauses, view(image=Image("sha256:i", signatures=Collection((), (outage,)))))
    assert (violation.state, violation.outside, violation.retry) == ("undetermined", True, False)


def test_an_outage_inside_a_condition_is_an_error_not_a_denial() -> None:
    subject = rule('require some scan where scan.tool is "trivy"')
    outage = view(scans=Collection((scan("grype"),), (OUTAGE,)))

    (violation,) = result(subject, outage).violations
    assert (violation.outside, violation.retry, violation.missing) == (True, True, OUTAGE.reason)
    assert decision(subject, outage) == "error"
    assert decision(subject, view(scans=[scan("grype")])) == "deny"


# ---------------------------------------------------------------------------- values


def test_sums_of_decimals_are_exact() -> None:
    """The usual context of `decimal` would round the sum to 28 digits, and the rule would pass."""
    exact = Decimal("0.1000000000000000000000000000001")
    clauses = "require every finding satisfies finding.cvss + 1 <= 1.1"

    assert state(clauses, view(findings=[replace(finding(), cvss=exact)])) == "violated"


def test_what_leaves_the_calendar_is_unknown() -> None:
    subject = policy(
        'param far: duration = 5000 weeks\nrule r deny "t" forbid scan where scan.finished + far > 2026-01-01'
    )
    late = scan(finished=datetime(9990, 1, 1, tzinfo=UTC))

    (violation,) = result(subject, view(scans=[late])).violations

    assert (violation.state, violation.missing) == ("undetermined", "a result of `+` cannot be represented")


@pytest.mark.parametrize(
    ("call", "whole", "gap"),
    [
        ("few(count(finding))", "passed", "undetermined"),
        ("fewer(count(finding))", "passed", "undetermined"),
        ("lost(count(finding))", "violated", "undetermined"),
        (
            "young(image.created otherwise (if some finding then 2026-01-02 else 2026-01-01 end))",
            "passed",
            "undetermined",
        ),
        ("young(image.created)", "passed", "passed"),
    ],
)
def test_only_a_field_can_be_missing(call: str, whole: str, gap: str) -> None:
    """What is not known because a document could not be read must not turn into a default."""
    subject = policy(
        "define few(n: int): bool = (n otherwise 0) < 3\n"
        "define fewer(n: int): bool = few(n)\n"
        "define lost(n: int): bool = n is missing\n"
        "define young(t: time): bool = (t otherwise 2026-01-01) > 2025-01-01\n"
        f'rule r deny "t" require {call}'
    )

    assert result(subject, view(findings=[finding()])).status == whole
    assert result(subject, view(findings=Collection((), (MANY,)))).status == gap


def test_a_chain_takes_the_first_that_is_there() -> None:
    clauses = 'forbid finding where finding.fix otherwise finding.title otherwise "none" is "{}"'

    assert state(clauses.format("1"), view(findings=[finding(fix="1", title="a")])) == "violated"
    assert state(clauses.format("a"), view(findings=[finding(title="a")])) == "violated"
    assert state(clauses.format("none"), view(findings=[finding()])) == "violated"


def test_only_a_field_can_be_missing_in_a_chain_too() -> None:
    subject = policy(
        'define nameless(a: text, b: text): bool = (a otherwise b otherwise "none") is "none"\n'
        'rule r deny "t" require nameless(image.tag, (if some finding then "a" else "b" end))'
    )

    assert result(subject, view(findings=[finding()])).status == "violated"
    assert result(subject, view(findings=Collection((), (MANY,)))).status == "undetermined"


def test_a_statement_may_be_asked_about_a_finding_that_it_chooses() -> None:
    clauses = (
        'forbid finding where some other in findings where other.id is "CVE-2024-0002" and '
        '(some vex where vex covers (if vex.author is "a" then finding else other end))'
    )
    two = [finding(package=package()), finding("CVE-2024-0002", package=package())]

    found = violations(clauses, view(findings=two, vexes=[vex(author="a")]))

    assert [v.element for v in found] == ["CVE-2024-0001 in pkg:npm/a@1.0.0"]


def test_a_choice_with_an_unknown_condition_is_what_both_branches_agree_on() -> None:
    clauses = 'require if image.tag is "a" then image.size < {} else image.size < 5 end'
    seen = view(image=Image("sha256:i", size=3))

    assert state(clauses.format(4), seen) == "passed"
    assert state(clauses.format(2), seen) == "undetermined"


@pytest.mark.parametrize("spelling", ["pkg:npm/@evil/x@1", "pkg:NPM/%40evil/x@1", "pkg:npm/%40evil/x@1"])
@pytest.mark.parametrize(
    "condition", ['package.purl is "pkg:npm/%40evil/x@1"', 'package.purl in { "pkg:npm/%40evil/x@1" }']
)
def test_no_spelling_of_a_package_url_escapes_a_rule(spelling: str, condition: str) -> None:
    """A document writes package URLs as its tool does; a policy's are canonical."""
    policies = PolicySet.parse(f'policy p\nrule a deny "t"\n  forbid package where {condition}\n')
    package = Package(name="x", purl=spelling)
    sbom = Sbom(format="f", version="1", digest="sha256:" + "0" * 64, packages=Collection((package,)))
    document = Document(sbom.digest, "", frozenset({"sbom"}), (sbom,), signed=True)

    decision = policies.decide(
        Evidence(Image(digest="sha256:" + "1" * 64), (document,)), at=datetime(2026, 1, 1, tzinfo=UTC)
    )

    assert [violation.state for violation in decision.violations] == ["violated"]
