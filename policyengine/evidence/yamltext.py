"""SPDX 2.x documents as YAML, brought into the shape of their JSON.

Every scalar is a text, but for a plain null: `versionInfo: 1.10` is the version `1.10`, not a number. What two readers
may understand differently is refused: repeated keys, tags, and aliases, which a document of packages has no use for.
"""

from __future__ import annotations

from typing import Any

from policyengine import limits
from policyengine.errors import EvidenceError
from policyengine.evidence import spdx
from policyengine.evidence.reading import Reading, Source
from policyengine.strictjson import BOM, quoted

NULLS = frozenset(("", "~", "null", "Null", "NULL"))


def read(data: bytes, source: Source) -> Reading:
    """An SPDX document in YAML. Raises `EvidenceError` with the line that breaks it."""
    if len(data) > limits.SPDX_YAML_BYTES:
        raise EvidenceError(f"the YAML has more than {limits.SPDX_YAML_BYTES} bytes", "attach the same SBOM as JSON")
    value = parsed(data)
    if type(value) is not dict:
        raise EvidenceError("the YAML is not a map", "", 1)
    return spdx.reading_of(value, "yaml", source)


def parsed(data: bytes) -> Any:
    """The value of the YAML text `data`: dict, list, str or None. Raises `EvidenceError`, with the place."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder()
    try:
        for event in yaml.parse(data.removeprefix(BOM).decode("utf-8"), Loader=loader):
            builder.take(event)
    except UnicodeDecodeError as fault:
        raise EvidenceError("the text is not UTF-8", offset=fault.start) from None
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        reason = getattr(fault, "problem", None) or "it holds a character that YAML has not"
        raise EvidenceError(f"the YAML is broken: {reason}", line=mark.line + 1 if mark else None) from None
    return builder.value


class _Builder:
    """Values from the parser's events, one by one, so that a text too deep ends early."""

    def __init__(self) -> None:
        self.value: Any = None
        self._documents = 0
        self._open: list[tuple[Any, str | None]] = []  # each list or map, and in a map the key that waits for a value

    def take(self, event: Any) -> None:
        line = int(event.start_mark.line) + 1
        match type(event).__name__:
            case "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1:
                    raise EvidenceError("the YAML holds several documents", line=line)
            case "ScalarEvent":
                self._check(event, line)
                null = event.implicit[0] and event.value in NULLS  # only a plain scalar may be one
                self._put(event.value, None if null else event.value, line)
            case "SequenceStartEvent" | "MappingStartEvent" as kind:
                self._check(event, line)
                self._enter({} if kind == "MappingStartEvent" else [], line)
            case "SequenceEndEvent" | "MappingEndEvent":
                self._open.pop()
            case "AliasEvent":
                raise EvidenceError("the YAML holds an alias", line=line)

    def _check(self, event: Any, line: int) -> None:
        if event.tag is not None or event.anchor is not None:
            raise EvidenceError("the YAML holds a tag or an anchor", line=line)

    def _enter(self, value: Any, line: int) -> None:
        if len(self._open) >= limits.JSON_DEPTH:
            raise EvidenceError(f"the YAML is nested deeper than {limits.JSON_DEPTH} levels", line=line)
        self._put(None, value, line)
        self._open.append((value, None))

    def _put(self, name: str | None, value: Any, line: int) -> None:
        """Put `value` where it belongs; `name` is what it is called as a key, where it can be one."""
        if not self._open:
            self.value = value
            return
        holder, key = self._open[-1]
        if type(holder) is list:
            holder.append(value)
        elif key is not None:
            holder[key] = value
            self._open[-1] = (holder, None)
        elif name is None:
            raise EvidenceError("a key of the YAML is not a text", line=line)
        elif name in holder:
            raise EvidenceError(f"the key {quoted(name)} occurs twice", line=line)
        else:
            self._open[-1] = (holder, name)
