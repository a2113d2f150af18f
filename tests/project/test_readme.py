"""The README shows what really happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_transcript_is_the_output_of_the_demo() -> None:
    command = str(Path(sys.executable).with_name("policyengine"))
    wide = {**os.environ, "COLUMNS": "132"}
    demo = subprocess.run(
        ["sh", "examples/order-api/demo.sh", command], cwd=ROOT, capture_output=True, text=True, check=True, env=wide
    )
    shown = README.partition("<!-- transcript: begin")[2].partition("```text\n")[2].partition("\n```")[0]

    assert shown == demo.stdout.strip()


def test_the_library_lines_run() -> None:
    """As written, with the example's layout and trust in the place of a registry and of the user's files."""
    lines = README.partition("```python\n")[2].partition("```")[0]
    example = ROOT / "examples" / "order-api"
    stage = (
        "from policyengine import Layout\n"
        f"registry = Layout({str(example / 'layout')!r})\n"
        f"trust = Trust.load(Path({str(example / 'notation/trustpolicy.json')!r}),"
        f" Path({str(example / 'notation/truststore')!r}))\n"
    )
    changed = (
        lines.replace('"registry.example.com/prod/order-api@sha256:…"', '"registry.example.com/prod/order-api:clean"')
        .replace('"policies/"', repr(str(example / "policies")))
        .replace("trust=Trust.load(), registry=Registry()", "trust=trust, registry=registry")
        .replace("datetime.now(UTC)", 'datetime.fromisoformat("2026-11-22T20:00:00Z")')
        .replace("image = ", f"from pathlib import Path\n{stage}image = ")
    )

    exec(compile(changed, "README.md", "exec"), {})
