"""Ten rules over ten thousand findings and fifty thousand packages, against a loop that somebody wrote for just these.

The figure is the ratio of the two, taken in one run; the target is 1.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from time import process_time
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from policyengine.evidence.licenses import license_set
from policyengine.evidence.model import Collection, Finding, Image, Package, Severity
from policyengine.language.compiler import Evaluator, compile_policy
from policyengine.language.policyset import check
from policyengine.language.source import Source
from policyengine.language.view import View

AT = datetime(2026, 3, 1, tzinfo=UTC)
TARGET = 1.5
ROUNDS = 7
POLICY = """
policy ten
let never = { "CVE-2021-44228", "CVE-2024-3094", "CVE-2014-0160" }
let fine = { "MIT", "Apache-2.0", "BSD-3-Clause", "ISC" }
rule fixable deny "t" forbid finding where finding.severity >= HIGH and finding.fix is present and finding.age > 14 days
rule never deny "t" forbid finding where finding.id in never
rule backlog deny "t" forbid more than 50 finding where finding.severity is MEDIUM and finding.cvss >= 6.9
rule secrets deny "t" forbid finding where finding.category is SECRET
rule worst deny "t" forbid finding where finding.cvss >= 9.9 and not finding.suppressed
rule core deny "t" forbid finding where finding.severity is CRITICAL and finding.package.name in { "openssl", "glibc" }
rule licenses deny "t" forbid package where not package.license permitted by fine
rule network deny "t" forbid package where package.license requires any of { "AGPL-3.0-only" }
rule files deny "t" forbid package where package.kind is FILE and package.purl is missing
rule names deny "t" forbid package where package.name is "left-pad" or package.version is missing
"""
NEVER = frozenset({"CVE-2021-44228", "CVE-2024-3094", "CVE-2014-0160"})
FINE = license_set(["MIT", "Apache-2.0", "BSD-3-Clause", "ISC"])
NETWORK = license_set(["AGPL-3.0-only"])
LICENSES = ("MIT", "Apache-2.0", "BSD-3-Clause", "ISC", "MIT OR GPL-3.0-only", "MIT AND ISC")


def facts() -> View:
    """Evidence of a large image in which little is wrong."""
    random = Random(1)
    packages = tuple(
        Package(
            f"package-{n}", f"1.{n % 90}.0", purl=f"pkg:npm/package-{n}@1.{n % 90}.0",
            license="GPL-3.0-only" if n % 5000 == 0 else random.choice(LICENSES),
        )
        for n in range(50_000)
    )  # fmt: skip
    severities = (Severity.LOW, Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
    findings = tuple(
        Finding(
            (f"CVE-2024-{10_000 + n}",), None if n % 1000 == 0 else random.choice(severities),
            Decimal(random.randrange(10, 98)) / 10, packages[n], "2.0" if n % 3 == 0 else None,
            published=AT - timedelta(days=random.randrange(15 if n % 50 == 0 else 14)),
        )
        for n in range(10_000)
    )  # fmt: skip
    return View(Image("sha256:i"), {"findings": Collection(findings), "packages": Collection(packages)}, AT)


def by_hand(view: View) -> list[list[Any]]:
    """The same ten rules, written as one would write them for speed: what fires, and whether that is certain."""
    return [*findings_by_hand(view.collection("findings").items, view.at), *packages_by_hand(view)]


def findings_by_hand(items: Iterable[Finding], at: datetime) -> list[list[Any]]:
    hits: list[list[Any]] = [[] for _ in range(6)]
    fixable, never, backlog, secrets, worst, core = (hit.append for hit in hits)
    limit, high, medium = timedelta(days=14), Decimal("9.9"), Decimal("6.9")
    for finding in items:
        severity, cvss = finding.severity, finding.cvss
        if (severity is None or severity >= 3) and finding.fix is not None:
            published = finding.published
            if published is None or published > at or at - published > limit:
                fixable((finding, severity is not None and published is not None and published <= at))
        if not NEVER.isdisjoint(finding.ids):
            never((finding, True))
        if (severity is None or severity == 2) and (cvss is None or cvss >= medium):
            backlog((finding, severity is not None and cvss is not None))
        if finding.category == "SECRET":
            secrets((finding, True))
        if (cvss is None or cvss >= high) and not finding.suppressed:
            worst((finding, cvss is not None))
        if severity is None or severity == 4:
            package = finding.package
            if package is None or package.name in ("openssl", "glibc"):
                core((finding, severity is not None and package is not None))
    return hits


def packages_by_hand(view: View) -> list[list[Any]]:
    hits: list[list[Any]] = [[] for _ in range(4)]
    licenses, network, files, names = (hit.append for hit in hits)
    permits, requires = FINE.permits, NETWORK.requires
    for package in view.collection("packages").items:
        license_ = package.license
        if (answer := permits[license_]) is not True:
            licenses((package, answer is False))
        if (answer := requires[license_]) is not False:
            network((package, answer is True))
        if package.kind == "FILE" and package.purl is None:
            files((package, True))
        if package.name == "left-pad" or package.version is None:
            names((package, True))
    return hits


def evaluator() -> Evaluator:
    program, found = check([Source("ten.policy", POLICY)])
    assert [problem for problem in found if problem.severity == "error"] == []
    return compile_policy(program.policies[0]).bind({})


def fastest(run: Callable[[], object]) -> float:
    """The least CPU time of several runs, in seconds."""
    times = []
    for _ in range(ROUNDS):
        begin = process_time()
        run()
        times.append(process_time() - begin)
    return min(times)


def test_ten_rules_against_a_loop_by_hand(benchmark: BenchmarkFixture) -> None:
    view, rules = facts(), evaluator()
    outcome = rules.evaluate(view)
    expected = [len(hits) for hits in by_hand(view)]
    expected[2] = 1  # a backlog is one violation, however long
    assert [len(rule.violations) for rule in outcome.rules] == expected

    benchmark.pedantic(lambda: rules.evaluate(view), rounds=ROUNDS, warmup_rounds=1)

    ratio = fastest(lambda: rules.evaluate(view)) / fastest(lambda: by_hand(view))
    benchmark.extra_info["ratio"] = round(ratio, 2)
    benchmark.extra_info["target"] = TARGET
    print(f"evaluate: {ratio:.2f} times the loop by hand (target {TARGET})")
