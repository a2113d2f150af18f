"""What `-o json` says of real images is what the published schema promises."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import policyengine
from policyengine.cli.main import run
from tests.cli.example import CLEAN, TRUST, VULNERABLE
from tests.example import AT, POLICIES, REPOSITORY

VALIDATOR = Draft202012Validator(
    json.loads((Path(policyengine.__file__).parent / "schemas/decision-v1.json").read_text())
)


def decisions(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    run(["eval", "--oci-layout", *map(str, arguments), "-o", "json"])
    document = json.loads(capsys.readouterr().out)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    return document


def test_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    found = decisions(capsys, CLEAN, VULNERABLE, POLICIES, *TRUST, "--at", AT, "--repository", REPOSITORY)
    assert [each["decision"] for each in found["decisions"]] == ["allow", "deny"]


def test_every_rehearsed_image(capsys: pytest.CaptureFixture[str], shared: Path) -> None:
    fixtures = shared / "fixtures"
    notation = fixtures / "notation"
    trust = ("--trust-policy", notation / "trustpolicy.json", "--trust-store", notation / "truststore")
    cases = json.loads((fixtures / "cases.json").read_text())
    assert cases
    for case in cases:
        image = f"{fixtures / 'layouts' / case['case']}@{case['digest']}"
        platform = ("--platform", case["platform"]) if case["platform"] else ()
        found = decisions(capsys, image, fixtures / "policies", *trust, "--at", case["at"], *platform)
        assert found["decision"] == case["decision"], case["case"]
