"""What `test` does: compile, run the tests, and show how they went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from policyengine.cli.output import outputs, put
from policyengine.cli.terminal import Terminal
from policyengine.errors import UsageError
from policyengine.language.policyset import PolicySet
from policyengine.reports.json import dump
from policyengine.reports.junit import Case, Suite, document
from policyengine.reports.look import Page
from policyengine.reports.wording import plural
from policyengine.testing.runner import Outcome, run_tests
from policyengine.verification.trust import Trust

FAILED = 1
NONE_FOUND = 5
"""pytest's exit code where no test was found: nothing that was evaluated is not a pass."""


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


def run(terminal: Terminal, options: Options) -> int:
    """Run the tests of the policies; 0 all pass, 1 one failed, 5 none was found."""
    for wanted, name in ((options.coverage or options.minimum, "--coverage"), (options.mutate, "--mutate")):
        if wanted:
            raise UsageError(f"{name} is not there yet", "run the tests without it")
    wanted_outputs = outputs(options.outputs, ("table", "json", "junit"))
    policies = PolicySet.load(*options.policies)
    for warning in policies.warnings:
        terminal.warn(f"{warning.span.path}:{warning.span.line}: {warning.message}")
    found = list(run_tests(policies, options.pattern, _trust(options)))
    if not found:
        what = "no test was found" if options.pattern == "*" else f"no test matches `{options.pattern}`"
        terminal.error(UsageError(what, 'write one: test "…" given … expect …'))
        return NONE_FOUND
    for output in wanted_outputs:
        put(terminal, output, RENDERERS[output.format](terminal, found))
    return 0 if all(outcome.passed for outcome in found) else FAILED


def _trust(options: Options) -> Trust:
    policy, store = options.trust_policy, options.trust_store
    return Trust.for_evaluation(Path(policy) if policy else None, Path(store) if store else None)


def _table(terminal: Terminal, found: Sequence[Outcome]) -> str:
    """The failed tests with their reasons (all tests with `-v`), then the count."""
    page = Page(terminal.look())
    for outcome in found:
        if (not outcome.passed or terminal.verbose) and not terminal.quiet:
            _outcome(page, outcome)
    failed = sum(not outcome.passed for outcome in found)
    page.blank()
    count = f"{plural(len(found), 'test')}: {failed} failed" if failed else f"{plural(len(found), 'test')} passed"
    page.line(page.mark("deny" if failed else "allow"), f" {count}")
    return page.text()


def _outcome(page: Page, outcome: Outcome) -> None:
    test = outcome.test
    place = f"  {test.span.path}:{test.span.line}"
    page.line(page.mark("allow" if outcome.passed else "deny"), f" {test.policy}/{test.name}", (place, "dim"))
    for line, text in outcome.failures:
        page.line((f"line {line}: ", "dim"), text, indent=4)


def _json(terminal: Terminal, found: Sequence[Outcome]) -> str:  # noqa: ARG001 # as the others
    return dump({"schemaVersion": "1", "tests": [_entry(outcome) for outcome in found]})


def _entry(outcome: Outcome) -> dict[str, Any]:
    test = outcome.test
    entry = {"name": test.name, "policy": test.policy, "file": test.span.path, "line": test.span.line}
    entry["status"] = "passed" if outcome.passed else "failed"
    return entry if outcome.passed else {**entry, "reason": outcome.reason}


def _junit(terminal: Terminal, found: Sequence[Outcome]) -> str:  # noqa: ARG001 # as the others
    policies = dict.fromkeys(outcome.test.policy for outcome in found)
    suites = [Suite(name, [_case(outcome) for outcome in found if outcome.test.policy == name]) for name in policies]
    return document("policyengine test", suites)


def _case(outcome: Outcome) -> Case:
    test = outcome.test
    return Case(test.name, test.policy, test.span.path, test.span.line, failure=outcome.reason)


RENDERERS = {"table": _table, "json": _json, "junit": _junit}
