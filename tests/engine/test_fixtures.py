"""The rehearsed images: real tools made them, and each has one decision that is right."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import policyengine
from policyengine import Decision, Layout, PolicySet, Trust, evaluate
from tests import command
from tests.engine.deciding import rules

REPOSITORY = "registry.example.com/prod/order-api"
EXIT = {"allow": 0, "deny": 1, "error": 3}
SCHEMA = Path(policyengine.__file__).parent / "schemas" / "decision-v1.json"
Case = Mapping[str, Any]


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "fixtures"


@pytest.fixture(scope="module")
def policies(fixtures: Path) -> PolicySet:
    return PolicySet.load(fixtures / "policies")


@pytest.fixture(scope="module")
def trust(fixtures: Path) -> Trust:
    return Trust.load(fixtures / "notation" / "trustpolicy.json", fixtures / "notation" / "truststore")


@pytest.fixture(scope="module")
def cases(fixtures: Path) -> dict[str, Case]:
    return {case["case"]: case for case in json.loads((fixtures / "cases.json").read_bytes())}


def expected(case: Case) -> tuple[str, set[str], set[str], int]:
    """Decision, violated rules, undetermined ones, exit code."""
    return case["decision"], set(case["violated"]), set(case["undetermined"]), EXIT[case["decision"]]


def decided(case: Case, layout: Path | Layout, policies: PolicySet, trust: Trust) -> Decision:
    """The decision about `case` in its folder of the layouts, or in another layout."""
    return evaluate(
        f"{REPOSITORY}@{case['digest']}",
        policies,
        trust=trust,
        registry=Layout(layout / "layouts" / case["case"]) if isinstance(layout, Path) else layout,
        at=datetime.fromisoformat(case["at"]),
        platform=case["platform"],
    )


def summary(decision: Decision) -> tuple[str, set[str], set[str], int]:
    return decision.decision, rules(decision, "violated"), rules(decision, "undetermined"), decision.exit_code


def test_every_case(fixtures: Path, policies: PolicySet, trust: Trust, cases: dict[str, Case]) -> None:
    found = {name: summary(decided(case, fixtures, policies, trust)) for name, case in cases.items()}

    assert found.keys() == {layout.name for layout in (fixtures / "layouts").iterdir()}
    assert {name: (each, cases[name]["why"]) for name, each in found.items() if each != expected(cases[name])} == {}


@pytest.mark.parametrize(
    "name", ["good-cose", "good-jws", "vulnerable", "stranger", "multi-arch", "multi-arch-amd64", "evidence-on-index"]
)
def test_the_command_says_the_same(name: str, fixtures: Path, cases: dict[str, Case]) -> None:
    case = cases[name]
    platform = ["--platform", case["platform"]] if case["platform"] else []
    finished = command.policyengine(
        "eval", "--oci-layout", f"{fixtures / 'layouts' / name}@{case['digest']}", "--repository", REPOSITORY,
        fixtures / "policies", "--trust-policy", fixtures / "notation" / "trustpolicy.json",
        "--trust-store", fixtures / "notation" / "truststore", "--at", case["at"], "-o", "json", *platform,
    )  # fmt: skip
    report = finished.json
    states = {rule["id"].removeprefix("order-api."): rule["status"] for rule in report["rules"]}

    assert (
        report["decision"],
        {rule for rule, status in states.items() if status == "violated"},
        {rule for rule, status in states.items() if status == "undetermined"},
        finished.code,
    ) == expected(case)
    assert [error.message for error in validator().iter_errors(report)] == []
    assert report["subject"]["digest"] == case["digest"]


def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(("name", "warned"), [("mislabelled", True), ("tag-value", True), ("good-cose", False)])
def test_what_a_document_is_against_its_type_is_a_warning(
    name: str, warned: bool, fixtures: Path, policies: PolicySet, trust: Trust, cases: dict[str, Case]
) -> None:
    decision = decided(cases[name], fixtures, policies, trust)

    assert any("under the artifact type application/spdx+json" in warning for warning in decision.warnings) == warned


def test_an_index_names_its_platforms(
    fixtures: Path, policies: PolicySet, trust: Trust, cases: dict[str, Case]
) -> None:
    decision = decided(cases["multi-arch"], fixtures, policies, trust)

    assert {each.platform: each.decision for each in decision.platforms} == {
        "linux/amd64": "allow",
        "linux/arm64": "deny",
    }
    assert {violation.platform for violation in decision.violations} == {"linux/arm64"}


def test_the_same_evidence_gives_the_same_decision(
    fixtures: Path, policies: PolicySet, trust: Trust, cases: dict[str, Case]
) -> None:
    for name in ("junk-referrers", "multi-arch", "rescanned-clean"):
        assert decided(cases[name], fixtures, policies, trust) == decided(cases[name], fixtures, policies, trust)


@pytest.mark.parametrize("name", ["good-jws", "vulnerable", "tampered-sbom", "multi-arch", "junk-referrers"])
def test_a_layout_in_a_tar_archive_is_the_same(
    name: str, tmp_path: Path, fixtures: Path, policies: PolicySet, trust: Trust, cases: dict[str, Case]
) -> None:
    with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
        archive.add(fixtures / "layouts" / name, arcname=".")
    folder, packed = Layout(fixtures / "layouts" / name), Layout(tmp_path / f"{name}.tar")

    assert decided(cases[name], packed, policies, trust) == decided(cases[name], folder, policies, trust)
