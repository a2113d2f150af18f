"""What the tests of policies show: of each rule what became of it, of each condition what it came to.

Coverage asks whether a condition was seen true, false and unknown; whether a test would notice that it is wrong is
for `mutation` to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from msgspec import Struct

from policyengine.decision.model import Decision, RuleResult
from policyengine.errors import PolicyEngineError
from policyengine.language.checked import Expr, Policy, Test
from policyengine.language.policyset import PolicySet, shipped
from policyengine.language.syntax import Span
from policyengine.language.unknown import Unknown
from policyengine.testing.conditions import Part, parts
from policyengine.testing.excerpts import Excerpts
from policyengine.testing.interpreted import Interpreted
from policyengine.testing.outcomes import FALSE, OUTCOMES, TRUE, UNKNOWN
from policyengine.testing.runner import NOBODY, decided, only, selected
from policyengine.verification.trust import Trust

STATES = ("violated", "passed", "undetermined", "waived", "not-applicable")
"""What can become of a rule, in the order in which reports name it."""


class ConditionCoverage(Struct, frozen=True):
    """A condition as its author wrote it: the outcomes it can have, and those that some test shows."""

    text: str
    span: Span
    wanted: tuple[str, ...]
    seen: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The outcomes that no test shows."""
        return tuple(outcome for outcome in self.wanted if outcome not in self.seen)


class PartCoverage(Struct, frozen=True):
    """A rule, scope, waiver or function; `states` is what became of a rule in all tests together."""

    kind: str
    name: str
    span: Span
    states: tuple[str, ...]
    conditions: tuple[ConditionCoverage, ...]

    @property
    def complete(self) -> bool:
        """Whether every outcome of every condition was seen."""
        return not any(condition.missing for condition in self.conditions)


class Coverage(Struct, frozen=True):
    """What all tests together show."""

    parts: tuple[PartCoverage, ...]

    @property
    def wanted(self) -> int:
        """The number of outcomes that all conditions together can have."""
        return sum(len(condition.wanted) for part in self.parts for condition in part.conditions)

    @property
    def shown(self) -> int:
        """The number of them that a test shows."""
        return self.wanted - sum(len(condition.missing) for part in self.parts for condition in part.conditions)

    @property
    def percent(self) -> float:
        """The share that is shown, cut after one decimal: 100.0 only where nothing is missing."""
        return self.shown * 1000 // self.wanted / 10 if self.wanted else 100.0

    def reaches(self, minimum: Fraction) -> bool:
        """Whether at least `minimum` per cent are shown, exactly."""
        return self.shown * 100 >= minimum * self.wanted


def measure(policies: PolicySet, pattern: str = "*", trust: Trust = NOBODY) -> Coverage:
    """What the tests of `policies` show whose name, or `POLICY/NAME`, matches the glob `pattern`.

    Every policy counts, also one without a test; `trust` is what `given layout` verifies by.
    """
    record = _Record()
    for policy in policies.program.policies:
        watched = Interpreted(only(policies, policy.name), policy, record.condition)
        for test in selected(policies, pattern):
            if test.policy == policy.name:
                record.rules(_decision(watched, test, policy, trust))
    excerpts = Excerpts((*policies.sources, *shipped()))
    return Coverage(tuple(record.covered(part, excerpts) for part in _merged(policies.program.policies)))


def _decision(watched: Interpreted, test: Test, policy: Policy, trust: Trust) -> Decision | None:
    """The decision of one test; `None` for a test that cannot be staged, which fails anyway."""
    try:
        return decided(test, policy, watched, trust)
    except PolicyEngineError:
        return None


def _merged(policies: Iterable[Policy]) -> Iterator[Part]:
    """The parts of all policies, a function that several of them call once."""
    found: dict[tuple[str, Span], Part] = {}
    for policy in policies:
        for part in parts(policy):
            key = part.name, part.span
            if key not in found or _asks(part) > _asks(found[key]):
                found[key] = part
    yield from found.values()


def _asks(part: Part) -> int:
    return sum(len(condition.outcomes) for condition in part.conditions)


class _Record:
    """What was seen: outcomes by the `id` of their expression (the tree outlives this), states by rule."""

    def __init__(self) -> None:
        self.outcomes: defaultdict[int, set[str]] = defaultdict(set)
        self.states: defaultdict[str, set[str]] = defaultdict(set)

    def condition(self, expr: Expr, value: Any) -> None:
        """Note what an expression came to, if that is a truth value."""
        if value is True or value is False:
            self.outcomes[id(expr)].add(TRUE if value else FALSE)
        elif isinstance(value, Unknown):
            self.outcomes[id(expr)].add(UNKNOWN)

    def rules(self, decision: Decision | None) -> None:
        """Note what became of the rules in one decision."""
        for rule in decision.rules if decision is not None else ():
            self.states[rule.identifier].update(_states(rule))

    def covered(self, part: Part, excerpts: Excerpts) -> PartCoverage:
        """What was seen of a part."""
        conditions = (
            ConditionCoverage(
                excerpts.text(condition.expr.span),
                condition.expr.span,
                condition.outcomes,
                tuple(outcome for outcome in OUTCOMES if outcome in self.outcomes[id(condition.expr)]),
            )
            for condition in part.conditions
        )
        states = tuple(state for state in STATES if state in self.states.get(part.name, ()))
        ordered = tuple(sorted(conditions, key=lambda each: (each.span.path, each.span.line, each.span.column)))
        return PartCoverage(part.kind, part.name, part.span, states, ordered)


def _states(rule: RuleResult) -> Iterator[str]:
    """What became of a rule: several things at once, where its violations differ."""
    yield from ("waived" if violation.waiver is not None else violation.state for violation in rule.violations)
    if not rule.violations:
        yield rule.status
