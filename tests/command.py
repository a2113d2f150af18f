"""The command as users run it: a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START = "import sys; from policyengine.cli.main import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        assert self.out, self.err
        return json.loads(self.out)


def policyengine(*arguments: object, cwd: Path | None = None, timeout: float = 60, **environment: str) -> Finished:
    """Run `policyengine ARGUMENTS…` with `environment` added to that of the tests.

    A traceback is always a fault, so it fails the test here; `timeout` is in seconds.
    """
    command = [sys.executable, "-c", START, *map(str, arguments)]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=timeout, cwd=cwd, env=os.environ | environment
    )
    assert "Traceback (most recent call last)" not in ran.stderr, ran.stderr
    return Finished(ran.returncode, ran.stdout, ran.stderr)


HEEDING = (
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
)
"""Before a command: it heeds Ctrl-C, even where a shell that runs the tests in the background ignores it."""
