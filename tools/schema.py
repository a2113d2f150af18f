"""Writes policyengine/schemas/decision-v1.json from the models beside it; `--check` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from policyengine.schemas import decision

TARGET = Path(decision.__file__).with_name("decision-v1.json")


def main(*arguments: str) -> str | None:
    """Write the schema, or say that it is not the one that the models describe."""
    text = json.dumps(decision.schema(), indent=2, ensure_ascii=False) + "\n"
    if "--check" in arguments:
        same = TARGET.read_text(encoding="utf-8") == text
        return None if same else f"{TARGET.name} is not what the models describe: run `make schema`"
    TARGET.write_text(text, encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
