import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.example import TRUST
from tests.command import policyengine
from tests.example import POLICIES

POLICY = """policy p
rule high deny "no high finding"
  forbid finding where finding.severity >= HIGH
test "clean passes" given scan {} expect allow
test "high is denied" given finding { id: "CVE-2024-0001", severity: HIGH } expect deny by high
"""
FAILING = POLICY + 'test "wrong <&>" given scan {}\n  expect deny\n'


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.policy"
    path.write_text(POLICY)
    return path


def test_the_example_passes_its_tests() -> None:
    ran = policyengine("test", POLICIES)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("tests passed\n")


def test_what_passed_is_counted_and_named_when_asked(policy: Path) -> None:
    assert policyengine("test", policy).out == "✓ 2 tests passed\n"
    assert "✓ p/high is denied" in policyengine("test", "-v", policy).out


def test_a_failed_test_is_named_with_what_came_instead(policy: Path) -> None:
    policy.write_text(FAILING)
    ran = policyengine("test", policy)
    assert ran.code == 1
    assert f"✗ p/wrong <&>  {policy}:6" in ran.out
    assert "line 7: expected `deny`, but the decision is allow" in ran.out
    assert ran.out.endswith("✗ 3 tests: 1 failed\n")


def test_as_json_and_junit(policy: Path, tmp_path: Path) -> None:
    policy.write_text(FAILING)
    ran = policyengine("test", policy, "-o", "json", "-o", f"junit={tmp_path / 'tests.xml'}")
    assert ran.code == 1
    assert [each["status"] for each in ran.json["tests"]] == ["passed", "passed", "failed"]
    assert list(ran.json["tests"][2]) == ["name", "policy", "file", "line", "status", "reason"]
    assert ran.json["tests"][2]["reason"] == "expected `deny`, but the decision is allow"
    root = ET.parse(tmp_path / "tests.xml").getroot()
    assert (root.attrib["tests"], root.attrib["failures"]) == ("3", "1")
    assert root.find(".//testcase[@name='wrong <&>']/failure") is not None


def test_only_those_that_match(policy: Path) -> None:
    policy.write_text(FAILING)
    assert policyengine("test", policy, "--run", "*pass*").out == "✓ 1 test passed\n"
    assert policyengine("test", policy, "--run", "p/wrong*").code == 1


def test_no_test_is_not_a_pass(policy: Path) -> None:
    nothing = policyengine("test", policy, "--run", "nothing*")
    assert (nothing.code, nothing.out) == (5, "")
    assert "no test matches `nothing*`" in nothing.err
    policy.write_text('policy p rule r deny "t" require image is signed')
    assert policyengine("test", policy).code == 5


def test_what_does_not_compile_is_shown(policy: Path) -> None:
    policy.write_text(POLICY + 'test "a" expect deny by hihg')
    ran = policyengine("test", policy)
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean `high`?" in ran.err


def test_layouts_are_verified_by_the_trust_that_is_named(tmp_path: Path) -> None:
    from tests.example import LAYOUT, REPOSITORY

    policy = tmp_path / "p.policy"
    policy.write_text(f"""policy p
      rule signed deny "t" require image is signed
      test "a" at 2026-11-22T20:00:00Z given image {{ repository: "{REPOSITORY}" }} given layout "{LAYOUT}:clean"
        expect allow""")
    assert policyengine("test", policy, *TRUST).code == 0
    assert policyengine("test", policy).code == 1


def test_hostile_names_give_no_orders(policy: Path) -> None:
    policy.write_text(POLICY + 'test "##vso[task.complete result=Succeeded;]" given scan {} expect deny')
    ran = policyengine("test", policy)
    assert ran.code == 1
    assert "##vso[" not in ran.out
    assert "##vso[" not in policyengine("test", policy, "-o", "json").out
    assert json.loads(policyengine("test", policy, "-o", "json").out)["tests"][2]["name"].startswith("##vso[")
