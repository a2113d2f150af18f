"""Policies under pytest: what is collected, how a failure reads, and that nothing else is touched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.example import FOLDER, LAYOUT, REPOSITORY

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

POLICY = """policy p
rule high deny "no high finding"
  forbid finding where finding.severity >= HIGH
test "clean passes" given scan {} expect allow
test "high is denied" given finding { id: "CVE-2024-0001", severity: HIGH } expect deny by high
"""
FAILING = """
test "wrong"
  given scan {}
  expect deny
  expect no violation of high
  expect waived high
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs pytest with the plugin alone, whether or not it is installed as an entry point."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (pytester.path / "policies").mkdir()
    (pytester.path / "policies" / "p.policy").write_text(POLICY)

    def ran(*arguments: object) -> pytest.RunResult:
        return pytester.runpytest_inprocess("-p", "policyengine.testing.pytest_plugin", *map(str, arguments))

    return ran


def test_a_file_and_a_folder_are_run(run: Run, pytester: pytest.Pytester) -> None:
    for named in ("policies/p.policy", "policies", pytester.path / "policies" / "p.policy"):
        ran = run("-v", named)
        ran.assert_outcomes(passed=2)
        ran.stdout.fnmatch_lines(["policies/p.policy::high is denied PASSED*"])


def test_one_test_can_be_named(run: Run) -> None:
    run("policies/p.policy::clean passes").assert_outcomes(passed=1)
    run("policies", "-k", "denied").assert_outcomes(passed=1, deselected=1)


def test_a_failure_shows_the_test_and_why(run: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "policies" / "p.policy").write_text(POLICY + FAILING)
    ran = run("policies")
    ran.assert_outcomes(passed=2, failed=1)
    ran.stdout.fnmatch_lines([
        "*_ p/wrong _*",
        '  test "wrong"',
        "    given scan {}",
        ">   expect deny",
        "E     expected `deny`, but the decision is allow",
        "    expect no violation of high",
        ">   expect waived high",
        "E     expected `waived high`, but high holds",
        "",
        "*p.policy:9: expected `deny`, but the decision is allow",
    ], consecutive=True)  # fmt: skip
    assert "Traceback" not in ran.stdout.str()


def test_the_files_are_one_policy_set(run: Run, pytester: pytest.Pytester) -> None:
    folder = pytester.path / "policies"
    (folder / "p.policy").write_text('policy p import l rule r deny "t" forbid finding where finding.id in l.never')
    (folder / "l.policy").write_text('library l let never = { "CVE-2024-0001" }')
    (folder / "t.policy").write_text('tests for p test "apart" given scan {} expect allow')
    run("-v", "policies").stdout.fnmatch_lines(["policies/t.policy::apart PASSED*"])
    run("policies/p.policy", "policies/l.policy", "policies/t.policy").assert_outcomes(passed=1)


def test_what_does_not_compile_is_an_error_with_its_place(run: Run, pytester: pytest.Pytester) -> None:
    broken = 'policy q rule r deny "t" forbid finding where finding.sevrity >= HIGH'
    (pytester.path / "policies" / "q.policy").write_text(broken)
    ran = run("policies")
    ran.assert_outcomes(errors=2)
    text = ran.stdout.str()
    assert "a finding has no field `sevrity`" in text
    assert "did you mean `severity`?" in text
    assert "the policies do not compile: " in text  # the other file says that it is not its fault
    assert "Traceback" not in text


def test_a_test_that_cannot_be_staged_fails(run: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "policies" / "p.policy").write_text(POLICY + 'test "a" given file "nowhere" as scan expect deny')
    ran = run("policies")
    ran.assert_outcomes(passed=2, failed=1)
    ran.stdout.fnmatch_lines(["E     cannot read `*nowhere`: no such file or directory"])


def test_layouts_are_verified_by_the_trust_that_is_named(run: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "policies" / "p.policy").write_text(f"""policy p rule signed deny "t" require image is signed
      test "a" at 2026-11-22T20:00:00Z given image {{ repository: "{REPOSITORY}" }} given layout "{LAYOUT}:clean"
        expect allow""")
    run("policies").assert_outcomes(failed=1)
    trust = f"--policyengine-trust-policy={FOLDER}/notation/trustpolicy.json"
    run("policies", trust, f"--policyengine-trust-store={FOLDER}/notation/truststore").assert_outcomes(passed=1)
    run("policies", "--policyengine-trust-policy=nowhere").stdout.fnmatch_lines(["*nowhere*"])


# ---------------------------------------------------------------------------- nothing else is touched


def test_a_run_on_python_collects_no_policy(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(): pass")
    (pytester.path / "broken.policy").write_text("policy")
    run().assert_outcomes(passed=1)
    run(".").assert_outcomes(passed=1)
    run("test_a_run_on_python_collects_no_policy.py").assert_outcomes(passed=1)
    run("test_a_run_on_python_collects_no_policy.py", "policies").assert_outcomes(passed=3)


def test_testpaths_name_policies_too(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(): pass")
    pytester.makeini("[pytest]\ntestpaths = test_testpaths_name_policies_too.py policies")
    run().assert_outcomes(passed=3)


def test_loading_it_imports_nothing_of_the_engine() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import policyengine.testing.pytest_plugin;"
        "print(sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['policyengine', 'policyengine.testing', 'policyengine.testing.pytest_plugin']"


def test_a_folder_that_is_a_link_is_run(run: Run, pytester: pytest.Pytester) -> None:
    Path(pytester.path / "linked").symlink_to(pytester.path / "policies")
    run("linked/p.policy").assert_outcomes(passed=2)
