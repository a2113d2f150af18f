"""Where in a JSON text a value stands, so that an error can point at it."""

from __future__ import annotations

from policyengine.strictjson import BOM, place

Path = tuple["str | int", ...]
"""The way from the top of a document to one of its values: member names and indexes."""


def locate(data: bytes, path: Path) -> tuple[int, int]:
    """Line and column, from 1, of the value at `path` in the valid JSON text `data`.

    Where the path leads to nothing (a missing member), the place of the innermost value that is there.
    """
    text = data.removeprefix(BOM).decode()
    position = _skip_space(text, 0)
    for step in path:
        found = _member(text, position, step) if isinstance(step, str) else _element(text, position, step)
        if found is None:
            break
        position = found
    return place(data, len(data) - len(data.removeprefix(BOM)) + len(text[:position].encode()))


def _member(text: str, position: int, name: str) -> int | None:
    from json.decoder import scanstring  # type: ignore[attr-defined]

    position = _skip_space(text, position + 1)
    while text[position] != "}":
        key, position = scanstring(text, position + 1)
        position = _skip_space(text, _skip_space(text, position) + 1)
        if key == name:
            return position
        position = _after_value(text, position)
    return None


def _element(text: str, position: int, index: int) -> int | None:
    position = _skip_space(text, position + 1)
    while text[position] != "]":
        if index == 0:
            return position
        index -= 1
        position = _after_value(text, position)
    return None


def _after_value(text: str, position: int) -> int:
    """Where the next member or element starts, or the closing bracket stands."""
    from json import JSONDecoder

    _, position = JSONDecoder().raw_decode(text, position)
    position = _skip_space(text, position)
    return _skip_space(text, position + 1) if text[position] == "," else position


def _skip_space(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position
