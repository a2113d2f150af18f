"""A new user: the built wheel in a fresh environment, a docker login, one command, and the ten likeliest mistakes.

The transcript is `newcomer.txt`; `UPDATE_GOLDEN=1` writes it anew, and the difference is then there to be read.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import policyengine as package
from tests.cli.served import example, trusting
from tests.example import AT, LAYOUT
from tests.simulator.registry import Simulator

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("newcomer.txt")
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))

POLICY = """\
policy first "What we ask of an image"

let release = x509("CN=release, O=Example Orders")

rule signed deny "the release pipeline signed it"
  require image is signed by release

rule no-critical deny "no critical finding that has a fix"
  forbid finding where finding.severity is CRITICAL and finding.fix is present
  message "{finding.id} in {finding.package.name}, fixed in {finding.fix}"
"""

FIRST = (
    ("the version", "policyengine --version"),
    ("one command, and a decision", f"policyengine eval HOST/prod/order-api:clean policies/ --at {AT}"),
    ("one that is denied", f"policyengine eval HOST/prod/order-api:vulnerable policies/ --at {AT}"),
)
MISTAKES = (
    ("a command is misspelt", "policyengine evl HOST/prod/order-api:clean policies/"),
    ("an option is misspelt", "policyengine eval HOST/prod/order-api:clean policies/ --trust-polcy trust.json"),
    ("the policies are forgotten", "policyengine eval HOST/prod/order-api:clean"),
    ("their folder is misspelt", "policyengine eval HOST/prod/order-api:clean polices/"),
    ("neither tag nor digest", "policyengine eval HOST/prod/order-api policies/"),
    ("a URL is no reference", "policyengine eval http://HOST/prod/order-api:clean policies/"),
    ("the tag is not there", "policyengine eval HOST/prod/order-api:cleen policies/"),
    ("nobody has logged in", "DOCKER_CONFIG=nowhere policyengine eval HOST/prod/order-api:clean policies/"),
    ("a layout is no registry", "policyengine eval layout:clean policies/"),
    ("a word of a policy is misspelt", "policyengine eval HOST/prod/order-api:clean misspelt.policy"),
    ("a format that is none", "policyengine eval HOST/prod/order-api:clean policies/ -o jsn"),
    ("Notation trusts nobody yet",
     f"XDG_CONFIG_HOME=nowhere policyengine eval HOST/prod/order-api:clean policies/ --at {AT}"),
)  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in an environment of its own, from the built wheel; only what it depends on is borrowed."""
    folder = tmp_path_factory.mktemp("newcomer")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, "--quiet", "--disable-pip-version-check"], check=True, capture_output=True)
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv/bin/policyengine"


@dataclass(frozen=True, slots=True)
class Desk:
    """A new user's folder and surroundings."""

    command: Path
    folder: Path
    host: str

    def run(self, line: str) -> tuple[int, str]:
        """The exit code of one line of a shell, and what it printed, with the names of this machine left out."""
        words = shlex.split(line.replace("HOST", self.host))
        given = dict(word.split("=", 1) for word in words if re.fullmatch(r"[A-Z_]+=.*", word))
        arguments = [str(self.command), *words[len(given) + 1 :]]
        home = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        ran = subprocess.run(
            arguments, capture_output=True, text=True, check=False, cwd=self.folder, env=home | given, timeout=60
        )
        said = (ran.stdout + ran.stderr).replace(self.host, "HOST").replace(str(self.folder), "~")
        said = said.replace(package.__version__, "VERSION")
        return ran.returncode, re.sub(r"(?m)[ \t]+$", "", said)


@pytest.fixture(scope="module")
def desk(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("home")
    with Simulator(example(), auth="basic") as registry:
        login = base64.b64encode(":".join(registry.login).encode()).decode()
        write(home / ".docker/config.json", json.dumps({"auths": {registry.host: {"auth": login}}}))
        _, policy, _, store = trusting(home, f"{registry.host}/prod/order-api")
        write(home / ".config/notation/trustpolicy.json", Path(policy).read_text())
        (home / ".config/notation/truststore").symlink_to(store)
        write(home / "policies/first.policy", POLICY)
        write(home / "misspelt.policy", POLICY.replace("CRITICAL", "CRITCAL"))
        (home / "layout").symlink_to(LAYOUT)
        yield Desk(installed, home, registry.host)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_transcript(desk: Desk) -> None:
    parts = []
    for title, line in FIRST + MISTAKES:
        code, said = desk.run(line)
        parts.append(f"# {title}\n$ {line}\n{said.rstrip()}\n[{code}]\n")
    transcript = "\n".join(parts)
    if UPDATE:
        GOLDEN.write_text(transcript, encoding="utf-8")
    assert transcript == GOLDEN.read_text(encoding="utf-8")


def test_the_first_command_decides(desk: Desk) -> None:
    assert [desk.run(line)[0] for _, line in FIRST] == [0, 0, 1]


@pytest.mark.parametrize(("title", "line"), MISTAKES[:-1], ids=[title for title, _ in MISTAKES[:-1]])
def test_a_mistake_is_answered_by_one_sentence_and_advice(title: str, line: str, desk: Desk) -> None:
    code, said = desk.run(line)
    assert code in (2, 3), title
    assert said.count("error[") <= 2
    assert "help: " in said
    assert "Traceback" not in said
    assert "ALLOW" not in said
