"""Large documents in JSON, read piece by piece: the memory they take is that of what is kept of them.

The arrays that make a document large are lists of packages, of findings, and of things that nobody asks about. The
first two are handed to readers as `Pieces`, whose elements are decoded while somebody goes through them; the last are
only looked through. Each piece is as strictly read as a whole document (`policyengine.strictjson`), and what no reader
went through is looked through at the end: a document is read whole, or not at all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

import msgspec

from policyengine import limits, strictjson

Raws = list[msgspec.Raw]
Members = dict[str, msgspec.Raw]
SMALL = 256 * 1024
"""Bytes up to which a document is decoded at once."""

BATCH = 16 * 1024
"""Bytes of a larger one that are decoded at once: so few that they, and what becomes of them, stay in the processor's
cache, which takes half the time of decoding the whole."""

_LOOK = 65_536

STREAMED: Mapping[str, Any] = {
    "packages": {},  # SPDX
    "components": {},  # CycloneDX
    "artifacts": {},  # Syft
    "matches": {},  # Grype
    "runs": {"results": {}, "tool": {"driver": {"rules": {}}}},  # SARIF
    "Results": {"Vulnerabilities": {}},  # Trivy
    "predicate": {"packages": {}, "components": {}},  # an SBOM in a statement
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

    def __init__(self, raws: Raws, depth: int, document: Document) -> None:
        self._raws, self._depth, self._document = raws, depth, document
        document.waiting.add(self)

    def __len__(self) -> int:
        return len(self._raws)

    def __getitem__(self, position: int) -> Any:
        return strictjson.loads(bytes(self._raws[position]), max_depth=self._depth)

    def __iter__(self) -> Iterator[Any]:
        kept = 0
        for batch in self._batches():
            values, colons = self._read(batch)
            yield from values
            kept += colons
        self._document.went_through(self, kept)

    def _batches(self) -> Iterator[list[bytes]]:
        """The texts of the elements, as many at a time as have about the size of a batch."""
        ends, start = list(accumulate(len(memoryview(raw)) for raw in self._raws)), 0
        while start < len(ends):
            read = ends[start - 1] if start else 0
            end = max(start + 1, bisect_right(ends, read + BATCH, start))
            yield list(map(bytes, self._raws[start:end]))
            start = end

    def _read(self, batch: list[bytes]) -> tuple[list[Any], int]:
        """The elements of `batch`, and the colons in them. What is nested deep has as many brackets, twice."""
        shallow = max(map(len, batch)) < 2 * self._depth
        depth = None if shallow else self._depth + 1
        found: Any = strictjson.counted(b"[%b]" % b",".join(batch), depth, self._document.escaped)
        return found  # type: ignore[no-any-return]


class Document:
    """A parsed document: `value`, in which arrays may be `Pieces`.

    A repeated key takes its colon with it (see `policyengine.strictjson`). Of a document in pieces `written` is the
    number of colons in its `text`, and `kept` that of those in what has been read of it.
    """

    def __init__(self, value: Any, text: bytes = b"") -> None:
        self.value = value
        self.escaped = strictjson.escapes_colons(text)  # looked up once: Go escapes much, and hardly ever a colon
        self.written, self.kept = strictjson.colons(text, self.escaped), 0
        self.waiting: set[Pieces] = set()  # those that nobody went through yet

    def went_through(self, pieces: Pieces, colons: int) -> None:
        """Somebody went through `pieces`, perhaps not for the first time, which hold as many `colons`."""
        if pieces in self.waiting:
            self.waiting.remove(pieces)
            self.kept += colons

    def finish(self) -> None:
        """Go through what nobody asked for. Raises `JsonError` as reading it would have."""
        while self.waiting:
            for _ in next(iter(self.waiting)):
                pass
        if self.kept != self.written:
            raise strictjson.JsonError(strictjson.REPEATED)


def loads(data: bytes) -> Document:
    """The document of the JSON text `data`. Raises `JsonError`, with the place, where it is not strict JSON.

    What is in `Pieces`, and what holds them, may still turn out not to be, which `finish` tells, without the place.
    """
    text = data.removeprefix(strictjson.BOM)
    if len(text) > SMALL and text[:_LOOK].lstrip()[:1] == b"{":
        try:
            return _split(text)
        except (strictjson.JsonError, msgspec.DecodeError, RecursionError, ValueError):
            pass  # whoever reads it whole says where it is broken
    return Document(strictjson.loads(data))


def _split(text: bytes) -> Document:
    """The document of `text`, its large arrays in pieces."""
    document = Document(None, text)
    members = msgspec.json.decode(text, type=Members)
    document.value = dict(_Splitter(document).read(members, STREAMED, limits.JSON_DEPTH - 1))
    return document


class _Splitter:
    """Splits a text into its members, and the large arrays among them into elements."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def read(self, members: Members, streamed: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
        """The members of an object, but for large arrays that nobody reads."""
        unread = frozenset(name for mark, names in UNREAD.items() if mark in members for name in names)
        for name, raw in members.items():
            self._document.kept += name.count(":") + 1
            view = memoryview(raw)
            large = len(view) > SMALL and view[0] in b"[{"
            if large and view[0] == ord("[") and name in unread:
                Pieces(msgspec.json.decode(raw, type=Raws), depth - 1, self._document)
            elif large and name in streamed:
                yield name, self._large(raw, streamed[name], depth)
            else:
                yield name, self._whole(raw, depth)

    def _whole(self, raw: msgspec.Raw, depth: int) -> Any:
        value, colons = strictjson.counted(bytes(raw), depth)
        self._document.kept += colons
        return value

    def _large(self, raw: msgspec.Raw, inner: Mapping[str, Any], depth: int) -> Any:
        """An array in pieces; where arrays `inner` are streamed, each of its elements, or an object, split in turn."""
        if memoryview(raw)[0] == ord("{"):
            if not inner:
                return self._whole(raw, depth)
            return dict(self.read(msgspec.json.decode(raw, type=Members), inner, depth - 1))
        raws = msgspec.json.decode(raw, type=Raws)
        if not inner:
            return Pieces(raws, depth - 1, self._document)
        return [self._element(each, inner, depth - 1) for each in raws]

    def _element(self, raw: msgspec.Raw, inner: Mapping[str, Any], depth: int) -> Any:
        view = memoryview(raw)
        return self._large(raw, inner, depth) if len(view) > SMALL and view[0] == ord("{") else self._whole(raw, depth)
