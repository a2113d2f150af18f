"""What `init` writes: it holds, it denies, and it overwrites nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import policyengine as package
from tests.cli.served import example
from tests.command import policyengine
from tests.example import AT
from tests.simulator.registry import Simulator

SIGNS = {
    "azure-pipelines.yml": ".azure-pipelines/policyengine.yml",
    ".github": ".github/workflows/policyengine.yml",
    ".gitlab-ci.yml": ".gitlab/policyengine.yml",
    "Jenkinsfile": "policyengine.Jenkinsfile",
}


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_what_is_written_passes_every_check(tmp_path: Path) -> None:
    ran = policyengine("init", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert set(files(tmp_path)) == {
        "policies/gate.policy", "policies/tests.policy", "policyengine.toml", "gate.sh",
        "trust/trustpolicy.json", "trust/README.md", "trust/truststore/x509/.gitkeep",
    }  # fmt: skip
    assert policyengine("check", cwd=tmp_path).out == "✓ 2 files compile\n"
    assert policyengine("fmt", "--check", cwd=tmp_path).code == 0
    ran = policyengine("test", "--coverage", "--min", 100, "--mutate", cwd=tmp_path)
    assert ran.code == 0, ran.out
    ran = policyengine("trust", "--config", "policyengine.toml", cwd=tmp_path)
    assert (ran.code, "trust store ca:release is missing or empty" in ran.out + ran.err) == (0, True)
    assert policyengine("config", "--config", "policyengine.toml", cwd=tmp_path).code == 0


def test_as_it_stands_every_image_is_denied(tmp_path: Path) -> None:
    with Simulator(example()) as registry:
        image = f"{registry.host}/prod/order-api:clean"
        policyengine("init", cwd=tmp_path)
        ran = policyengine("eval", image, "--at", AT, "--config", "policyengine.toml", cwd=tmp_path)
    assert ran.code == 1
    assert "gate.signed" in ran.out


@pytest.mark.parametrize("sign", SIGNS)
def test_the_pipeline_file_of_the_ci_that_is_found(sign: str, tmp_path: Path) -> None:
    (tmp_path / sign).mkdir() if sign == ".github" else (tmp_path / sign).write_text("theirs")
    ran = policyengine("init", tmp_path)
    assert ran.code == 0
    assert sign == ".github" or (tmp_path / sign).read_text() == "theirs"
    text = (tmp_path / SIGNS[sign]).read_text()
    assert f"policyengine-gate=={package.__version__}" in text
    assert "@VERSION@" not in text
    assert "gate.sh" not in files(tmp_path)
    if text[0] == "#":
        assert yaml.safe_load(text)
    told = ran.out.partition("next")[2]
    assert SIGNS[sign] in told


def test_every_ci_that_is_found(tmp_path: Path) -> None:
    for sign in SIGNS:
        (tmp_path / sign).mkdir() if sign == ".github" else (tmp_path / sign).touch()
    policyengine("init", tmp_path)
    assert set(SIGNS.values()) <= set(files(tmp_path))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    policyengine("init", cwd=tmp_path)
    for name in files(tmp_path):
        (tmp_path / name).write_text("mine")
    ran = policyengine("init", "--no-config", cwd=tmp_path)
    assert ran.code == 0
    assert set(files(tmp_path).values()) == {"mine"}
    assert "kept as it is" in ran.out


def test_policies_that_are_there_get_no_second_one_beside_them(tmp_path: Path) -> None:
    (tmp_path / "policies/team").mkdir(parents=True)
    (tmp_path / "policies/team/own.policy").write_text("policy own\n")
    ran = policyengine("init", cwd=tmp_path)
    assert "has policies already" in ran.out
    assert not (tmp_path / "policies/gate.policy").exists()


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here/policies").symlink_to(tmp_path / "outside")
    ran = policyengine("init", tmp_path / "here")
    assert (ran.code, "leads out of the folder" in ran.err) == (2, True)
    assert not list((tmp_path / "outside").iterdir())


def test_no_folder_is_made_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here/.github").symlink_to(tmp_path / "outside")
    assert policyengine("init", "here", cwd=tmp_path).code == 2
    assert not list((tmp_path / "outside").iterdir())


def test_places_that_are_none(tmp_path: Path, unprivileged: None) -> None:
    (tmp_path / "file").write_text("x")
    assert policyengine("init", tmp_path / "file").code == 2
    assert policyengine("init", tmp_path / "file/below").code == 2
    (tmp_path / "locked").mkdir(mode=0o500)
    ran = policyengine("init", tmp_path / "locked")
    assert (ran.code, "permission denied" in ran.err) == (2, True)
    assert policyengine("init", tmp_path / "a/b").code in (0, 2)


def test_the_script_for_any_pipeline_decides(tmp_path: Path) -> None:
    policyengine("init", cwd=tmp_path)
    bin = Path(sys.executable).parent
    with Simulator(example()) as registry:
        name = f"{registry.host}/prod/order-api"
        codes = {}
        for tag in ("vulnerable", "missing"):
            command = ["sh", str(tmp_path / "gate.sh"), f"{name}:{tag}"]
            environment = os.environ | {"PATH": f"{bin}:{os.environ['PATH']}"}
            codes[tag] = subprocess.run(command, capture_output=True, check=False, env=environment).returncode
    assert codes == {"vulnerable": 1, "missing": 3}
    assert json.loads((tmp_path / "policyengine-reports/decision.json").read_text())["decision"] == "error"
