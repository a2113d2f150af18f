"""Golden files: what a report must look like, byte for byte.

`UPDATE_GOLDEN=1 pytest tests/reports` writes them anew; what changed is then read in the diff.
"""

import hashlib
import os
from pathlib import Path

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))  # read before the tests' surroundings are cleared
FOLDER = Path(__file__).parent / "golden"


def agrees(name: str, text: str) -> bool:
    """Whether `text` is what the golden file `name` holds."""
    path = FOLDER / name
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert path.read_bytes().decode() == text, f"{name} differs; see tests/reports/golden.py"
    return True


def elided(text: str, head: int = 60, tail: int = 20) -> str:
    """A long report by its first and last lines, and the digest of all that stands between."""
    lines = text.splitlines()
    if len(lines) <= 400:
        return text
    middle = "\n".join(lines[head:-tail])
    mark = f"… {len(lines) - head - tail} lines, sha256:{hashlib.sha256(middle.encode()).hexdigest()}"
    return "\n".join([*lines[:head], mark, *lines[-tail:], ""])
