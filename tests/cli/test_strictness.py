"""`--fail-on warn`, as a function of decisions."""

from hypothesis import given
from hypothesis import strategies as st

from policyengine.cli.strictness import strengthened
from policyengine.decision.combine import RANK
from policyengine.decision.model import Decision, PlatformResult, Violation
from tests.reports.decisions import AMD, ARM, CASES, ERROR, NO_POLICY, UNRESOLVED, WAIVED, decision, rule

OUTAGE = Violation("m", None, "undetermined", "the registry does not answer", outside=True, retry=True)
BROKEN = Violation("m", None, "violated")


def warned(*violations: Violation) -> Decision:
    return decision("allow", rule("a"), rule("w", "violated", *violations, effect="warn"))


def test_what_warns_denies() -> None:
    found = strengthened(warned(BROKEN))
    assert found.decision == "deny"
    assert [(each.effect, each.effective_effect) for each in found.rules] == [("deny", "deny"), ("warn", "deny")]


def test_what_was_downgraded_denies_again() -> None:
    assert strengthened(CASES["downgraded"][0]).decision == "deny"


def test_a_warning_that_nobody_could_evaluate_cannot_be_decided() -> None:
    found = strengthened(warned(OUTAGE))
    assert found.decision == "error"
    assert found.reasons[0].retry is True
    assert strengthened(warned(OUTAGE, BROKEN)).decision == "deny"


def test_without_warnings_nothing_changes() -> None:
    for each in (CASES["allow"][0], WAIVED, NO_POLICY, ERROR, UNRESOLVED):
        assert strengthened(each).decision == each.decision


def test_of_an_index_only_the_warned_platform_is_denied() -> None:
    index = decision(
        "allow", rule("w", "violated", Violation("m", None, "violated", platform="linux/arm64"), effect="warn"),
        platforms=(PlatformResult("linux/amd64", AMD, "allow"), PlatformResult("linux/arm64", ARM, "allow")),
    )  # fmt: skip
    found = strengthened(index)
    assert found.decision == "deny"
    assert [each.decision for each in found.platforms] == ["allow", "deny"]


VIOLATIONS = st.lists(st.sampled_from([OUTAGE, BROKEN, Violation("m", None, "violated", waiver=0)]), max_size=3)
RULES = st.lists(st.tuples(VIOLATIONS, st.sampled_from(["deny", "warn"])), max_size=4)


@given(RULES, st.sampled_from(["allow", "deny", "error"]))
def test_it_never_weakens_a_decision(rules: list[tuple[list[Violation], str]], word: str) -> None:
    made = decision(word, *(rule(str(n), "violated", *v, effect=effect) for n, (v, effect) in enumerate(rules)))
    found = strengthened(made)
    assert RANK[found.decision] >= RANK[word]
    if any(each.uncovered for each in made.rules):
        assert found.decision != "allow"
