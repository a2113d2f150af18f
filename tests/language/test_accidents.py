"""Accidents that let images through in other policy languages: here each is a compile error, or denies.

The first twelve were reproduced with OPA 1.14.1 and Cedar 4.12, the last three are CEL's; `docs/accidents.md` tells
their stories. The evidence is always one critical finding with a fix and without a package URL, and one package
without a licence: in the other languages each rule below finds nothing wrong with it, and says nothing.
"""

from __future__ import annotations

import pytest

from policyengine.errors import UsageError
from policyengine.language.policyset import PolicySet
from policyengine.testing.runner import run_tests
from tests.language.problems import errors, warnings

FINDING = 'given finding { id: "CVE-2024-0001", severity: CRITICAL, fix: "1.2.3" }'
PACKAGE = 'given package { name: "left-pad", version: "1.3.0" }'


def policy(clauses: str, items: str = "") -> str:
    return f'policy p\n{items}\nrule r deny "t"\n  {clauses}\n'


def refused(clauses: str, *words: str, items: str = "") -> bool:
    """Whether the rule does not compile, for a reason that names all of `words`."""
    said = " ".join(text for _, text in errors(policy(clauses, items)))
    assert said, "it compiles"
    return all(word in said for word in words)


def denies(clauses: str, state: str = "deny", containing: str = "", items: str = "") -> bool:
    """Whether the rule denies an image with the evidence: definitely, or `undetermined` with a reason."""
    expected = f'expect deny expect {state} by r containing "{containing}"'
    text = policy(clauses, items) + f'test "t" {FINDING} {PACKAGE} {expected}\n'
    (outcome,) = run_tests(PolicySet.parse(text))
    assert outcome.passed, outcome.reason
    return True


def test_the_evidence_is_denied_by_the_right_rule() -> None:
    assert denies("forbid finding where finding.severity is CRITICAL and finding.fix is present")


# ---------------------------------------------------------------------------- ten of OPA


def test_a_typo_in_a_path() -> None:
    assert refused("forbid finding where finding.severty is CRITICAL", "severty", "severity")
    assert refused("for each scan in scans forbid f in scan.results where f.fix is present", "results", "findings")
    assert refused("forbid f in findngs where f.severity is CRITICAL", "findngs", "findings")


def test_a_missing_value_in_a_message() -> None:
    clauses = 'forbid finding where finding.severity is CRITICAL message "{finding.id} in {finding.package.purl}"'

    assert denies(clauses, containing="CVE-2024-0001 in <no purl>")


def test_a_misspelt_severity() -> None:
    assert refused("forbid finding where finding.severity is CRITCAL", "CRITCAL", "CRITICAL")
    assert refused('forbid finding where finding.severity is "critcal"', "severity")


def test_not_equal_to_what_is_missing() -> None:
    assert denies('forbid package where package.license is not "MIT"', "undetermined", "license")


def test_a_list_that_was_not_loaded() -> None:
    assert refused("forbid finding where finding.id in blocked.cves", "blocked", items="import blocked")
    assert refused("forbid finding where finding.id in blocked", "blocked")

    required = policy("forbid finding where finding.id in blocked", "param blocked: set of vulnerability")
    with pytest.raises(UsageError, match="blocked"):
        PolicySet.parse(required).settle(None, {})


def test_a_conversion_that_fails() -> None:
    assert refused("forbid finding where finding.severity > 7", "severity", "int")
    assert refused('forbid finding where finding.title > "7"', "does not compare")
    assert denies("forbid finding where finding.cvss > 7", "undetermined", "cvss")


def test_some_element_where_none_was_meant() -> None:
    assert denies('require every package in packages satisfies package.license is "MIT"', "undetermined")
    assert denies('require no package where package.license is not "MIT"', "undetermined")


def test_not_in_a_set() -> None:
    assert denies('forbid package where not (package.license in { "MIT" })', "undetermined")
    assert denies('forbid package where package.license not in { "MIT" }', "undetermined")


def test_not_of_a_built_in_function() -> None:
    assert denies('forbid package where not package.license permitted by { "MIT" }', "undetermined")
    assert denies('forbid package where not (package.supplier matches "acme*")', "undetermined")


def test_not_of_a_function_of_ones_own() -> None:
    ok = 'define ok(p: package): bool = p.license permitted by { "MIT" }'

    assert denies("forbid package where not ok(package)", "undetermined", items=ok)


# ---------------------------------------------------------------------------- two of Cedar


def test_in_that_is_not_what_it_seems() -> None:
    assert refused('forbid finding where finding.severity in { "CRITICAL" }', "without quotes", "CRITICAL")
    assert refused("forbid finding where finding.severity in CRITICAL", "set of severity")
    assert denies("forbid finding where finding.severity in { CRITICAL }")


def test_a_rule_that_errs_is_skipped() -> None:
    assert denies('forbid package where package.license is "AGPL-3.0-only"', "undetermined")
    assert denies('forbid package where image.labels["licence"] is "AGPL-3.0-only"', "undetermined")


# ---------------------------------------------------------------------------- three of CEL


def test_all_of_nothing() -> None:
    every = "require every provenance satisfies provenance.builder is image.registry"
    signatures = "require every signature in image.signatures satisfies signature.timestamped"

    assert denies(every, "undetermined", "no usable provenance")
    assert warnings(policy(signatures)) == [(4, "W202")]


def test_errors_that_another_element_hides() -> None:
    text = policy("require every finding satisfies finding.severity is not HIGH") + (
        f'test "t" {FINDING} given finding {{ id: "CVE-2024-0002" }} expect undetermined by r\n'
    )

    assert [outcome.reason for outcome in run_tests(PolicySet.parse(text))] == [None]


def test_numbers_as_texts() -> None:
    assert refused('forbid finding where finding.title > "10.0"', "does not compare")

    text = policy("forbid finding where finding.cvss > 7.0")
    ten = 'test "t" given finding { id: "CVE-2024-0001", cvss: 10.0 } expect deny by r 1 times\n'
    assert [outcome.reason for outcome in run_tests(PolicySet.parse(text + ten))] == [None]
