"""What holds for every policy and all evidence: unknown never helps, more findings never help, order never matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policyengine.decision.combine import combine
from policyengine.evidence.model import Collection, Gap
from policyengine.language import checked
from policyengine.language.compiler import compile_policy
from policyengine.language.evaluation import Outcome
from policyengine.language.view import View
from tests.language.chance import local_policies, policies
from tests.language.views import findings, views

LOST = Gap("an element cannot be read", many=False)
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "findings": ("severity", "cvss", "package", "fix", "title", "location", "published"),
    "packages": ("version", "ecosystem", "supplier", "purl", "license", "license_declared", "license_concluded"),
    "scans": ("tool_version", "finished"),
    "vexes": ("status", "justification", "author", "timestamp"),
}
"""The fields of each collection's records that may be missing."""

IMAGE = ("tag", "platform", "user", "base_name", "base_digest", "created")


def outcome(policy: checked.Policy, view: View) -> Outcome:
    return compile_policy(policy).bind({}).evaluate(view)


def allowed(policy: checked.Policy, view: View) -> bool:
    found = outcome(policy, view)
    return combine(found.rules, int(found.applies))[0] == "allow"


def changed(view: View, name: str, change: Callable[[Collection[Any]], Collection[Any]]) -> View:
    """`view` with one collection changed."""
    return View(view.image, {**view.collections, name: change(view.collection(name))}, view.at)


def everywhere(policy: checked.Policy) -> checked.Policy:
    """`policy` without a scope: outside of it, what is unknown brings the image in."""
    return replace(policy, applies=None, exception=None)


# ---------------------------------------------------------------------------- unknown never helps


@settings(max_examples=50)
@given(policies(escapes=False), views(), st.data())
def test_losing_a_field_never_turns_a_denial_into_a_pass(
    policy: checked.Policy, view: View, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(OPTIONAL)))
    field = data.draw(st.sampled_from(OPTIONAL[name]))

    def lose(known: Collection[Any]) -> Collection[Any]:
        chosen = data.draw(st.lists(st.booleans(), min_size=len(known.items), max_size=len(known.items)))
        items = (replace(i, **{field: None}) if lost else i for i, lost in zip(known.items, chosen, strict=True))
        return replace(known, items=tuple(items))

    poorer = changed(view, name, lose)

    assert allowed(everywhere(policy), view) or not allowed(everywhere(policy), poorer)


@settings(max_examples=50)
@given(policies(escapes=False), views(), st.sampled_from(IMAGE))
def test_losing_a_field_of_the_image_never_helps(policy: checked.Policy, view: View, field: str) -> None:
    poorer = View(replace(view.image, **{field: None}), view.collections, view.at)

    assert allowed(everywhere(policy), view) or not allowed(everywhere(policy), poorer)


@settings(max_examples=50)
@given(policies(escapes=False), views(), st.sampled_from(sorted(OPTIONAL)), st.integers(0, 3))
def test_losing_an_element_to_a_gap_never_helps(policy: checked.Policy, view: View, name: str, index: int) -> None:
    view = changed(view, name, lambda known: replace(known, repeated=()))
    poorer = changed(
        view, name,
        lambda known: Collection(known.items[:index] + known.items[index + 1 :], (*known.gaps, LOST)),
    )  # fmt: skip

    assert allowed(everywhere(policy), view) or not allowed(everywhere(policy), poorer)


@settings(max_examples=50)
@given(policies(), views(), st.sampled_from(sorted(OPTIONAL)))
def test_a_gap_more_never_helps(policy: checked.Policy, view: View, name: str) -> None:
    poorer = changed(view, name, lambda known: replace(known, gaps=(*known.gaps, LOST)))

    assert allowed(everywhere(policy), view) or not allowed(everywhere(policy), poorer)


# ---------------------------------------------------------------------------- more never helps


@settings(max_examples=50)
@given(local_policies(), views(), findings, st.booleans())
def test_a_finding_more_never_takes_a_violation_away(
    policy: checked.Policy, view: View, finding: Any, again: bool
) -> None:
    def add(known: Collection[Any]) -> Collection[Any]:
        groups = known.repeated or tuple(range(len(known.items)))
        first = groups[0] if again and groups else len(groups)
        return Collection((*known.items, finding), known.gaps, (*groups, first))

    richer = changed(view, "findings", add)

    assert allowed(policy, view) or not allowed(policy, richer)


# ---------------------------------------------------------------------------- order never matters


def seen(found: Outcome) -> Mapping[str, Any]:
    """What each rule says, whatever the order."""
    return {
        rule.identifier: (rule.status, Counter((v.message, v.element, v.state, v.waiver) for v in rule.violations))
        for rule in found.rules
    }


@settings(max_examples=50)
@given(policies(), views(), st.randoms(use_true_random=False))
def test_the_order_of_rules_and_evidence_does_not_matter(policy: checked.Policy, view: View, random: Any) -> None:
    def shuffled(known: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(known, len(known)))

    view = changed(view, "findings", lambda known: replace(known, repeated=()))
    collections = {
        name: replace(known, items=shuffled(known.items), gaps=shuffled(known.gaps))
        for name, known in view.collections.items()
    }
    other = replace(policy, rules=shuffled(policy.rules))

    assert seen(outcome(policy, view)) == seen(outcome(other, View(view.image, collections, view.at)))


# ---------------------------------------------------------------------------- nothing is forgotten


@settings(max_examples=50)
@given(policies(), views())
def test_every_rule_and_waiver_is_reported(policy: checked.Policy, view: View) -> None:
    found = outcome(policy, view)

    if found.applies:
        assert [rule.identifier for rule in found.rules] == [rule.identifier for rule in policy.rules]
        assert len(found.waivers) == len(policy.waivers)
        covered = Counter(v.waiver for rule in found.rules for v in rule.violations if v.waiver is not None)
        assert all(found.waivers[index].state == "used" for index in covered)
        assert all(v.state == "violated" for rule in found.rules for v in rule.violations if v.waiver is not None)
