"""An agent that runs the script of a pipeline: its variables, its folders, and a `python3` whose pip asks nobody."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.command import START, Finished

PYTHON3 = """#!/bin/sh
# `python3 -I -m venv FOLDER` makes a folder like a virtual environment, all else is Python.
[ "${2:-}" = -m ] || exec {python} "$@"
{python} "$1" -c 'import logging, subprocess' # as the real one does
mkdir -p "$4/bin"
printf '#!/bin/sh\\nexec {python} "$@"\\n' > "$4/bin/python"
cp {pip} "$4/bin/pip"
chmod +x "$4/bin/python"
"""
PIP = """#!/bin/sh
# Stands in for the package index: what is installed is the command of this checkout.
printf '%s\\n' "$*" >> {log}
[ -z "${FAKE_PIP_FAILS:-}" ] || exit 1
[ -n "${FAKE_PIP_EMPTY:-}" ] || cp {command} "$(dirname "$0")/policyengine"
"""
COMMAND = """#!/bin/sh
exec {python} -P -c {start} "$@"
"""


@dataclass(frozen=True, slots=True)
class Agent:
    """A folder with `bin` (in the path), `work` (the checkout) and `temp`."""

    root: Path

    @classmethod
    def start(cls, root: Path) -> Agent:
        agent = cls(root)
        for name in ("bin", "work", "temp"):
            (root / name).mkdir(parents=True)
        values = {
            "{python}": shlex.quote(sys.executable), "{start}": shlex.quote(START), "{pip}": shlex.quote(f"{root}/pip"),
            "{log}": shlex.quote(f"{root}/pip.log"), "{command}": shlex.quote(f"{root}/command"),
        }  # fmt: skip
        agent.write("bin/python3", PYTHON3, values)
        agent.write("pip", PIP, values)
        agent.write("command", COMMAND, values)
        return agent

    def write(self, name: str, text: str, values: dict[str, str] | None = None) -> Path:
        """An executable file; every key of `values` is replaced."""
        for key, value in (values or {}).items():
            text = text.replace(key, value)
        path = self.root / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def temp(self) -> Path:
        return self.root / "temp"

    @property
    def installed(self) -> str:
        """What pip was asked for."""
        log = self.root / "pip.log"
        return log.read_text() if log.exists() else ""

    def command(self, script: str) -> None:
        """Let `script` be the command that pip installs."""
        self.write("command", f"#!/bin/sh\n{script}\n")

    def run(self, script: str, *shell: str, **variables: str) -> Finished:
        """Run `script` as the agent does: in the checkout, by `shell`, with `variables` in its environment."""
        path = self.write("script", script)
        env = os.environ | {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}"} | variables
        command = [*(shell or ("sh",)), str(path)]
        ran = subprocess.run(
            command,
            cwd=self.work,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        return Finished(ran.returncode, ran.stdout, ran.stderr)
