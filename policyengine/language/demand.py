"""What policies ask for, computed from their text: nothing else is fetched or decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.schema import COLLECTIONS


def parts(root: Any) -> Iterator[Expr]:
    """Every expression in `root`, a checked value of any kind, itself included."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Expr):
            yield part
        if isinstance(part, tuple):
            waiting.extend(part)
        elif isinstance(part, Struct) and not isinstance(part, checked.Constant):
            waiting.extend(getattr(part, name) for name in part.__struct_fields__ if name not in ("span", "type"))


def demand(root: Any) -> dict[str, frozenset[str]]:
    """For each record that `root` reads, the fields that it reads; a record that is only counted has none."""
    needs: dict[str, set[str]] = {}
    for part in parts(root):
        match part:
            case checked.Collected(name=name):
                needs.setdefault(_element(name), set())
            case checked.Field(base=base, name=name) | checked.Keyed(base=base, name=name):
                _note(needs, base, name)
            case checked.StatusFor(vex=vex):
                _note(needs, vex, "status")
            case checked.Signed(document=document):
                _note(needs, document, "signatures")
            case checked.Covers(vex=vex, finding=finding):
                for base, names in ((vex, ("id", "products")), (finding, ("id", "aliases", "package"))):
                    for name in names:
                        _note(needs, base, name)
            case checked.Matches(subject=subject) if subject.type.name == "package":
                for name in ("purl", "version"):
                    _note(needs, subject, name)
            case checked.TheImage():
                needs.setdefault("image", set())
    return {record: frozenset(names) for record, names in needs.items()}


def _element(collection: str) -> str:
    return COLLECTIONS.get(collection, collection.removesuffix("s"))


def _note(needs: dict[str, set[str]], base: Expr, name: str) -> None:
    """Note that the field `name` of `base` is read."""
    for record in base.type.name.split("|"):
        needs.setdefault(record, set()).add(name)
