"""Small evidence to evaluate texts of policies against."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from policyengine.decision.combine import combine
from policyengine.decision.model import RuleResult, Violation
from policyengine.evidence.model import (
    Collection,
    Finding,
    Gap,
    Identity,
    Image,
    Package,
    Scan,
    Severity,
    Signature,
    Vex,
)
from policyengine.language import checked
from policyengine.language.compiler import compile_policy
from policyengine.language.evaluation import Outcome
from policyengine.language.interpreter import interpret
from policyengine.language.view import View
from tests.language.problems import program

AT = datetime(2026, 3, 1, tzinfo=UTC)
RELEASE = Identity("x509", (("C", "US"), ("O", "acme"), ("CN", "release")))
DAY = timedelta(days=1)
ONE = Gap("one scan cannot be read", many=False)
MANY = Gap("no usable scan: none is attached")
OUTAGE = Gap("no usable scan: the registry does not answer", outside=True, retry=True)


def policy(text: str) -> checked.Policy:
    """The policy called `p` with the items `text`."""
    return program(f"policy p\n{text}\n").policies[0]


def rule(clauses: str) -> checked.Policy:
    """A policy whose one rule `r` denies by `clauses`."""
    return policy(f'rule r deny "the title"\n  {clauses}')


def view(at: datetime = AT, image: Image | None = None, **collections: Any) -> View:
    """A view; each collection is a `Collection`, or a list of its items."""
    known = {n: c if isinstance(c, Collection) else Collection(tuple(c)) for n, c in collections.items()}
    return View(image or Image("sha256:i", "registry.example.com/prod/app:1"), known, at)


def finding(*ids: str, severity: Severity | None = Severity.HIGH, age: timedelta | None = None, **more: Any) -> Finding:
    published = None if age is None else AT - age
    return Finding(ids or ("CVE-2024-0001",), severity, published=published, **more)


def package(name: str = "a", version: str | None = "1.0.0", **more: Any) -> Package:
    purl = more.pop("purl", f"pkg:npm/{name}@{version}" if version else f"pkg:npm/{name}")
    return Package(name, version, purl=purl, **more)


def vex(*ids: str, status: str | None = "NOT_AFFECTED", products: tuple[str, ...] = ("pkg:npm/a",), **more: Any) -> Vex:
    return Vex(ids or ("CVE-2024-0001",), status, frozenset(products), more.pop("digest", "sha256:v"), **more)


def scan(tool: str = "trivy", **more: Any) -> Scan:
    return Scan(tool, "sarif", more.pop("digest", "sha256:s"), **more)


def signature(identity: Identity = RELEASE) -> Signature:
    return Signature(identity, "cose", "sha256:g")


def evaluate(subject: checked.Policy, seen: View, parameters: Any = None, environment: str | None = None) -> Outcome:
    """What the generated code says; the interpreter must agree."""
    given = parameters or {}
    outcome = compile_policy(subject).bind(given, environment)._evaluate(seen)
    assert outcome == interpret(subject, seen, given, environment)
    return outcome


def result(subject: checked.Policy, seen: View, **more: Any) -> RuleResult:
    """What the first rule says."""
    return evaluate(subject, seen, **more).rules[0]


def violations(clauses: str, seen: View) -> tuple[Violation, ...]:
    """The violations of a rule with `clauses`."""
    return result(rule(clauses), seen).violations


def state(clauses: str, seen: View) -> str:
    """Whether a rule with `clauses` is passed, violated, undetermined or not applicable."""
    return result(rule(clauses), seen).status


def decision(subject: checked.Policy, seen: View) -> str:
    outcome = evaluate(subject, seen)
    return combine(outcome.rules, int(outcome.applies))[0]
