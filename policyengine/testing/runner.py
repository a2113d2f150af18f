"""Running the `test` blocks of policies: set the stage, decide, compare (language reference, section 8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from policyengine.decision.model import Decision
from policyengine.errors import PolicyEngineError
from policyengine.language.checked import Policy, Test
from policyengine.language.policyset import PolicySet
from policyengine.testing.expectations import failure
from policyengine.testing.stage import Stage
from policyengine.verification.trust import Trust

INSTANT = datetime(2026, 1, 1, tzinfo=UTC)
"""The instant of a test that states none."""

NOBODY = Trust.none("the tests name no trust policy")
"""What `given layout` verifies by where nobody says so."""


class Outcome(Struct, frozen=True):
    """How one test went. `failures` are sentences, each with the line of what was expected; none means passed."""

    test: Test
    failures: tuple[tuple[int, str], ...] = ()

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def reason(self) -> str | None:
        """Every failure in one text, or `None`."""
        return "; ".join(text for _, text in self.failures) or None


def run_tests(policies: PolicySet, pattern: str = "*", trust: Trust | None = None) -> Iterator[Outcome]:
    """The outcome of every test of `policies` whose name, or `POLICY/NAME`, matches the glob `pattern`.

    `trust` is what `given layout` verifies by.
    """
    own = {policy.name: policy for policy in policies.program.policies}
    trust = trust or NOBODY
    for test in selected(policies, pattern):
        yield outcome(test, own[test.policy], only(policies, test.policy), trust)


def selected(policies: PolicySet, pattern: str) -> list[Test]:
    """The tests whose name, or `POLICY/NAME`, matches the glob `pattern`."""
    return [
        test
        for test in policies.tests
        if fnmatchcase(test.name, pattern) or fnmatchcase(f"{test.policy}/{test.name}", pattern)
    ]


def outcome(test: Test, policy: Policy, policies: PolicySet, trust: Trust) -> Outcome:
    """How `test` of `policy` goes, where `policies` is that policy alone; what cannot be staged fails it."""
    try:
        decision = decided(test, policy, policies, trust)
    except PolicyEngineError as error:
        return Outcome(test, ((test.span.line, error.message),))
    judged = ((each.span.line, failure(each, policy, decision)) for each in test.expectations)
    return Outcome(test, tuple((line, text) for line, text in judged if text))


def only(policies: PolicySet, name: str) -> PolicySet:
    """The set with one of its policies: a test is about its own policy, whatever stands beside it."""
    summary = policies.summary
    return PolicySet((), replace(summary, policies=tuple(each for each in summary.policies if each.name == name)))


def decided(test: Test, policy: Policy, policies: PolicySet, trust: Trust) -> Decision:
    """The decision of `policies` about what `test` gives; raises `PolicyEngineError` for what cannot be staged."""
    at = datetime.fromisoformat(test.at) if test.at else INSTANT
    if any(step.kind == "layout" for step in test.steps):
        from policyengine.testing.layouts import evaluated

        return evaluated(test, policies, trust, at)
    stage = Stage({kind.name: kind for kind in policy.kinds})
    for step in test.steps:
        stage.play(step)
    return policies.decide(stage.evidence(), at=at, environment=test.environment, parameters=test.parameters)
