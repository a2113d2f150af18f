"""Files that the user names: read whole, to a bound, and what is wrong with them said in one way."""

from __future__ import annotations

from pathlib import Path

from policyengine.errors import UsageError


def bounded(path: str | Path, most: int, name: str, help: str = "") -> bytes:
    """All bytes of the file at `path`, at most `most`; messages call it `name`.

    Raises `UsageError`, with `help` for a file that has more.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "input error").lower()
        raise UsageError(f"cannot read {name}: {reason}") from None
    if len(data) > most:
        raise UsageError(f"{name} is larger than {most} bytes", help)
    return data
