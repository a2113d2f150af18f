"""How results become one word, for an image and for the platforms of an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policyengine.decision.combine import NO_POLICY, STATUSES, combine, joined, status, worst
from policyengine.decision.model import (
    Decision,
    DocumentResult,
    PolicySetSummary,
    Reason,
    RuleResult,
    SignatureResult,
    Subject,
    Violation,
    WaiverResult,
)

AT = datetime(2026, 11, 22, tzinfo=UTC)
SUBJECT = Subject("registry.example.com/a@sha256:1", "registry.example.com/a", "sha256:1", "index")
SET = PolicySetSummary("sha256:2", ("p",))

VIOLATED = Violation("critical", "CVE-1", "violated")
UNKNOWN = Violation("no scan", None, "undetermined", "no usable scan")
OUTAGE = replace(UNKNOWN, missing="the registry does not answer", outside=True, retry=True)


def rule(*violations: Violation, effect: str = "deny", name: str = "r") -> RuleResult:
    return RuleResult(f"p.{name}", "deny", effect, "a rule", status(violations), violations, "p.policy", 3)


def word(*rules: RuleResult, applicable: int = 1) -> str:
    return combine(rules, applicable)[0]


def covered(violation: Violation, waiver: int = 0) -> Violation:
    return replace(violation, waiver=waiver)


# One image


@pytest.mark.parametrize(
    ("violations", "decision"),
    [
        ((), "allow"),
        ((VIOLATED,), "deny"),
        ((UNKNOWN,), "deny"),
        ((OUTAGE,), "error"),
        ((OUTAGE, UNKNOWN), "error"),
        ((OUTAGE, VIOLATED), "deny"),
        ((covered(VIOLATED),), "allow"),
        ((covered(VIOLATED), OUTAGE), "error"),
        ((covered(VIOLATED), VIOLATED), "deny"),
    ],
)
def test_what_violations_make_of_a_decision(violations: tuple[Violation, ...], decision: str) -> None:
    assert word(rule(*violations)) == decision
    assert word(rule(*violations, effect="warn")) == "allow"


def test_no_policy_in_scope_is_a_denial_whatever_the_rules_say() -> None:
    assert combine([], 0) == ("deny", (NO_POLICY,))
    assert combine([rule(OUTAGE)], 0) == ("deny", (NO_POLICY,))


def test_an_error_names_each_thing_that_could_not_be_had_once() -> None:
    other = replace(OUTAGE, missing="its signatures could not be listed", retry=False)
    _, reasons = combine([rule(OUTAGE, UNKNOWN), rule(OUTAGE, other, name="s")], 1)

    assert reasons == (
        Reason("unavailable", "the registry does not answer", True),
        Reason("unavailable", "its signatures could not be listed", False),
    )


@pytest.mark.parametrize(
    ("violations", "expected"),
    [
        ((), "passed"),
        ((VIOLATED,), "violated"),
        ((UNKNOWN, VIOLATED), "violated"),
        ((UNKNOWN,), "undetermined"),
        ((covered(VIOLATED), UNKNOWN), "undetermined"),
        ((covered(VIOLATED),), "waived"),
    ],
)
def test_the_status_of_a_rule(violations: tuple[Violation, ...], expected: str) -> None:
    assert status(violations) == expected


violations = st.builds(
    Violation,
    message=st.sampled_from(["a", "b"]),
    element=st.none(),
    state=st.sampled_from(["violated", "undetermined"]),
    missing=st.none() | st.just("gone"),
    waiver=st.none() | st.just(0),
    outside=st.booleans(),
    retry=st.booleans(),
)
rules = st.builds(
    lambda found, effect, name: rule(*found, effect=effect, name=name),
    st.lists(violations, max_size=3),
    st.sampled_from(["deny", "warn"]),
    st.sampled_from("rst"),
)


@given(st.lists(rules, max_size=5), violations, st.integers(1, 3))
def test_one_violation_more_never_allows(found: list[RuleResult], more: Violation, applicable: int) -> None:
    before, after = word(*found, applicable=applicable), word(*found, rule(more), applicable=applicable)

    if before != "allow" or more.waiver is None:
        assert after != "allow"
    if more.waiver is None and more.state == "violated":
        assert after == "deny"


@given(st.lists(rules, max_size=4), st.randoms())
def test_the_order_of_rules_does_not_matter(found: list[RuleResult], random: Any) -> None:
    shuffled = random.sample(found, len(found))

    assert word(*found) == word(*shuffled)


@given(st.lists(rules, max_size=4))
def test_covering_a_violation_is_the_only_way_to_lose_it(found: list[RuleResult]) -> None:
    uncovered = [v for each in found if each.effective_effect == "deny" for v in each.violations if v.waiver is None]

    assert (word(*found) == "allow") == (not uncovered)


@given(st.lists(rules, max_size=4))
def test_an_error_has_a_reason_outside_and_nothing_definite(found: list[RuleResult]) -> None:
    decision, reasons = combine(found, 1)
    against = [v for each in found if each.effective_effect == "deny" for v in each.uncovered]

    if decision == "error":
        assert any(v.outside for v in against)
        assert not any(v.state == "violated" for v in against)
    assert bool(reasons) == (decision == "error")


# Several images, or platforms


def test_the_worst_of_several() -> None:
    assert worst([]) == "deny"
    for decisions in permutations(["allow", "deny", "error"]):
        assert worst(decisions) == "error"
    assert worst(["allow", "deny"]) == "deny"
    assert worst(["allow", "allow"]) == "allow"


def decision(*rules: RuleResult, waivers: Sequence[WaiverResult] = (), **more: Any) -> Decision:
    return Decision(word(*rules), SUBJECT, AT, SET, rules, tuple(waivers), **more)


def on_platforms(*decisions: Decision) -> Decision:
    return joined(SUBJECT, [(f"linux/{n}", f"sha256:{n}", each) for n, each in enumerate(decisions)])


platforms = st.lists(st.lists(rules, max_size=3, unique_by=lambda each: each.identifier), min_size=1, max_size=4)


@given(platforms)
def test_an_index_is_as_bad_as_its_worst_platform(found: list[list[RuleResult]]) -> None:
    waiver = waived("p.r", 9)
    decisions = [decision(*rules, waivers=[waiver]) for rules in found]
    whole = on_platforms(*decisions)

    assert whole.decision == worst(each.decision for each in decisions)
    assert [each.decision for each in whole.platforms] == [each.decision for each in decisions]
    for each in whole.rules:
        same = [r for rules in found for r in rules if r.identifier == each.identifier]
        assert each.status == max((r.status for r in same), key=STATUSES.index)
        assert len(each.violations) == sum(len(r.violations) for r in same)
        assert {v.platform for v in each.violations} <= {p.platform for p in whole.platforms}


def test_the_rules_of_an_index_name_their_platforms() -> None:
    whole = on_platforms(decision(rule(VIOLATED)), decision(rule(), rule(UNKNOWN, name="s")))

    assert [(each.identifier, each.status) for each in whole.rules] == [("p.r", "violated"), ("p.s", "undetermined")]
    assert [v.platform for v in whole.violations] == ["linux/0", "linux/1"]


def test_a_platform_that_could_not_be_had_is_among_the_reasons_once() -> None:
    reason = Reason("unreachable", "no answer", True)
    failed = replace(decision(), decision="error", reasons=(reason,))
    whole = on_platforms(decision(rule()), failed, failed)

    assert (whole.decision, whole.reasons) == ("error", (reason,))


# Waivers of an index


def waived(rule: str, line: int, state: str = "used", covers: int = 1, owner: str = "a@example.com") -> WaiverResult:
    return WaiverResult(rule, owner, "because", None, date(2026, 12, 31), state, covers, "p.policy", line)


def test_a_waiver_is_used_where_any_platform_used_it() -> None:
    whole = on_platforms(
        decision(rule(covered(VIOLATED)), waivers=[waived("p.r", 9)]),
        decision(rule(), waivers=[waived("p.r", 9, "unused", 0)]),
        decision(rule(covered(VIOLATED), covered(VIOLATED)), waivers=[waived("p.r", 9, "used", 2)]),
    )

    assert whole.decision == "allow"
    assert whole.waivers == (waived("p.r", 9, "used", 3),)
    assert [rule.status for rule in whole.rules] == ["waived"]


def test_violations_keep_their_waivers() -> None:
    """A policy that is out of scope on one platform brings no waivers there, so that they are counted differently."""
    first, second, third = waived("p.r", 9), waived("p.r", 10), waived("p.r", 11)
    whole = on_platforms(
        decision(rule(covered(VIOLATED, 1), covered(VIOLATED, 0)), waivers=[first, second]),
        decision(rule(covered(VIOLATED, 1), VIOLATED, covered(VIOLATED, 0)), waivers=[third, second]),
    )
    lines = [None if v.waiver is None else whole.waivers[v.waiver].line for v in whole.rules[0].violations]

    assert lines == [10, 9, 10, None, 11]


def test_two_waivers_in_one_line_are_two() -> None:
    mine, yours = waived("p.r", 9), waived("p.r", 9, owner="b@example.com")
    found = rule(covered(VIOLATED, 0), covered(VIOLATED, 1))
    whole = on_platforms(decision(found, waivers=[mine, yours]), decision(found, waivers=[mine, yours]))

    assert [(each.owner, each.covers) for each in whole.waivers] == [("a@example.com", 2), ("b@example.com", 2)]
    assert [v.waiver for v in whole.rules[0].violations] == [0, 1, 0, 1]


# Documents and signatures of an index


def document(digest: str, status: str = "used", *warnings: str) -> DocumentResult:
    return DocumentResult(digest, "application/sarif+json", status, "scan", warnings=warnings)


def shown(whole: Decision) -> list[tuple[str, str | None]]:
    return [(each.digest, each.platform) for each in whole.evidence]


def test_what_belongs_to_the_index_is_listed_once() -> None:
    whole = on_platforms(
        decision(evidence=(document("index", "used", "x"), document("a"))),
        decision(evidence=(document("index", "used", "y"), document("b"))),
    )

    assert shown(whole) == [("index", None), ("a", "linux/0"), ("b", "linux/1")]
    assert whole.evidence[0].warnings == ("x", "y")


def test_what_became_of_it_differs_by_platform() -> None:
    whole = on_platforms(
        decision(evidence=(document("index", "used"),)), decision(evidence=(document("index", "superseded"),))
    )

    assert [(each.status, each.platform) for each in whole.evidence] == [("used", "linux/0"), ("superseded", "linux/1")]


def test_an_artifact_of_two_documents_belongs_to_its_platform() -> None:
    whole = on_platforms(decision(evidence=(document("a"), document("a"))), decision(evidence=(document("b"),)))

    assert shown(whole) == [("a", "linux/0"), ("a", "linux/0"), ("b", "linux/1")]


def test_one_platform_alone_is_still_named() -> None:
    assert shown(on_platforms(decision(evidence=(document("a"),)))) == [("a", "linux/0")]


def test_signatures_are_listed_like_documents() -> None:
    def signature(digest: str) -> SignatureResult:
        return SignatureResult(digest, "sha256:1", "cose", "verified", {})

    whole = on_platforms(
        decision(signatures=(signature("index"), signature("a"))), decision(signatures=(signature("index"),))
    )

    assert [(each.digest, each.platform) for each in whole.signatures] == [("index", None), ("a", "linux/0")]


# A decision by itself


def test_a_decision_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match=r"decision\.allowed"):
        bool(decision(rule(VIOLATED)))


@pytest.mark.parametrize(("word", "code"), [("allow", 0), ("deny", 1), ("error", 3), ("anything", 3)])
def test_exit_codes(word: str, code: int) -> None:
    found = replace(decision(), decision=word)

    assert (found.exit_code, found.allowed) == (code, word == "allow")
