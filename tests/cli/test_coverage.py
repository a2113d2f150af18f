"""`test --coverage`, `--min` and `--mutate`, as authors and pipelines see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import policyengine

POLICY = """policy p
rule high deny "no fixable high finding"
  forbid finding where finding.severity >= HIGH and finding.fix is present
test "high is denied" given finding { id: "CVE-2024-0001", severity: HIGH, fix: "1" } expect deny by high
"""
REST = """
test "what is not high" given finding { id: "CVE-2024-0001", severity: MEDIUM, fix: "1" } expect allow
test "what has no fix" given finding { id: "CVE-2024-0001", severity: HIGH } expect allow
test "what nobody rated" given finding { id: "CVE-2024-0001", fix: "1" } expect undetermined by high
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.policy"
    path.write_text(POLICY)
    return path


def test_each_rule_is_shown_with_what_no_test_shows(policy: Path) -> None:
    ran = policyengine("test", policy, "--coverage")
    assert ran.code == 0
    assert "✓ 2 of 5 outcomes of conditions are shown: 40 %\n" in ran.out
    assert f"? p.high  {policy}:2  violated\n" in ran.out
    assert f"{policy}:3:24: no test shows `finding.severity >= HIGH` false or unknown\n" in ran.out
    assert f"{policy}:3:53: no test shows `finding.fix is present` false\n" in ran.out


def test_too_little_coverage_fails(policy: Path) -> None:
    assert policyengine("test", policy, "--coverage", "--min", "40").code == 0
    ran = policyengine("test", policy, "--min", "40.1")
    assert ran.code == 1
    assert "✗ 2 of 5 outcomes of conditions are shown: 40 %, and 40.1 % are wanted\n" in ran.out
    policy.write_text(POLICY + REST)
    assert policyengine("test", policy, "--coverage", "--min", "100").code == 0


@pytest.mark.parametrize("text", ["x", "-1", "101", "1e2", "1/3", "nan", "٥"])
def test_what_is_no_percentage_is_refused(policy: Path, text: str) -> None:
    ran = policyengine("test", policy, "--coverage", f"--min={text}")
    assert (ran.code, ran.out) == (2, "")
    assert "is no percentage" in ran.err


def test_a_rule_that_no_test_reaches_is_said_to_be_unseen(policy: Path) -> None:
    (policy.parent / "q.policy").write_text('policy q rule r deny "t" require image is signed')
    ran = policyengine("test", policy.parent, "--coverage")
    assert f"? q.r  {policy.parent / 'q.policy'}:1  nothing was seen of it\n" in ran.out


def test_quiet_shows_the_verdicts_alone(policy: Path) -> None:
    ran = policyengine("test", policy, "--coverage", "--mutate", "-q")
    assert ran.out.splitlines() == [
        "✓ 1 test passed",
        "✓ 2 of 5 outcomes of conditions are shown: 40 %",
        "✗ 2 of 6 faults are noticed",
    ]


def test_coverage_as_json(policy: Path) -> None:
    found = policyengine("test", policy, "--coverage", "-o", "json").json
    assert list(found) == ["schemaVersion", "tests", "coverage"]
    coverage = found["coverage"]
    assert list(coverage) == ["percent", "shown", "wanted", "parts"]
    assert (coverage["percent"], coverage["shown"], coverage["wanted"]) == (40.0, 2, 5)
    (part,) = coverage["parts"]
    assert {name: part[name] for name in ("kind", "name", "file", "line", "states")} == {
        "kind": "rule", "name": "p.high", "file": str(policy), "line": 2, "states": ["violated"],
    }  # fmt: skip
    assert part["conditions"][1] == {
        "text": "finding.fix is present", "file": str(policy), "line": 3, "column": 53, "endLine": 3, "endColumn": 75,
        "wanted": ["true", "false"], "seen": ["true"],
    }  # fmt: skip


# ---------------------------------------------------------------------------- faults


def test_faults_that_nobody_notices_fail_and_are_explained(policy: Path) -> None:
    ran = policyengine("test", policy, "--mutate")
    assert ran.code == 1
    assert "✗ 2 of 6 faults are noticed\n" in ran.out
    assert f"{policy}:3:53: `finding.fix is present` was dropped, and no test fails\n" in ran.out
    assert "a test would have to show: a case where only `finding.fix is present` is false\n" in ran.out


def test_faults_that_all_are_noticed_pass(policy: Path) -> None:
    policy.write_text(POLICY + REST)
    ran = policyengine("test", policy, "--mutate")
    assert (ran.code, ran.out) == (0, "✓ 4 tests passed\n✓ 6 of 6 faults are noticed\n")


def test_faults_as_json(policy: Path) -> None:
    ran = policyengine("test", policy, "--mutate", "-o", "json")
    mutation = ran.json["mutation"]
    assert (ran.code, mutation["tried"], mutation["noticed"], mutation["untried"], mutation["untested"]) == (
        1, 6, 2, 0, [],
    )  # fmt: skip
    assert list(mutation["survivors"][0]) == ["file", "line", "column", "endLine", "endColumn", "fault", "show"]


def test_no_fault_is_tried_where_tests_fail_already(policy: Path) -> None:
    policy.write_text(POLICY + 'test "wrong" given scan {} expect deny')
    ran = policyengine("test", policy, "--mutate")
    assert ran.code == 1
    assert "no fault was tried, because tests fail without one" in ran.err
    assert "noticed" not in ran.out


def test_a_policy_without_a_test_is_no_proof(policy: Path) -> None:
    policy.write_text(POLICY + REST)
    (policy.parent / "q.policy").write_text('policy q rule r deny "t" require image is signed')
    ran = policyengine("test", policy.parent, "--mutate")
    assert ran.code == 1
    assert "q has no test: no fault of it would be noticed" in ran.out
    assert policyengine("test", policy.parent, "--mutate", "--run", "p/*").code == 0


# ---------------------------------------------------------------------------- TAP


def test_as_tap(policy: Path) -> None:
    policy.write_text(POLICY + 'test "wrong # one" given scan {}\n  expect deny\n')
    ran = policyengine("test", policy, "-o", "tap")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "TAP version 14",
        "1..2",
        "ok 1 - p/high is denied",
        "not ok 2 - p/wrong \\# one",
        "  ---",
        f'  at: "{policy}:5"',
        "  failures:",
        '    - "line 6: expected `deny`, but the decision is allow"',
        "  ...",
    ]
