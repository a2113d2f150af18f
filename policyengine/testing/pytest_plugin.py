"""A plugin for pytest: the tests in policies are items like any other.

It collects from what the command line (or `testpaths`) names: `*.policy` files, and folders that hold no Python. Where
pytest runs on anything else it does nothing. The files and folders together are the policy set, as for
`policyengine test`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from policyengine.language.checked import Test
    from policyengine.language.policyset import PolicySet
    from policyengine.testing.runner import Outcome

SUFFIX = ".policy"
SET: pytest.StashKey[PolicySet] = pytest.StashKey()
ROOTS: pytest.StashKey[list[Path]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Whose signatures count for `given layout`."""
    group = parser.getgroup("policyengine", "tests in policies")
    group.addoption("--policyengine-trust-policy", metavar="FILE", help="Notation's trustpolicy.json")
    group.addoption("--policyengine-trust-store", metavar="DIR", help="the folder that contains x509/ca/…")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PolicyFile | None:
    """The file, if it holds policies and pytest was asked to run them."""
    if file_path.suffix != SUFFIX or not any(_within(file_path, root) for root in _roots(parent.config)):
        return None
    collected: PolicyFile = PolicyFile.from_parent(parent, path=file_path)
    return collected


def _within(path: Path, root: Path) -> bool:
    return path == root or root in path.parents


def _roots(config: pytest.Config) -> list[Path]:
    """The policy files, and the folders of nothing but policies, that pytest was asked to run."""
    if ROOTS not in config.stash:
        named = (config.invocation_params.dir / argument.partition("::")[0] for argument in config.args)
        config.stash[ROOTS] = [path for path in map(_absolute, named) if _of_policies(path)]
    return config.stash[ROOTS]


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 # links stay as they are, as in pytest's own paths


def _of_policies(path: Path) -> bool:
    if not path.is_dir():
        return path.suffix == SUFFIX
    return not any(name.endswith(".py") for _, _, names in os.walk(path) for name in names)


def _policies(config: pytest.Config) -> PolicySet:
    """The policy set of this run, compiled once; raises `PolicyEngineError`."""
    if SET not in config.stash:
        from policyengine.language.policyset import PolicySet

        config.stash[SET] = PolicySet.load(*_roots(config))
    return config.stash[SET]


class PolicyFile(pytest.File):
    """A file of a policy set, with the tests in it."""

    def collect(self) -> Iterator[PolicyTest]:
        """The tests of this file; what does not compile is an error of the file that it is in."""
        from policyengine.errors import PolicyEngineError

        try:
            tests = _policies(self.config).tests
        except PolicyEngineError as error:
            raise self.CollectError(self._complaint(error)) from None
        for test in tests:
            if _absolute(Path(test.span.path)) == self.path:
                yield PolicyTest.from_parent(self, name=test.name, test=test)

    def _complaint(self, error: Any) -> str:
        """What is wrong here, or that it is elsewhere."""
        from policyengine.language import render
        from policyengine.language.source import read

        found = [each for each in getattr(error, "diagnostics", ()) if _absolute(Path(each.span.path)) == self.path]
        own = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
        return render.text(own, [read(self.path)]) if own else str(error.message)


class PolicyTest(pytest.Item):
    """One test of a policy."""

    def __init__(self, *, test: Test, **more: Any) -> None:
        super().__init__(**more)
        self.subject = test

    def runtest(self) -> None:
        """Decide and compare."""
        from policyengine.testing.runner import only, outcome

        policies = _policies(self.config)
        name = self.subject.policy
        policy = next(policy for policy in policies.program.policies if policy.name == name)
        found = outcome(self.subject, policy, only(policies, name), self._trust())
        if not found.passed:
            raise Unfulfilled(found)

    def _trust(self) -> Any:
        from policyengine.verification.trust import Trust

        given = (self.config.getoption(f"policyengine_trust_{name}") for name in ("policy", "store"))
        return Trust.for_evaluation(*(Path(path) if path else None for path in given))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The test as it is written, with the reason below each line that does not hold."""
        from policyengine.errors import PolicyEngineError

        if isinstance(excinfo.value, Unfulfilled):
            return "\n".join(self._lines(excinfo.value.outcome))
        if isinstance(excinfo.value, PolicyEngineError):
            return str(excinfo.value.message)
        return super().repr_failure(excinfo, style)

    def _lines(self, outcome: Outcome) -> Iterator[str]:
        from policyengine.language.source import read

        span, source = self.subject.span, read(self.path)
        reasons: dict[int, list[str]] = {}
        for line, text in outcome.failures:
            reasons.setdefault(line, []).append(text)
        for number in range(span.line, span.end_line + 1):
            yield f"{'>' if number in reasons else ' '} {source.line(number)}".rstrip()
            yield from (f"E     {text}" for text in reasons.get(number, ()))
        yield ""
        yield f"{self.path}:{outcome.failures[0][0]}: {outcome.failures[0][1]}"

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test is, counted from 0, and what it is called."""
        return self.path, self.subject.span.line - 1, f"{self.subject.policy}/{self.subject.name}"


class Unfulfilled(Exception):
    """A test whose expectations do not hold."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome
