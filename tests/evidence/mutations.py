"""Breaking documents one place at a time: every field removed, of another type, or there twice."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
REMOVED = object()
TWICE = object()
VALUES: tuple[object, ...] = (REMOVED, TWICE, None, 5, "x", True, {"x": "y"}, ["x"], [None], "")


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """The place of every value below `value`."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*here, key)
        yield from paths(inner, (*here, key))


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def mutated(document: Any, path: Path, value: object) -> bytes | None:
    """`document` as a text, with the value at `path` changed; `None` where that is no change."""
    if value is TWICE and isinstance(path[-1], int):
        return None
    copied = copy.deepcopy(document)
    holder, last = at(copied, path[:-1]), path[-1]
    if value is not REMOVED and value is not TWICE and type(value) is type(holder[last]):
        return None
    if value is REMOVED:
        del holder[last]
    elif value is TWICE:
        holder["\ue000"] = holder[last]
        return json.dumps(copied).replace('"\\ue000":', json.dumps(last) + ":").encode()
    else:
        holder[last] = value
    return json.dumps(copied).encode()


def moved(document: Any, path: Path, to: Path) -> bytes | None:
    """`document` as a text, with the value at `path` taken away and put at `to`; `None` where one is in the other."""
    if path[: len(to)] == to or to[: len(path)] == path or type(path[-1]) is int or type(to[-1]) is int:
        return None
    copied = copy.deepcopy(document)
    value = at(copied, path[:-1]).pop(path[-1])
    at(copied, to[:-1])[to[-1]] = value
    return json.dumps(copied).encode()
