"""What `test` does: compile, run the tests, and show how they went and what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from policyengine.cli.output import Output, outputs, put
from policyengine.cli.terminal import Terminal
from policyengine.errors import UsageError
from policyengine.language.policyset import PolicySet
from policyengine.reports.json import dump
from policyengine.reports.junit import Case, Suite, document
from policyengine.reports.look import Page
from policyengine.reports.wording import plural
from policyengine.testing.runner import Outcome, run_tests
from policyengine.verification.trust import Trust

if TYPE_CHECKING:
    from policyengine.testing.coverage import Coverage
    from policyengine.testing.mutation import Mutation

FAILED = 1
NONE_FOUND = 5
"""pytest's exit code where no test was found: nothing that was evaluated is not a pass."""

PAUSE = 0.5
"""Seconds between two looks of `--watch`."""


class Options(Struct, frozen=True, kw_only=True):
    """The options of `test`, as click reads them."""

    policies: tuple[str, ...]
    pattern: str = "*"
    trust_policy: str | None = None
    trust_store: str | None = None
    outputs: tuple[str, ...] = ()
    coverage: bool = False
    minimum: str | None = None
    mutate: bool = False
    watch: bool = False


class Ran(Struct, frozen=True):
    """What a run found: how the tests went, what they show, and which faults they notice, as far as that was asked."""

    outcomes: Sequence[Outcome]
    coverage: Coverage | None = None
    minimum: Fraction = Fraction()
    mutation: Mutation | None = None

    @property
    def passed(self) -> bool:
        """Whether the tests are as good as was asked for."""
        tests = all(outcome.passed for outcome in self.outcomes)
        shown = self.coverage is None or self.coverage.reaches(self.minimum)
        return tests and shown and (self.mutation is None or self.mutation.passed)


def run(terminal: Terminal, options: Options) -> int:
    """Run the tests of the policies; 0 all pass, 1 one failed or too little is shown or noticed, 5 none was found."""
    from policyengine.cli.coverage import percentage

    wanted = outputs(options.outputs, ("table", "json", "junit", "tap"))
    minimum = percentage(options.minimum)
    return _watch(terminal, options, wanted, minimum) if options.watch else _once(terminal, options, wanted, minimum)


def _watch(terminal: Terminal, options: Options, wanted: Sequence[Output], minimum: Fraction) -> int:
    """Run the tests now and after every change, whatever goes wrong, until Ctrl-C."""
    from time import sleep

    from policyengine.cli.failures import answer
    from policyengine.cli.watching import watch
    from policyengine.errors import PolicyEngineError

    def again() -> int:
        try:
            return _once(terminal, options, wanted, minimum)
        except PolicyEngineError as error:
            return answer(error, ())

    return watch(options.policies, again, lambda: sleep(PAUSE))


def _once(terminal: Terminal, options: Options, wanted: Sequence[Output], minimum: Fraction) -> int:
    policies = PolicySet.load(*options.policies)
    for warning in policies.warnings:
        terminal.warn(f"{warning.span.path}:{warning.span.line}: {warning.message}")
    trust = _trust(options)
    found = list(run_tests(policies, options.pattern, trust))
    if not found:
        what = "no test was found" if options.pattern == "*" else f"no test matches `{options.pattern}`"
        terminal.error(UsageError(what, 'write one: test "…" given … expect …'))
        return NONE_FOUND
    passed = all(outcome.passed for outcome in found)
    if options.mutate and not passed:
        terminal.warn("no fault was tried, because tests fail without one")
    coverage = _coverage(options, policies, trust) if options.coverage or options.minimum else None
    ran = Ran(found, coverage, minimum, _mutation(options, policies, trust) if options.mutate and passed else None)
    for output in wanted:
        put(terminal, output, RENDERERS[output.format](terminal, ran))
    return 0 if ran.passed else FAILED


def _coverage(options: Options, policies: PolicySet, trust: Trust) -> Coverage:
    from policyengine.testing.coverage import measure

    return measure(policies, options.pattern, trust)


def _mutation(options: Options, policies: PolicySet, trust: Trust) -> Mutation:
    from policyengine.testing.mutation import mutate

    return mutate(policies, options.pattern, trust)


def _trust(options: Options) -> Trust:
    policy, store = options.trust_policy, options.trust_store
    return Trust.for_evaluation(Path(policy) if policy else None, Path(store) if store else None)


def _table(terminal: Terminal, ran: Ran) -> str:
    """The failed tests with their reasons (all tests with `-v`), then the count, then what the tests are worth."""
    page = Page(terminal.look())
    for outcome in ran.outcomes:
        if (not outcome.passed or terminal.verbose) and not terminal.quiet:
            _outcome(page, outcome)
    failed = sum(not outcome.passed for outcome in ran.outcomes)
    page.blank()
    number = plural(len(ran.outcomes), "test")
    page.line(
        page.mark("deny" if failed else "allow"), f" {number}: {failed} failed" if failed else f" {number} passed"
    )
    if ran.coverage is not None:
        from policyengine.cli import coverage

        coverage.show(page, ran.coverage, ran.minimum)
    if ran.mutation is not None:
        from policyengine.cli import mutation

        mutation.show(page, ran.mutation)
    return page.text()


def _outcome(page: Page, outcome: Outcome) -> None:
    test = outcome.test
    place = f"  {test.span.path}:{test.span.line}"
    page.line(page.mark("allow" if outcome.passed else "deny"), f" {test.policy}/{test.name}", (place, "dim"))
    for line, text in outcome.failures:
        page.line((f"line {line}: ", "dim"), text, indent=4)


def _json(terminal: Terminal, ran: Ran) -> str:  # noqa: ARG001 # as the others
    report: dict[str, Any] = {"schemaVersion": "1", "tests": [_entry(outcome) for outcome in ran.outcomes]}
    if ran.coverage is not None:
        from policyengine.cli import coverage

        report["coverage"] = coverage.as_json(ran.coverage)
    if ran.mutation is not None:
        from policyengine.cli import mutation

        report["mutation"] = mutation.as_json(ran.mutation)
    return dump(report)


def _entry(outcome: Outcome) -> dict[str, Any]:
    test = outcome.test
    entry = {"name": test.name, "policy": test.policy, "file": test.span.path, "line": test.span.line}
    entry["status"] = "passed" if outcome.passed else "failed"
    return entry if outcome.passed else {**entry, "reason": outcome.reason}


def _junit(terminal: Terminal, ran: Ran) -> str:  # noqa: ARG001 # as the others
    found = ran.outcomes
    policies = dict.fromkeys(outcome.test.policy for outcome in found)
    suites = [Suite(name, [_case(outcome) for outcome in found if outcome.test.policy == name]) for name in policies]
    return document("policyengine test", suites)


def _case(outcome: Outcome) -> Case:
    test = outcome.test
    return Case(test.name, test.policy, test.span.path, test.span.line, failure=outcome.reason)


def _tap(terminal: Terminal, ran: Ran) -> str:  # noqa: ARG001 # as the others
    from policyengine.reports import tap

    return tap.document([_point(outcome) for outcome in ran.outcomes])


def _point(outcome: Outcome) -> tuple[bool, str, str, list[str]]:
    from policyengine.reports import tap

    test = outcome.test
    failures = (f"  - {tap.quoted(f'line {line}: {text}')}" for line, text in outcome.failures)
    details = (
        [] if outcome.passed else [f"at: {tap.quoted(f'{test.span.path}:{test.span.line}')}", "failures:", *failures]
    )
    return outcome.passed, tap.name(f"{test.policy}/{test.name}"), "", details


RENDERERS = {"table": _table, "json": _json, "junit": _junit, "tap": _tap}
