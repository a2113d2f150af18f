"""The pipelines in integrations/: where the script of each stands, and what its agent puts around it."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

from tests.command import Finished
from tests.integrations.agent import Agent

FOLDER = Path(__file__).resolve().parents[2] / "integrations"


def loaded(name: str) -> Any:
    """The last document of a YAML file; what keys are is text, also `on`."""
    return list(yaml.load_all((FOLDER / name).read_text(), yaml.BaseLoader))[-1]


def azure_script() -> str:
    return str(next(step["bash"] for step in loaded("azure-pipelines/policyengine.yml")["steps"] if "bash" in step))


def github_script() -> str:
    return str(loaded("github/action.yml")["runs"]["steps"][0]["run"])


def gitlab_script() -> str:
    return "\n".join(loaded("gitlab/templates/gate.yml")["$[[ inputs.job ]]"]["script"])


def jenkins_script() -> str:
    found = re.search(r"sh '''(.*?)'''", (FOLDER / "jenkins/Jenkinsfile").read_text(), re.DOTALL)
    assert found
    return dedent(found[1]).replace("\\\\", "\\")


def tekton_script() -> str:
    """Both steps, of which the second decides about the task: the first one's exit code is kept out of its way."""
    evaluate, check = (step["script"] for step in loaded("tekton/policyengine.yaml")["spec"]["steps"])
    return f"( {evaluate}\n) || true\n{check}"


def azure(agent: Agent) -> dict[str, str]:
    return {"TF_BUILD": "True", "AGENT_TEMPDIRECTORY": str(agent.temp), "GATE_ENFORCE": "True"}


def github(agent: Agent) -> dict[str, str]:
    files = {name: str(agent.temp / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    return {"CI": "true", "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(agent.temp), "GATE_ENFORCE": "true", **files}


def gitlab(agent: Agent) -> dict[str, str]:
    login = {"CI_REGISTRY": "registry.gitlab.example", "CI_REGISTRY_USER": "job", "CI_REGISTRY_PASSWORD": "secret"}
    return {"CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(agent.work), "GATE_ENFORCE": "true", **login}


def jenkins(agent: Agent) -> dict[str, str]:
    return {"BUILD_NUMBER": "1", "WORKSPACE": str(agent.work), "WORKSPACE_TMP": f"{agent.work}@tmp"}


def tekton(agent: Agent) -> dict[str, str]:
    """The image has the command in its path."""
    command = agent.root / "bin/policyengine"
    if not command.exists():
        command.symlink_to(agent.root / "command")
    return {"GATE_REPORTS": str(agent.temp), "GATE_RESULT": str(agent.temp / "decision"), "DOCKER_CONFIG": ""}


def folder(trust: Path) -> str:
    """The trust material as a folder of the checkout, or of a workspace."""
    return str(trust)


def archive(trust: Path) -> str:
    """The trust material as a secure file."""
    packed = trust.parent / "trust.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        for name in ("trustpolicy.json", "truststore"):
            tar.add(trust / name, name)
    return str(packed)


@dataclass(frozen=True, slots=True)
class Place:
    """A pipeline: its script and shell, its agent's variables, how it gets the trust material, where its reports go."""

    script: Callable[[], str]
    variables: Callable[[Agent], Mapping[str, str]]
    trust: Callable[[Path], str]
    reports: str
    shell: tuple[str, ...] = ("sh",)

    def run(self, agent: Agent, image: str, trust: Path, **more: str) -> Finished:
        """Run the script for `image` with the policies in the checkout."""
        common = {
            "GATE_IMAGE": image, "GATE_POLICIES": str(agent.work / "policies"), "GATE_ENVIRONMENT": "",
            "GATE_VERSION": "0.1.0", "GATE_TRUST": self.trust(trust),
        }  # fmt: skip
        return agent.run(self.script(), *self.shell, **{**common, **self.variables(agent), **more})

    def report(self, agent: Agent, name: str) -> Path:
        return agent.root / self.reports / name


BASH = ("bash", "--noprofile", "--norc")
PLACES = {
    "azure": Place(azure_script, azure, archive, "temp/policyengine/reports", BASH),
    "github": Place(github_script, github, folder, "temp/policyengine/reports", (*BASH, "-eo", "pipefail")),
    "gitlab": Place(gitlab_script, gitlab, folder, "work/.policyengine"),
    "jenkins": Place(jenkins_script, jenkins, archive, "work/.policyengine", ("sh", "-xe")),
    "tekton": Place(tekton_script, tekton, folder, "temp"),
}
