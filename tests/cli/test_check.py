import json
import re
from pathlib import Path
from typing import Any

import pytest

from policyengine.cli.main import run
from tests.command import policyengine
from tests.example import POLICIES
from tests.reports.agents import azure_commands, github_commands, steering

WRONG = (
    'policy p\nrule r deny "t"\n  forbid finding where finding.sevrity is HIGH\nrule s deny "t"\n  require nothing\n'
)


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "p.policy"
    path.write_text(WRONG)
    return path


def test_policies_that_compile() -> None:
    ran = policyengine("check", POLICIES)
    assert (ran.code, ran.out, ran.err) == (0, "✓ 1 file compiles\n", "")


def test_every_problem_is_shown_with_its_line(wrong: Path) -> None:
    ran = policyengine("check", wrong)
    assert (ran.code, ran.err) == (2, "")
    assert f"--> {wrong}:3:32" in ran.out
    assert "did you mean `severity`?" in ran.out
    assert f"--> {wrong}:5:" in ran.out
    assert ran.out.endswith("✗ 2 errors\n")
    assert policyengine("check", "-q", wrong).out == "✗ 2 errors\n"


def test_problems_as_json(wrong: Path) -> None:
    ran = policyengine("check", "-o", "json", wrong)
    assert ran.code == 2
    assert list(ran.json) == ["schemaVersion", "diagnostics"]
    first = ran.json["diagnostics"][0]
    assert (first["severity"], first["file"], first["line"], first["column"]) == ("error", str(wrong), 3, 32)
    assert first["suggestion"] == "severity"
    assert policyengine("check", "-o", "json", POLICIES).json == {"schemaVersion": "1", "diagnostics": []}


def test_problems_for_pipelines(wrong: Path) -> None:
    github = policyengine("check", "-o", "github", wrong)
    assert github.code == 2
    assert github.out.startswith(f"::error file={wrong},line=3,col=32")
    azure = policyengine("check", "-o", "azure", "-o", "table", wrong).out
    assert f"##vso[task.logissue type=error;sourcepath={wrong};linenumber=3;columnnumber=32;" in azure


def test_a_warning_does_not_fail(tmp_path: Path) -> None:
    path = tmp_path / "p.policy"
    path.write_text('policy p\nlet unused = 1\nrule r deny "t" require image is signed\n')
    ran = policyengine("check", path)
    assert ran.code == 0
    assert ran.out.startswith("warning[")
    assert ran.out.endswith("✓ 1 file compiles, 1 warning\n")
    assert [each["severity"] for each in policyengine("check", "-o", "json", path).json["diagnostics"]] == ["warning"]


def test_a_policy_gives_no_orders_through_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "p.policy"
    path.write_text(
        'policy p\n::error::x ##vso[task.complete result=Succeeded;] \u202e\x1b[2J\nrule r deny "##[x]" forbid\n'
    )
    for form in ("table", "json"):
        ran = policyengine("check", "-o", form, path)
        assert ran.code == 2
        assert azure_commands(ran.out) == github_commands(ran.out) == steering(ran.out) == []
    evaluated = policyengine("eval", "a.example/b:1", path)
    assert azure_commands(evaluated.err) == github_commands(evaluated.err) == steering(evaluated.err) == []


def test_every_code_is_listed() -> None:
    from policyengine.language.codes import TITLES

    ran = policyengine("check", "--codes")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [f"{code}  {title}" for code, title in TITLES.items()]


def test_every_code_is_listed_as_json(tmp_path: Path) -> None:
    ran = policyengine("check", "--codes", "-o", "json")
    assert ran.code == 0
    assert list(ran.json) == ["schemaVersion", "codes"]
    assert ran.json["codes"][0] == {"code": "E001", "severity": "error", "title": "a file without a header"}
    assert {each["severity"] for each in ran.json["codes"] if each["code"].startswith("W")} == {"warning"}
    assert policyengine("check", "--codes", "-o", f"json={tmp_path / 'codes.json'}").code == 0
    assert json.loads((tmp_path / "codes.json").read_text()) == ran.json


@pytest.mark.parametrize(("arguments", "said"), [
    ([], "no policy was named"),
    (["gone"], "there is no `gone`"),
    (["--codes", POLICIES], "checks nothing"),
    (["--codes", "-o", "github"], "this command has no report in the format `github`"),
    ([POLICIES, "-o", "sarif"], "this command has no report in the format `sarif`"),
])  # fmt: skip
def test_wrong_use(arguments: list[object], said: str) -> None:
    ran = policyengine("check", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_conformance_errors(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every marked line has its error, read from a copy without the markers; no other line has one."""
    files = sorted((shared / "conformance/errors").glob("*.policy"))
    assert files
    for file in files:
        lines = file.read_text().splitlines()
        marked = {number: words for number, line in enumerate(lines, 1) if (words := expected(line)) is not None}
        copy = tmp_path / file.name
        copy.write_text("\n".join(re.sub(r"\s*# error(?::.*)?$", "", line) for line in lines) + "\n")
        assert run(["check", "-o", "json", str(copy)]) == 2
        found = json.loads(capsys.readouterr().out)["diagnostics"]
        errors = [each for each in found if each["severity"] == "error"]
        assert {each["line"] for each in errors} == marked.keys(), file.name
        for number, words in marked.items():
            said = [text(each) for each in errors if each["line"] == number]
            assert any(all(word in each for word in words) for each in said), (file.name, number, words, said)


def expected(line: str) -> list[str] | None:
    """The words that an error at this line must hold, or `None` where there must be none."""
    marker = re.search(r"# error(?::(.*))?$", line)
    return [word.strip().lower() for word in (marker[1] or "").split("|") if word.strip()] if marker else None


def text(diagnostic: dict[str, Any]) -> str:
    """What a diagnostic says, in lower case."""
    parts = [diagnostic["message"], *diagnostic["notes"], diagnostic.get("help"), diagnostic.get("suggestion")]
    return "\n".join(part for part in parts if part).lower()
