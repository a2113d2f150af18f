"""Large documents in JSON, read piece by piece: the memory they take is that of what is kept of them.

The arrays that make a document large are lists of packages, of findings, and of things that nobody asks about. The
first two are handed to readers as `Pieces`, whose elements are decoded while somebody goes through them; the last are
only looked through. Each piece is as strictly read as a whole document (`policyengine.strictjson`), and what no reader
went through is looked through at the end: a document is read whole, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from policyengine import limits, strictjson

Raws = list[msgspec.Raw]
Members = dict[str, msgspec.Raw]
SMALL = 256 * 1024
"""Bytes up to which a document is decoded at once, and how much of a larger one is."""

_LOOK = 65_536

STREAMED: Mapping[str, Any] = {
    "packages": {},  # SPDX
    "components": {},  # CycloneDX
    "artifacts": {},  # Syft
    "matches": {},  # Grype
    "runs": {"results": {}},  # SARIF
    "Results": {"Vulnerabilities": {}},  # Trivy
}
"""The arrays that are read in pieces, or the objects in whose members such arrays are."""

UNREAD = {
    "spdxVersion": frozenset(("relationships", "files", "snippets")),
    "bomFormat": frozenset(("dependencies", "compositions", "formulation", "annotations")),
    "descriptor": frozenset(("artifactRelationships", "files")),
}
"""What no reader asks for, by a key that tells the format."""


class Pieces:
    """An array whose elements are decoded, and checked, as somebody goes through it. Raises `JsonError` then."""

    def __init__(self, raws: Raws, depth: int, waiting: set[Pieces]) -> None:
        self._raws, self._depth, self._waiting = raws, depth, waiting
        waiting.add(self)

    def __len__(self) -> int:
        return len(self._raws)

    def __getitem__(self, position: int) -> Any:
        return _strict(bytes(self._raws[position]), self._depth)

    def __iter__(self) -> Iterator[Any]:
        batch: Raws = []
        size = 0
        for raw in self._raws:
            batch.append(raw)
            size += len(memoryview(raw))
            if size >= SMALL:
                yield from _batch(batch, self._depth)
                batch, size = [], 0
        yield from _batch(batch, self._depth)
        self._waiting.discard(self)


def _batch(raws: Raws, depth: int) -> list[Any]:
    found: list[Any] = _strict(b"[" + b",".join(raws) + b"]", depth + 1)
    return found


def _strict(text: bytes, depth: int) -> Any:
    return strictjson.loads(text, max_depth=depth)


class Document:
    """A parsed document: `value`, in which arrays may be `Pieces`."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.waiting: set[Pieces] = set()  # those that nobody went through yet

    def finish(self) -> None:
        """Go through what nobody asked for. Raises `JsonError` as reading it would have."""
        while self.waiting:
            for _ in next(iter(self.waiting)):
                pass


def loads(data: bytes) -> Document:
    """The document of the JSON text `data`. Raises `JsonError`, with the place, where it is not strict JSON.

    What is in `Pieces` may still turn out not to be, and raises then, without the place.
    """
    text = data.removeprefix(strictjson.BOM)
    if len(text) > SMALL and text[:_LOOK].lstrip()[:1] == b"{":
        document = Document(None)
        try:
            document.value = _Splitter(document.waiting).document(text)
        except (strictjson.JsonError, msgspec.DecodeError, RecursionError, ValueError):
            pass  # whoever reads it whole says where it is broken
        else:
            return document
    return Document(strictjson.loads(data))


class _Splitter:
    """Splits a text into its members, and the large arrays among them into elements."""

    def __init__(self, waiting: set[Pieces]) -> None:
        self._waiting = waiting

    def document(self, text: bytes) -> Any:
        members = _members(text)
        unread = frozenset(name for mark, names in UNREAD.items() if mark in members for name in names)
        return dict(self._read(members, STREAMED, unread, limits.JSON_DEPTH - 1))

    def _read(
        self, members: Members, streamed: Mapping[str, Any], unread: frozenset[str], depth: int
    ) -> Iterator[tuple[str, Any]]:
        for name, raw in members.items():
            large = len(memoryview(raw)) > SMALL and memoryview(raw)[0] == ord("[")
            if large and name in unread:
                Pieces(msgspec.json.decode(raw, type=Raws), depth - 1, self._waiting)
            elif large and name in streamed:
                yield name, self._array(msgspec.json.decode(raw, type=Raws), streamed[name], depth - 1)
            else:
                yield name, _strict(bytes(raw), depth)

    def _array(self, raws: Raws, inner: Mapping[str, Any], depth: int) -> Any:
        """The array whose elements are `raws`: in pieces, or each split in turn where arrays `inner` are streamed."""
        if not inner:
            return Pieces(raws, depth, self._waiting)
        return [self._element(raw, inner, depth) for raw in raws]

    def _element(self, raw: msgspec.Raw, inner: Mapping[str, Any], depth: int) -> Any:
        if len(memoryview(raw)) <= SMALL or memoryview(raw)[0] != ord("{"):
            return _strict(bytes(raw), depth)
        return dict(self._read(_members(bytes(raw)), inner, frozenset(), depth - 1))


def _members(text: bytes) -> Members:
    """The members of an object. A repeated key is refused: the colons are those of members, of keys, and one each."""
    members = msgspec.json.decode(text, type=Members)
    kept = sum(strictjson.colons(bytes(raw)) + name.count(":") + 1 for name, raw in members.items())
    if kept != strictjson.colons(text):
        raise strictjson.JsonError("the same key occurs twice in one object")
    return members
