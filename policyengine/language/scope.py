"""Names: what a file declares, what it imports, and what an expression can see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policyengine.language import syntax
from policyengine.language.checked import Expr
from policyengine.language.schema import Schema
from policyengine.language.types import UNKNOWN, Type


class LetEntry:
    """A `let`: checked when it is first used, since a literal takes its type from its use."""

    def __init__(self, item: syntax.Let, module: Module) -> None:
        self.item, self.module = item, module
        self.value: Expr | None = None
        self.flexible: bool | None = None
        """Whether what its value is depends on where it stands; `None` while nobody asked."""

        self.busy = self.used = False

    @property
    def qualified(self) -> str:
        return f"{self.module.name}.{self.item.name.text}"


class ParamEntry:
    """A `param` and its type."""

    def __init__(self, item: syntax.Param, module: Module, type_: Type) -> None:
        self.item, self.module, self.type = item, module, type_
        self.used = False

    @property
    def qualified(self) -> str:
        return f"{self.module.name}.{self.item.name.text}"


class DefineEntry:
    """A `define` and its signature; `calls` are the functions that its body calls."""

    def __init__(self, item: syntax.Define, module: Module, arguments: tuple[Type, ...], result: Type) -> None:
        self.item, self.module, self.arguments, self.result = item, module, arguments, result
        self.body: Expr | None = None
        self.calls: list[DefineEntry] = []
        self.used = False

    @property
    def qualified(self) -> str:
        return f"{self.module.name}.{self.item.name.text}"


class ImportEntry:
    """An `import`; `module` is `None` where there is no such library, which was reported."""

    def __init__(self, item: syntax.Import, module: Module | None) -> None:
        self.item, self.module = item, module
        self.used = False


Entry = LetEntry | ParamEntry | DefineEntry


class Module:
    """The names of one policy or library. `broken` are names of items with syntax errors: they exist, untyped."""

    def __init__(self, file: syntax.File) -> None:
        self.file, self.name = file, file.name.text
        self.entries: dict[str, Entry] = {}
        self.imports: dict[str, ImportEntry] = {}
        self.broken: set[str] = set()
        self.schema = Schema()

    def visible(self) -> Iterator[str]:
        """Every name that an expression of this file can write, for suggestions."""
        yield from self.entries
        yield from self.broken
        yield from self.imports
        yield from self.schema.collections
        yield "image"


class Scope:
    """What one expression sees: the file's names and the locals around it."""

    def __init__(self, module: Module, locals_: Mapping[str, Type], caller: DefineEntry | None = None) -> None:
        self.module, self.locals, self.caller = module, locals_, caller

    def with_local(self, name: str, type_: Type) -> Scope:
        """This scope with one more local.

        What ranges over `scans` is meant to be called `scan`, so where the one was reported the other is no mistake.
        """
        known = {name: type_}
        if type_ == UNKNOWN and name in self.module.schema.collections:
            known[self.module.schema.collections[name]] = UNKNOWN
        return Scope(self.module, {**self.locals, **known}, self.caller)

    def names(self) -> list[str]:
        """Every visible name, for suggestions."""
        return [*self.locals, *self.module.visible()]

    def finding(self) -> str | None:
        """The innermost local that is a finding."""
        return next((name for name, type_ in reversed(list(self.locals.items())) if type_ == Type("finding")), None)
