"""What conditions look at: the fields of elements and of the image, through functions too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import parts
from policyengine.language.schema import RECORDS

Path = tuple[str, ...]
"""A local, `image` or a collection, and the fields below it: `("finding", "package", "license")`."""

Aliases = Mapping[str, Path | None]
"""What the locals of a function's body stand for; `None` for what is no path, and for elements of quantifiers."""

IMPLIED = {"age": "published", "aliases": "id"}
"""Fields that are made of others."""

COVERED = {"vex": ("id", "products"), "finding": ("id", "package")}
"""What it takes to say whether a statement covers a finding."""


class Subjects:
    """The subjects of one policy's conditions."""

    def __init__(self, policy: checked.Policy) -> None:
        self._functions = {function.name: function for function in policy.functions}
        self._called: set[tuple[str, tuple[Path | None, ...]]] = set()

    def of(self, condition: Expr) -> set[Path]:
        """The paths that `condition` looks at."""
        self._called.clear()
        return {path for path, _ in self._walk(condition, {})}

    def fields(self, conditions: Iterable[Expr]) -> dict[Path, checked.Field]:
        """The fields that `conditions` read, each with one place where it is read."""
        self._called.clear()
        found = (pair for condition in conditions for pair in self._walk(condition, {}))
        return {path: field for path, field in found if isinstance(field, checked.Field) and path[-1] == field.name}

    def ranged(self, conditions: Iterable[Expr]) -> set[str]:
        """The records that quantifiers in `conditions` look through."""
        found: set[str] = set()
        waiting, called = [*conditions], set()
        while waiting:
            for part in parts(waiting.pop()):
                if isinstance(part, checked.Quantified):
                    found.update(part.collection.type.name.split("|"))
                elif isinstance(part, checked.Apply) and part.function not in called:
                    called.add(part.function)
                    waiting.append(self._functions[part.function].body)
        return found

    def _walk(self, expr: Expr, aliases: Aliases) -> Iterator[tuple[Path, Expr]]:
        match expr:
            case checked.Field() | checked.Keyed():
                path = self._path(expr, aliases)
                yield from [(path, expr)] if path is not None else self._operands(expr, aliases)
            case checked.Collected(name=name):
                yield (name,), expr
            case checked.Signed(document=document):
                yield from self._below(document, ("signatures",), aliases)
            case checked.Covers(vex=vex, finding=finding):
                yield from self._below(vex, COVERED["vex"], aliases)
                yield from self._below(finding, COVERED["finding"], aliases)
            case checked.StatusFor(vex=vex, finding=finding):
                yield from self._below(vex, ("status", *COVERED["vex"]), aliases)
                yield from self._below(finding, COVERED["finding"], aliases) if finding is not None else ()
            case checked.Matches(subject=subject) if subject.type.name == "package":
                yield from self._below(subject, ("purl", "version"), aliases)
            case checked.Quantified():
                yield from self._operands(expr, {**aliases, expr.element: None})
            case checked.Apply():
                yield from self._call(expr, aliases)
            case checked.Local() if expr.type.name not in RECORDS and (path := self._path(expr, aliases)):
                yield path, expr
            case _:
                yield from self._operands(expr, aliases)

    def _operands(self, expr: Expr, aliases: Aliases) -> Iterator[tuple[Path, Expr]]:
        for name in expr.__struct_fields__[2:]:
            value = getattr(expr, name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Expr):
                    yield from self._walk(part, aliases)

    def _call(self, expr: checked.Apply, aliases: Aliases) -> Iterator[tuple[Path, Expr]]:
        function = self._functions[expr.function]
        paths = tuple(self._path(argument, aliases) for argument in expr.arguments)
        if (expr.function, paths) not in self._called:  # functions that call others twice would multiply
            self._called.add((expr.function, paths))
            yield from self._walk(function.body, dict(zip(function.arguments, paths, strict=True)))
        for argument, path in zip(expr.arguments, paths, strict=True):
            yield from self._walk(argument, aliases) if path is None else ()

    def _below(self, base: Expr, names: Iterable[str], aliases: Aliases) -> Iterator[tuple[Path, Expr]]:
        """Fields that a predicate reads although they are not written."""
        path = self._path(base, aliases)
        if path is None:
            yield from self._walk(base, aliases)
        else:
            yield from (((*path, name), base) for name in names)

    def _path(self, expr: Expr, aliases: Aliases) -> Path | None:
        match expr:
            case checked.Local(name=name):
                return aliases.get(name, (name,))
            case checked.TheImage():
                return ("image",)
            case checked.Field(base=base, name=name):
                path = self._path(base, aliases)
                return None if path is None else (*path, IMPLIED.get(name, name))
            case checked.Keyed(base=base, name=name, key=key):
                path = self._path(base, aliases)
                return None if path is None else (*path, name, key)
        return None


def overlap(some: Iterable[Path], others: Iterable[Path]) -> bool:
    """Whether a path of `some` is one of `others`, or in it, or around it."""
    listed = list(others)
    return any(one[: len(other)] == other[: len(one)] for one in some for other in listed)
