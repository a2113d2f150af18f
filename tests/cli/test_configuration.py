"""Settings from files and the environment: what beats what, what is wrong, and what a found file may not do."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from policyengine.cli.settings import SETTINGS, variable
from tests.cli.example import CLEAN, TRUST, VULNERABLE
from tests.command import Finished, policyengine
from tests.example import AT, FOLDER, POLICIES, REPOSITORY

IMAGE = ("--oci-layout", "--repository", REPOSITORY, "--at", AT)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A repository of sources, whose author is trusted with nothing."""
    (tmp_path / "repository/.git").mkdir(parents=True)
    return tmp_path / "repository"


def configured(folder: Path, text: str, name: str = "policyengine.toml") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def decide(folder: Path, *arguments: object, image: str = VULNERABLE, **environment: str) -> Finished:
    return policyengine("eval", *IMAGE, image, *arguments, cwd=folder, timeout=60, **environment)


def whole(folder: Path) -> str:
    """A configuration with which the example can be decided about."""
    return f"""\
policies = ["{POLICIES}"]
trust-policy = "{FOLDER}/notation/trustpolicy.json"
trust-store = "{os.path.relpath(FOLDER, folder)}/notation/truststore"
output = ["json", "junit=report.xml"]
"""


def test_a_named_file_says_everything_that_a_decision_needs(sources: Path, tmp_path: Path) -> None:
    file = configured(tmp_path, whole(tmp_path))
    ran = decide(sources, "--config", file, image=CLEAN)
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["decision"] == "allow"
    assert (tmp_path / "report.xml").exists()  # paths are taken from the file's folder
    assert decide(sources, "--config", file).code == 1


def test_the_command_line_beats_the_environment_which_beats_the_file(sources: Path) -> None:
    file = configured(sources, whole(sources) + 'no-fail = true\nenvironment = "in-the-file"')
    named = ("--config", file)
    assert "in-the-file" in decide(sources, *named).err
    ran = decide(sources, *named, POLICYENGINE_ENVIRONMENT="in-the-variable")
    assert "in-the-variable" in ran.err
    assert "in-the-file" not in ran.err
    ran = decide(sources, *named, "--environment", "on-the-line", POLICYENGINE_ENVIRONMENT="in-the-variable")
    assert "on-the-line" in ran.err
    file.write_text(whole(sources) + "no-fail = true")
    assert decide(sources, *named).code == 0
    assert decide(sources, *named, POLICYENGINE_NO_FAIL="false").code == 1
    assert decide(sources, *named, "-o", "table").out.startswith("✗ DENY")


def test_the_environment_alone_is_enough(sources: Path) -> None:
    ran = decide(
        sources,
        POLICYENGINE_POLICIES=str(POLICIES),
        POLICYENGINE_TRUST_POLICY=str(TRUST[1]),
        POLICYENGINE_TRUST_STORE=str(TRUST[3]),
        POLICYENGINE_OUTPUT="table\njson=decision.json",
    )
    assert (ran.code, ran.err) == (1, "")
    assert json.loads((sources / "decision.json").read_text())["decision"] == "deny"


def test_a_variable_may_name_the_file(sources: Path, tmp_path: Path) -> None:
    file = configured(tmp_path, whole(tmp_path))
    assert decide(sources, POLICYENGINE_CONFIG=str(file)).code == 1
    assert "no policy was named" in decide(sources, "--no-config", POLICYENGINE_CONFIG=str(file)).err


# ---------------------------------------------------------------------------- found files

DANGEROUS = (
    'policies = ["mine"]',
    'environment = "dev"',
    "param = { max = 1000 }",
    'trust-policy = "mine.json"',
    'trust-store = "mine"',
    'registry-config = "mine.json"',
    'ca-file = "mine.pem"',
    "plain-http = true",
    "offline = true",
    'referrers = "tag"',
    "no-fail = true",
    'output = ["json=/tmp/anything"]',
)


@pytest.mark.parametrize("setting", DANGEROUS)
@pytest.mark.parametrize("name", ["policyengine.toml", "pyproject.toml"])
def test_a_found_file_weakens_nothing(setting: str, name: str, sources: Path) -> None:
    configured(sources, ("" if name == "policyengine.toml" else "[tool.policyengine]\n") + setting, name)
    (sources / "below").mkdir()
    arguments = [] if setting.startswith("policies") else [POLICIES]
    ran = policyengine("eval", "r.example.com/app:1", *arguments, cwd=sources / "below")
    assert (ran.code, ran.out) == (2, "")
    assert "and nobody named this file on the command line" in ran.err
    assert f"add --config ../{name} to trust it, or --no-config to pass over it" in ran.err


def test_every_setting_is_either_refused_of_a_found_file_or_harmless() -> None:
    refused = {line.partition(" ")[0] for line in DANGEROUS}
    assert set(SETTINGS) - refused == {"timeout", "workers", "all", "color", "fail-on"}


def test_what_the_command_line_says_itself_is_not_the_files_to_say(sources: Path) -> None:
    configured(sources, 'policies = ["mine"]\ntrust-policy = "mine.json"\ntrust-store = "mine"\ntimeout = 30')
    ran = decide(sources, POLICIES, *TRUST)
    assert ran.code == 1
    assert ran.err == ""


def test_a_found_file_may_ask_for_more_and_say_how_it_looks(sources: Path) -> None:
    configured(sources, 'fail-on = "warn"\noutput = ["tap"]\ncolor = "always"\nall = true\nworkers = 2')
    policy = sources / "warns.policy"
    policy.write_text('policy p "p"\nrule r warn "t"\n  require image is signed\n  message "m"\n')
    ran = decide(sources, policy, *TRUST)
    assert ran.out.startswith("TAP version 14")
    policy.write_text('policy p "p"\nrule r warn "t"\n  forbid finding where finding.severity >= HIGH\n')
    assert decide(sources, policy, *TRUST).code == 1
    assert decide(sources, policy, *TRUST, "--no-config").code == 0


def test_commands_that_decide_nothing_find_their_policies(sources: Path) -> None:
    (sources / "policies").mkdir()
    (sources / "policies/p.policy").write_bytes((POLICIES / "order-api.policy").read_bytes())
    configured(sources, 'policies = ["policies"]')
    (sources / "src").mkdir()
    for command in ("check", "test"):
        ran = policyengine(command, cwd=sources / "src")
        assert (ran.code, ran.err) == (0, ""), ran.err
    assert policyengine("fmt", "--check", cwd=sources).code == 0
    assert policyengine("check", "--codes", cwd=sources).code == 0
    assert policyengine("explain", "E103", cwd=sources).code == 0


def test_looking_for_a_file_ends_at_the_repository(sources: Path, tmp_path: Path) -> None:
    configured(tmp_path, "broken =")
    assert decide(sources, POLICIES, *TRUST).code == 1
    (sources / ".git").rmdir()
    assert decide(sources, POLICIES, *TRUST).code == 1  # without a repository only the working folder is looked at
    assert decide(tmp_path, POLICIES, *TRUST).code == 2


def test_a_pyproject_of_somebody_else_is_passed_over(sources: Path) -> None:
    configured(sources, "broken =", "pyproject.toml")
    assert decide(sources, POLICIES, *TRUST).code == 1
    configured(sources, '[project]\nname = "policyengine"', "pyproject.toml")
    assert decide(sources, POLICIES, *TRUST).code == 1
    configured(sources, "fail-on = 3")
    assert "policyengine.toml:1" in decide(sources, POLICIES, *TRUST).err  # which comes first


# ---------------------------------------------------------------------------- wrong ones


@pytest.mark.parametrize(("text", "said"), [
    ("fial-on = 'warn'", "policyengine.toml:1: there is no setting `fial-on`"),
    ("\n\nat = 2026-01-01", "policyengine.toml:3: there is no setting `at`"),
    ("[trust]\npolicy = 'x'", "policyengine.toml:1: there is no setting `trust`"),
    ("timeout = 'long'", "policyengine.toml:1: the setting `timeout` is not a number"),
    ("timeout = true", "the setting `timeout` is not a number"),
    ("timeout = -1", "the timeout is not a positive number of seconds"),
    ("timeout = nan", "the timeout is not a positive number of seconds"),
    ("workers = 1.5", "the setting `workers` is not a whole number"),
    ("workers = 0", "the number of workers is not positive"),
    ("output = 'json'", "the setting `output` is not a list of texts"),
    ("output = []", "the setting `output` is not a list of texts"),
    ("output = ['jsno']", "there is no format `jsno`"),
    ("output = [1]", "the setting `output` is not a list of texts"),
    ("# x\nfail-on = 'always'", "policyengine.toml:2: 'always' is not one of 'deny', 'warn'"),
    ("no-fail = 'true'", "the setting `no-fail` is not true or false"),
    ("[param]\nx = [1]", "the value of the parameter `x` is no text, whole number or truth value"),
    ("fail-on = \nall = true", "policyengine.toml:1: this is not TOML"),
    ("all = true\nall = false\n", "this is not TOML: cannot overwrite a value"),
    ("a = " + "[" * 5000, "nested too deep"),
    ("\x00", "this is not TOML"),
    ('"\\u001b[2J" = 1', r"`\u{1b}[2J`"),
])  # fmt: skip
def test_wrong_files_are_told_with_the_place(text: str, said: str, sources: Path) -> None:
    file = configured(sources, text)
    ran = decide(sources, POLICIES, *TRUST, "--config", file)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "\x1b" not in ran.err


@pytest.mark.parametrize(("variables", "said"), [
    ({"POLICYENGINE_TIMEOUT": "long"}, "POLICYENGINE_TIMEOUT: 'long' is not a valid float"),
    ({"POLICYENGINE_NO_FAIL": "perhaps"}, "POLICYENGINE_NO_FAIL: 'perhaps' is not a valid boolean"),
    ({"POLICYENGINE_REFERRERS": "all"}, "POLICYENGINE_REFERRERS: 'all' is not one of"),
    ({"POLICYENGINE_CONFIG": "none.toml"}, "cannot read the configuration `none.toml`: no such file or directory"),
])  # fmt: skip
def test_wrong_variables(variables: dict[str, str], said: str, sources: Path) -> None:
    ran = decide(sources, POLICIES, *TRUST, **variables)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_files_that_are_none(sources: Path, tmp_path: Path) -> None:
    assert "is a directory" in decide(sources, "--config", tmp_path).err
    (sources / "policyengine.toml").mkdir()
    assert "is no regular file" in decide(sources, POLICIES).err
    (sources / "policyengine.toml").rmdir()
    os.mkfifo(sources / "policyengine.toml")  # nobody ever writes to it
    assert "is no regular file" in decide(sources, POLICIES).err
    (sources / "policyengine.toml").unlink()
    file = configured(sources, "[project]\nname = 'x'", "pyproject.toml")
    assert "has no table [tool.policyengine]" in decide(sources, "--config", file).err
    (tmp_path / "utf16.toml").write_bytes("all = true".encode("utf-16"))
    assert "is not UTF-8" in decide(sources, "--config", tmp_path / "utf16.toml").err
    (tmp_path / "long.toml").write_text("#" * 2_000_000)
    assert "larger than 1048576 bytes" in decide(sources, "--config", tmp_path / "long.toml").err
    assert "contradict each other" in decide(sources, "--config", file, "--no-config").err


# ---------------------------------------------------------------------------- the command


def test_config_shows_where_every_value_comes_from(sources: Path) -> None:
    configured(sources, 'trust-policy = "t.json"\n\ntimeout = 5\n[param]\nmax = 3\n')
    ran = policyengine("config", "-o", "json", cwd=sources, POLICYENGINE_WORKERS="3", POLICYENGINE_TRUST_POLCY="x")
    assert (ran.code, ran.err) == (0, "")
    told = {row["name"]: row for row in ran.json["settings"]}
    assert set(told) == set(SETTINGS)
    assert ran.json["file"] == {"path": "policyengine.toml", "named": False}
    assert told["timeout"] == {
        "name": "timeout", "value": 5, "from": "file", "place": "policyengine.toml:3", "needs": [],
    }  # fmt: skip
    assert told["trust-policy"]["needs"] == ["--config"]
    assert told["param"]["value"] == ["max=3"]
    assert told["param"]["place"] == "policyengine.toml:4"
    assert (told["workers"]["value"], told["workers"]["place"]) == ("3", "POLICYENGINE_WORKERS")
    assert told["color"] == {"name": "color", "value": None, "from": "default", "default": "auto"}
    assert ran.json["unread"] == ["POLICYENGINE_TRUST_POLCY"]


def test_config_for_people(sources: Path) -> None:
    ran = policyengine("config", cwd=sources)
    assert ran.out.startswith("configuration  none")
    configured(sources, "plain-http = true")
    ran = policyengine("config", cwd=sources)
    assert "policyengine.toml, found, not named" in ran.out
    assert "counts for no decision unless --config names the file" in ran.out
    assert "counts for no decision" not in policyengine("config", "--config", "policyengine.toml", cwd=sources).out
    configured(sources, "plain-http = 1")
    ran = policyengine("config", cwd=sources)
    assert (ran.code, ran.out) == (2, "")
    assert "policyengine.toml:1: the setting `plain-http` is not true or false" in ran.err


def test_every_setting_is_an_option_of_eval_with_a_variable() -> None:
    options = policyengine("eval", "--help").out
    for name in SETTINGS:
        assert f"--{name}" in options or name == "policies"
        assert variable(name).isupper()
