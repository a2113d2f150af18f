"""Every pipeline in integrations/, run as its agent runs it, against a registry in this process."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

import policyengine
from tests import example
from tests.cli.served import example as content
from tests.cli.served import trusting
from tests.integrations.agent import Agent
from tests.integrations.places import FOLDER, PLACES, loaded
from tests.reports.agents import azure_orders, github_orders
from tests.simulator.registry import Simulator

POLICY = """policy gate "What may pass"

environment dev { downgrade all to warn }

rule image-signed deny "the image carries a release signature"
  require image is signed by x509("CN=release, O=Example Orders")

rule no-critical deny "no fixable critical finding"
  forbid finding where finding.severity >= CRITICAL and finding.fix is present
"""


class Yard:
    """A registry with the example's images, an agent, and who is trusted."""

    def __init__(self, registry: Simulator, root: Path) -> None:
        self.registry, self.agent, self.trust = registry, Agent.start(root / "agent"), root / "trust"
        (self.agent.work / "policies").mkdir()
        (self.agent.work / "policies/gate.policy").write_text(POLICY)
        shutil.copytree(example.FOLDER / "notation", self.trust)
        trusting(self.trust, f"{registry.host}/prod/order-api")

    def image(self, tag: str) -> str:
        return f"{self.registry.host}/prod/order-api@{example.digest(tag)}"


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with Simulator(content()) as registry:
        yield Yard(registry, tmp_path)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Any:
    return PLACES[request.param]


# ---------------------------------------------------------------------------- the verdict


def test_what_may_pass_passes(yard: Yard, place: Any) -> None:
    ran = place.run(yard.agent, yard.image("clean"), yard.trust)
    assert ran.code == 0, ran.out + ran.err
    assert json.loads(place.report(yard.agent, "decision.json").read_text())["decision"] == "allow"


def test_what_may_not_pass_fails(yard: Yard, place: Any) -> None:
    ran = place.run(yard.agent, yard.image("vulnerable"), yard.trust)
    assert ran.code != 0
    assert json.loads(place.report(yard.agent, "decision.json").read_text())["decision"] == "deny"
    assert "CVE-2023-38545" in ran.out


def test_without_trust_nothing_passes(yard: Yard, place: Any) -> None:
    ran = (
        place.run(yard.agent, yard.image("clean"), yard.trust, GATE_TRUST="") if place.shell != ("sh", "-xe") else None
    )
    assert ran is None or ran.code != 0


def test_a_registry_that_does_not_answer_fails(yard: Yard, place: Any) -> None:
    image = f"127.0.0.1:1/prod/order-api@{example.digest('clean')}"
    assert place.run(yard.agent, image, yard.trust).code != 0


# ---------------------------------------------------------------------------- failing closed


def fails(yard: Yard, place: Any, **variables: str) -> None:
    ran = place.run(yard.agent, yard.image("clean"), yard.trust, **variables)
    assert ran.code != 0, ran.out + ran.err


def test_an_installation_that_fails_fails(yard: Yard, place: Any) -> None:
    if place is not PLACES["tekton"]:  # which installs nothing
        fails(yard, place, FAKE_PIP_FAILS="1")


def test_a_command_that_is_missing_fails(yard: Yard, place: Any) -> None:
    (yard.agent.root / "command").unlink()
    fails(yard, place, FAKE_PIP_EMPTY="1")


@pytest.mark.parametrize(
    "command",
    [
        "exit 0",
        "exit 7",
        "kill -9 $$",
        'for each; do case $each in json=*) echo "{" > "${each#json=}";; esac; done',
        'for each; do case $each in json=*) echo "{\\"decision\\": \\"deny\\"}" > "${each#json=}";; esac; done',
        'for each; do case $each in json=*) echo "{\\"decision\\": \\"error\\"}" > "${each#json=}";; esac; done',
    ],
)
def test_a_command_that_says_nothing_readable_or_something_else_fails(yard: Yard, place: Any, command: str) -> None:
    yard.agent.command(command)
    fails(yard, place)


@pytest.mark.parametrize("image", ["", "--help", "policies", "x; $(touch pwned) `touch pwned`"])
def test_what_is_no_image_fails_and_is_not_run(yard: Yard, place: Any, image: str) -> None:
    ran = place.run(yard.agent, image, yard.trust)
    assert ran.code != 0
    assert not (yard.agent.work / "pwned").exists()


def test_modules_among_the_sources_are_not_run(yard: Yard, place: Any) -> None:
    """Whoever writes them could put another `policyengine` in the place of the real one, or read its login."""
    for name in ("json", "logging", "subprocess", "venv"):
        (yard.agent.work / f"{name}.py").write_text("open('pwned', 'w').close()\nraise SystemExit(0)\n")
    ran = place.run(yard.agent, yard.image("clean"), yard.trust)
    assert not (yard.agent.work / "pwned").exists()
    assert ran.code == 0, ran.out + ran.err


def test_what_an_earlier_run_left_decides_nothing(yard: Yard, place: Any) -> None:
    assert place.run(yard.agent, yard.image("clean"), yard.trust).code == 0
    yard.agent.command("exit 0")
    fails(yard, place)


@pytest.mark.parametrize("name", ["azure", "github", "gitlab"])
def test_a_rollout_lets_a_denial_through_and_nothing_else(yard: Yard, name: str) -> None:
    place, no = PLACES[name], {"azure": "False"}.get(name, "false")
    denied = place.run(yard.agent, yard.image("vulnerable"), yard.trust, GATE_ENFORCE=no)
    unreachable = f"127.0.0.1:1/prod/order-api@{example.digest('clean')}"
    assert denied.code == 0, denied.out + denied.err
    assert place.run(yard.agent, unreachable, yard.trust, GATE_ENFORCE=no).code != 0


def test_an_environment_is_asked_for(yard: Yard, place: Any) -> None:
    ran = place.run(yard.agent, yard.image("vulnerable"), yard.trust, GATE_ENVIRONMENT="dev")
    assert ran.code == 0, ran.out + ran.err


# ---------------------------------------------------------------------------- what each place is told


def test_azure_is_told(yard: Yard) -> None:
    ran = PLACES["azure"].run(yard.agent, yard.image("vulnerable"), yard.trust)
    orders = {order.name: order for order in azure_orders(ran.out)}
    assert orders["task.logissue"].properties["code"] == "gate.no-critical"
    assert orders["task.setvariable"].data == "deny"
    assert orders["task.complete"].properties == {"result": "Failed"}
    assert Path(orders["task.uploadsummary"].data).read_text().startswith("## ❌ DENY")
    assert {path.name for path in PLACES["azure"].report(yard.agent, "").iterdir()} == {
        "decision.json", "junit.xml", "policyengine.md", "policyengine.sarif",
    }  # fmt: skip


def test_github_is_told(yard: Yard) -> None:
    ran = PLACES["github"].run(yard.agent, yard.image("vulnerable"), yard.trust)
    assert [order.properties["line"] for order in github_orders(ran.out)] == ["8"]
    assert "decision=deny\n" in (yard.agent.temp / "GITHUB_OUTPUT").read_text()
    assert (yard.agent.temp / "GITHUB_STEP_SUMMARY").read_text().startswith("## ❌ DENY")


def test_gitlab_is_told(yard: Yard) -> None:
    place = PLACES["gitlab"]
    assert place.run(yard.agent, yard.image("vulnerable"), yard.trust).code != 0
    assert place.report(yard.agent, "decision.env").read_text() == "decision=deny\n"
    assert {entry["check_name"] for entry in json.loads(place.report(yard.agent, "codequality.json").read_text())} == {
        "gate.no-critical"
    }


def test_tekton_is_told(yard: Yard) -> None:
    place = PLACES["tekton"]
    place.run(yard.agent, yard.image("vulnerable"), yard.trust)
    assert place.report(yard.agent, "decision").read_text() == "deny"
    place.run(yard.agent, "127.0.0.1:1/x@" + example.digest("clean"), yard.trust)
    assert place.report(yard.agent, "decision").read_text() == "error"
    yard.agent.command(
        'for each; do case $each in json=*) echo "{\\"decision\\": \\"deny\\"}" > "${each#json=}";; esac; done'
    )
    place.run(yard.agent, yard.image("clean"), yard.trust)
    assert place.report(yard.agent, "decision").read_text() == "error"  # exit 0 beside a report that says deny


@pytest.mark.parametrize("name", sorted(PLACES.keys() - {"tekton"}))
def test_the_version_is_pinned(yard: Yard, name: str) -> None:
    PLACES[name].run(yard.agent, yard.image("clean"), yard.trust)
    assert yard.agent.installed == "install --quiet --only-binary :all: policyengine-gate==0.1.0\n"


def test_gitlabs_login_is_that_of_the_job_and_goes_to_its_registry_alone(yard: Yard) -> None:
    with Simulator(content(), auth="basic", login=("job", "secret")) as own:
        image = f"{own.host}/prod/order-api@{example.digest('vulnerable')}"
        place = PLACES["gitlab"]
        denied = place.run(yard.agent, image, yard.trust, CI_REGISTRY=own.host)
        place.run(yard.agent, yard.image("clean"), yard.trust, CI_REGISTRY=own.host)
    assert "no usable scan: 1 found" in denied.out, denied.out + denied.err
    assert yard.registry.seen
    assert not [seen for seen in yard.registry.seen if "authorization" in map(str.lower, seen.headers)]


# ---------------------------------------------------------------------------- the files


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("azure-pipelines/policyengine.yml", "azure-pipelines"),
        ("github/action.yml", "github-actions"),
        ("gitlab/templates/gate.yml", "gitlab-ci"),
    ],
)
def test_a_pipeline_is_valid_by_the_schema_of_its_makers(name: str, schema: str) -> None:
    known = json.loads((files("check_jsonschema") / f"builtin_schemas/vendor/{schema}.json").read_text())
    document = as_they_arrive(name)
    assert [error.message for error in Draft7Validator(known).iter_errors(document)] == []


def as_they_arrive(name: str) -> Any:
    """The document as its schema expects it: with what the expressions of Azure's templates leave."""
    if not name.startswith("azure"):
        return list(yaml.safe_load_all((FOLDER / name).read_text()))[-1]
    text = (FOLDER / name).read_text()
    given = {each["name"]: str(each.get("default") or "x") for each in loaded(name)["parameters"]}
    document = yaml.safe_load(re.sub(r"\$\{\{ parameters\.(\w+) \}\}", lambda found: given[found[1]], text))
    for each in document["parameters"]:
        each["default"] = given[each["name"]]  # the schema knows only texts there, Azure any value
    steps = [
        step for each in document["steps"] for key, value in each.items() if key.startswith("${{") for step in value
    ]
    steps += [step for step in document["steps"] if not any(key.startswith("${{") for key in step)]
    for step in steps:
        step["env"] = {name: value for name, value in step.get("env", {}).items() if not name.startswith("${{")}
    return {"parameters": document["parameters"], "steps": steps}


def test_only_values_stand_in_the_environment_and_none_in_a_script() -> None:
    for place in PLACES.values():
        assert not re.search(r"\$\{\{|\$\[\[|\$\((params|workspaces|results)\.", place.script())


def test_every_version_is_the_one_of_this_checkout() -> None:
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        text = path.read_text()
        assert policyengine.__version__ in text, path
        assert not re.search(r"@(main|master|latest|v\d+)\b", text), path
    assert "@5d4e8d1aca955e8d8589aabd499c5cae939e33c7 # v4.31.9" in (FOLDER / "github/action.yml").read_text()


def test_the_jenkinsfile_is_closed_and_reports_whatever_happens() -> None:
    text = (FOLDER / "jenkins/Jenkinsfile").read_text()
    groovy = re.sub(r"\'\'\'.*?\'\'\'|\'[^\'\n]*\'|//[^\n]*", "", text, flags=re.DOTALL)
    assert groovy.count("{") == groovy.count("}") > 5
    assert re.search(r"post\s*\{\s*always\s*\{[^}]*junit[^}]*archiveArtifacts", text)


def test_tekton_runs_as_nobody_in_particular() -> None:
    task = loaded("tekton/policyengine.yaml")
    assert (task["apiVersion"], task["kind"]) == ("tekton.dev/v1", "Task")
    for step in task["spec"]["steps"]:
        context = step["securityContext"]
        assert (context["runAsNonRoot"], context["allowPrivilegeEscalation"]) == ("true", "false")
    assert [step.get("onError") for step in task["spec"]["steps"]] == ["continue", None]


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("name", PLACES)
def test_scripts_are_clean(name: str, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text(re.sub(r"^\s*#!/bin/sh$", "", PLACES[name].script(), flags=re.MULTILINE))
    shell = PLACES[name].shell[0]
    ran = subprocess.run(["shellcheck", "-s", shell, script], capture_output=True, text=True, check=False)
    assert ran.stdout == ""
