"""The release and the image: what is pinned, and who may do what."""

import json
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CONTAINER = (ROOT / "Containerfile").read_text()


def jobs(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text())["jobs"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_valid(path: Path) -> None:
    known = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/github-workflows.json").read_text())
    document = yaml.load(path.read_text(), yaml.BaseLoader)  # `on` is no truth value
    document["permissions"] = yaml.safe_load(path.read_text())["permissions"]
    loose = {"concurrency", "jobs"}
    errors = [error for error in Draft7Validator(known).iter_errors(document) if error.absolute_path[0] not in loose]
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_named_by_commit(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", each)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_may_do_only_what_it_says(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {}
    for name, job in jobs(path).items():
        assert "write-all" not in str(job["permissions"]), name
        scripts = " ".join(step.get("run", "") for step in job["steps"])
        assert "${{" not in scripts, name  # values come as variables, never as text of a script


def test_only_the_job_that_publishes_has_the_identity_for_it() -> None:
    release = jobs(ROOT / ".github/workflows/release.yml")
    assert release["build"]["permissions"] == {"contents": "read"}
    assert release["pypi"]["environment"] == "pypi"
    assert not [step for step in release["pypi"]["steps"] if "run" in step]  # nothing of the sources runs there
    assert release["pypi"]["needs"] == "build"


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_scripts_are_clean(path: Path, tmp_path: Path) -> None:
    for job in jobs(path).values():
        for step in job["steps"]:
            script = tmp_path / "script"
            script.write_text(step.get("run", ":"))
            command = ["shellcheck", "-s", "bash", "-e", "SC2155", str(script)]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            assert ran.stdout == ""


def test_the_image_has_a_pinned_base_and_no_root() -> None:
    assert re.search(r"^ARG BASE=docker\.io/library/python:3\.\d+-slim@sha256:[0-9a-f]{64}$", CONTAINER, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", CONTAINER, re.MULTILINE)) == {"${BASE}"}
    assert re.findall(r"^USER (.*)$", CONTAINER, re.MULTILINE) == ["65532:65532"]
    assert "--require-hashes" in CONTAINER


def test_the_image_is_given_nothing_but_the_wheel_and_the_pins() -> None:
    kept = [line for line in (ROOT / ".containerignore").read_text().splitlines() if not line.startswith("#")]
    assert kept == ["*", "!requirements.txt", "!dist/*.whl"]


def test_what_the_image_leaves_out_is_what_only_building_needs() -> None:
    """Of what is pinned, the image keeps what the engine needs, and of the rest nothing."""
    removed = re.search(r"pip uninstall --yes (.*) \\", CONTAINER)
    assert removed
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed, waiting = set(), [Requirement(each).name for each in project["dependencies"]]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in needed:
            needed.add(name)
            asked = map(Requirement, metadata.requires(name) or ())
            waiting += [each.name for each in asked if not each.marker or each.marker.evaluate({"extra": ""})]
    pinned = re.findall(r"^([\w.-]+)==[^;\n]*?( ; .*)?\\$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    everywhere = {canonicalize_name(name) for name, marker in pinned if not marker}
    assert set(removed[1].split()) == everywhere - needed
