"""The whole pipeline of the example, with real oras and Notation and with our own commands: the same decision."""

import json
import os
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.command import policyengine
from tests.example import FOLDER, LAYOUT, digest, load
from tests.integrations.agent import Agent
from tests.interop import peers

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        bool(peers.missing()) and not os.environ.get("POLICYENGINE_REQUIRE_INTEROP"),
        reason="oras, notation and olareg are not built: `make test` builds them where Go is installed",
    ),
]


def pipeline(variant: str, tag: str, reports: Path) -> tuple[int, Any, str]:
    """Exit code, decision and output of a run."""
    reports.mkdir()
    command = ["sh", str(FOLDER / "pipeline.sh"), variant, tag, str(reports)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, stdin=subprocess.DEVNULL)
    decision = reports / "decision.json"
    assert decision.exists(), ran.stdout + ran.stderr
    return ran.returncode, json.loads(decision.read_text()), ran.stdout


@pytest.mark.parametrize(("tag", "code"), [("clean", 0), ("vulnerable", 1)])
def test_real_tools_and_our_own_come_to_the_same_decision(tag: str, code: int, tmp_path: Path) -> None:
    runs = {variant: pipeline(variant, tag, tmp_path / variant) for variant in ("oras", "own")}
    for exit_code, decision, out in runs.values():
        assert exit_code == code, out
        assert {each["status"] for each in decision["evidence"]} == {"used"}
        assert {each["status"] for each in decision["signatures"]} == {"verified"}
        assert len(decision["signatures"]) == 3
    rules = [
        {rule["id"]: (rule["status"], [v["message"] for v in rule["violations"]]) for rule in decision["rules"]}
        for _, decision, _ in runs.values()
    ]
    assert rules[0] == rules[1]
    assert [
        json.loads((tmp_path / name / "vsa.json").read_text())["predicate"]["verificationResult"] for name in runs
    ] == ["PASSED" if code == 0 else "FAILED"] * 2


def test_a_variant_that_is_none_is_refused(tmp_path: Path) -> None:
    ran = subprocess.run(["sh", str(FOLDER / "pipeline.sh"), "both"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "choose oras or own" in ran.stderr


# ---------------------------------------------------------------------------- as a pipeline of Azure's


def steps(variant: str) -> list[dict[str, Any]]:
    """The steps of the job, as the template's expressions leave them for this choice of tools."""
    job = yaml.safe_load((FOLDER / "azure-pipelines.yml").read_text())["stages"][0]["jobs"][0]
    found: list[dict[str, Any]] = []
    for step in job["steps"]:
        ((key, value), *_) = step.items()
        if not key.startswith("${{"):
            found.append(step)
        elif "each key" in key:
            words = ("release.key", "release.crt", "ci.key", "ci.crt")
            found += [{"task": "DownloadSecureFile@1", "inputs": {"secureFile": word}} for word in words]
        elif ("policyengine" in key) == (variant == "own"):
            found += value
    return found


@pytest.mark.parametrize("variant", ["oras", "own"])
def test_the_pipeline_for_azure_is_valid(variant: str) -> None:
    known = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/azure-pipelines.json").read_text())
    document = yaml.safe_load((FOLDER / "azure-pipelines.yml").read_text())
    document["stages"][0]["jobs"][0]["steps"] = steps(variant)
    assert [error.message for error in Draft7Validator(known).iter_errors(document)] == []


@pytest.mark.parametrize("variant", ["oras", "own"])
def test_what_the_pipeline_for_azure_runs_attaches_and_signs(variant: str, tmp_path: Path) -> None:
    """Its step, with the keys and the image where its agent puts them, and then the gate."""
    script = next(step["bash"] for step in steps(variant) if step.get("displayName") == "Attach and sign")
    registry = peers.Registry(tmp_path / "registry")
    try:
        repository = f"{registry.host}/prod/order-api"
        agent = Agent.start(tmp_path / "agent")
        rehearsal = load(FOLDER / "rehearsal.py", "rehearsal")
        rehearsal.main("clean", repository, str(agent.work))
        peers.push(LAYOUT, "clean", f"{repository}:1")
        keys = agent.work / "notation"
        variables = {
            f"{name}_{kind}".upper(): str(keys / f"{name}.{kind}")
            for name in ("release", "ci")
            for kind in ("key", "crt")
        }
        for tool, flag in (("oras", "--plain-http"), ("notation", "--insecure-registry")):  # this registry has no TLS
            agent.write(f"bin/{tool}", f'#!/bin/sh\nverb=$1\nshift\nexec {peers.BIN / tool} "$verb" {flag} "$@"\n')
        image = f"{repository}@{digest('clean')}"
        ran = agent.run(script, "bash", IMAGE=image, AGENT_TEMPDIRECTORY=str(agent.temp), **variables)
        assert ran.code == 0, ran.out + ran.err
        trust = ["--trust-policy", keys / "trustpolicy.json", "--trust-store", keys / "truststore"]
        gate = policyengine("eval", image, agent.work / "policies", *trust)
    finally:
        registry.stop()
    assert gate.code == 0, gate.out
