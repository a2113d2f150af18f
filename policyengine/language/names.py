"""Resolving names: variables, enum members, members of libraries, functions and elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policyengine.evidence.problems import closest
from policyengine.language import checked, syntax
from policyengine.language.checked import Expr
from policyengine.language.diagnostics import Problems
from policyengine.language.schema import ENUMS
from policyengine.language.scope import DefineEntry, LetEntry, Module, ParamEntry, Scope
from policyengine.language.syntax import Name, Span, Text
from policyengine.language.types import IDENTITY, UNKNOWN, Type, list_of, set_of

if TYPE_CHECKING:
    from policyengine.language.expressions import Expressions

IDENTITY_FORMS = ("x509", "keyless", "key")

CLOCK = ("now", "today", "time", "date")
"""What people call the instant, which has no name."""

STATES = ("signed", "present", "missing")
"""What stands behind `is` and is no name: a misspelt one is read as a name."""


class Names:
    """The rules of names; typing what they stand for goes back to `Expressions`."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def _wrong(self, code: str, span: Span, message: str, **more: Any) -> Expr:
        self.problems.error(code, span, message, **more)
        return checked.Constant(UNKNOWN, span, None)

    # ------------------------------------------------------------------ variables

    def variable(self, node: syntax.Variable, expected: Type | None, scope: Scope, typing: Expressions) -> Expr:
        """What the bare name `node` stands for."""
        name, module = node.name, scope.module
        if name in scope.locals:
            return checked.Local(scope.locals[name], node.span, name)
        if name == "image":
            return checked.TheImage(Type("image"), node.span)
        if name in module.schema.collections:
            return checked.Collected(list_of(Type(module.schema.collections[name])), node.span, name)
        if name in module.entries:
            return self._entry(module.entries[name], node.span, expected, typing)
        if name in module.broken:
            return checked.Constant(UNKNOWN, node.span, None)
        return self._enum(node, expected, scope)

    def _entry(self, entry: Any, span: Span, expected: Type | None, typing: Expressions) -> Expr:
        """A parameter, constant or function by its name."""
        entry.used = True
        if isinstance(entry, ParamEntry):
            return checked.Parameter(entry.type, span, entry.qualified)
        if isinstance(entry, LetEntry):
            return self._let(entry, span, expected, typing)
        return self._wrong("E103", span, f"`{entry.item.name.text}` is a function", help="call it with its arguments")

    def _let(self, entry: LetEntry, span: Span, expected: Type | None, typing: Expressions) -> Expr:
        """The value of a constant, checked now if this is its first use."""
        value = self.let_value(entry, expected, typing)
        if isinstance(value, checked.Constant):
            return checked.Constant(value.type, span, value.value)
        return checked.Binding(value.type, span, entry.qualified)

    def let_value(self, entry: LetEntry, expected: Type | None, typing: Expressions) -> Expr:
        """The checked value of `entry`; without a type of its own it takes the one `expected` at its first use."""
        if entry.value is not None:
            return entry.value
        span = entry.item.name.span
        if entry.busy:
            return self._wrong("E105", span, f"`{entry.item.name.text}` is defined by itself")
        entry.busy = True
        own = Scope(entry.module, {})
        declared = self.declared(entry.item.type, entry.module) if entry.item.type is not None else None
        value = typing.check(entry.item.value, declared or expected, own)
        if not _constant(value):
            value = self._wrong(
                "E122", entry.item.value.span, "a `let` is a constant: it cannot look at evidence",
                help="write a function: `define name(): bool = …`",
            )  # fmt: skip
        entry.value, entry.busy = value, False
        return value

    def declared(self, node: syntax.TypeName, module: Module) -> Type:
        """The type that an author wrote."""
        from policyengine.language.declarations import declared_type

        return declared_type(node, module.schema, self.problems)

    def _enum(self, node: syntax.Variable, expected: Type | None, scope: Scope) -> Expr:
        """A member of an enum, which is the meaning of a name that nothing declares."""
        wanted = expected.member if expected is not None else None
        if wanted is not None and wanted.name in ENUMS:
            return self._member_of(node, wanted)
        homes = [enum for enum, members in ENUMS.items() if node.name in members]
        if homes and wanted in (None, UNKNOWN):
            return self._member_of(node, Type(homes[0]))
        if homes:
            return self._wrong("E103", node.span, f"expected {wanted}, found the {homes[0]} `{node.name}`")
        words = (member for enum in ENUMS.values() for member in enum)
        return self.unknown(node.span, node.name, [*scope.names(), *words, *STATES], scope)

    def _member_of(self, node: syntax.Variable, enum: Type) -> Expr:
        members = ENUMS[enum.name]
        if node.name not in members:
            near = closest(node.name, members)
            words = str(enum)
            return self._wrong(
                "E109", node.span, f"`{node.name}` is not a {words}",
                help=f"did you mean {near}?" if near else f"a {words} is one of {', '.join(members)}", suggestion=near,
            )  # fmt: skip
        if enum.name != "severity":
            return checked.Constant(enum, node.span, node.name)
        if node.name == "UNKNOWN":
            self.problems.warn(
                "W206", node.span, "nothing compares with UNKNOWN: the answer is never known",
                help="ask `finding.severity is missing`",
            )  # fmt: skip
            return checked.Constant(enum, node.span, None)
        return checked.Constant(enum, node.span, members.index(node.name) - 1)

    def unknown(self, span: Span, name: str, candidates: list[str], scope: Scope) -> Expr:
        """The report of a name that nothing declares."""
        home = scope.module.schema.home(name)
        if home is not None:
            return self._wrong("E101", span, f"there is no `{name}` here", help=f"the collection is `{home}`")
        if name.lower() in CLOCK:
            return self._wrong("E101", span, f"there is no `{name}`", help="ask how old a time is: `T within 24 hours`")
        near = closest(name, candidates)
        help = f"did you mean `{near}`?" if near else "declare it with `let` or `param`, or import its library"
        return self._wrong("E101", span, f"there is no `{name}`", help=help, suggestion=near)

    # ------------------------------------------------------------------ libraries

    def imported(self, node: syntax.Member, expected: Type | None, scope: Scope, typing: Expressions) -> Expr | None:
        """A member of an imported library; `None` where `node.base` is not one."""
        if not isinstance(node.base, syntax.Variable) or node.base.name in scope.locals:
            return None
        imported = scope.module.imports.get(node.base.name)
        if imported is None:
            return None
        imported.used = True
        if imported.module is None or node.name.text in imported.module.broken:
            return checked.Constant(UNKNOWN, node.span, None)
        entry = imported.module.entries.get(node.name.text)
        if entry is not None:
            return self._entry(entry, node.span, expected, typing)
        near = closest(node.name.text, imported.module.entries)
        return self._wrong(
            "E101", node.name.span, f"the library `{imported.module.name}` has no `{node.name.text}`",
            help=f"did you mean `{near}`?" if near else None, suggestion=near,
        )  # fmt: skip

    def flexible(self, node: syntax.Variable | syntax.Member, scope: Scope, typing: Expressions) -> bool:
        """Whether the name's type depends on its use: an enum member, or a constant whose literal is open still."""
        if isinstance(node, syntax.Variable) and node.name not in scope.names():
            return any(node.name in members for members in ENUMS.values())
        entry = self._let_entry(node, scope)
        if entry is None or entry.value is not None or entry.item.type is not None or entry.busy:
            return False
        if entry.flexible is None:
            entry.busy = True
            entry.flexible = typing.flexible_value(entry.item.value, Scope(entry.module, {}))
            entry.busy = False
        return entry.flexible

    def _let_entry(self, node: syntax.Expression, scope: Scope) -> LetEntry | None:
        """The constant that a name stands for, if it is one."""
        entry = None
        if isinstance(node, syntax.Variable) and node.name not in scope.locals:
            entry = scope.module.entries.get(node.name)
        elif isinstance(node, syntax.Member) and isinstance(node.base, syntax.Variable):
            imported = scope.module.imports.get(node.base.name)
            entry = imported.module.entries.get(node.name.text) if imported and imported.module else None
        return entry if isinstance(entry, LetEntry) else None

    def shape(self, node: syntax.Expression, member: Type, scope: Scope) -> Type:
        """`member`, or the set or list of it that a flexible `node` will be."""
        match node:
            case syntax.SetLiteral():
                return set_of(member)
            case syntax.ListLiteral():
                return list_of(member)
            case syntax.Operation():
                return self.shape(node.operands[0], member, scope)
        entry = self._let_entry(node, scope)
        return self.shape(entry.item.value, member, Scope(entry.module, {})) if entry is not None else member

    # ------------------------------------------------------------------ calls

    def call(self, node: syntax.Call, scope: Scope, typing: Expressions) -> Expr:
        """A call of an author's function, or an identity."""
        if isinstance(node.function, syntax.Variable) and node.function.name in IDENTITY_FORMS:
            return self._identity(node, node.function.name)
        entry = self._function(node.function, scope)
        if entry is None:
            return self._no_function(node.function, scope)
        entry.used = True
        if scope.caller is not None:
            scope.caller.calls.append(entry)
        name = entry.item.name.text
        if len(node.arguments) != len(entry.arguments):
            wanted = f"{len(entry.arguments)} argument{'s' if len(entry.arguments) != 1 else ''}"
            return self._wrong("E118", node.span, f"`{name}` takes {wanted}, {len(node.arguments)} given")
        for argument in node.arguments:
            if argument.name is not None:
                return self._wrong("E118", argument.name.span, f"the arguments of `{name}` have no names here")
        pairs = zip(node.arguments, entry.arguments, strict=True)
        arguments = tuple(typing.check(argument.value, type_, scope) for argument, type_ in pairs)
        return checked.Apply(entry.result, node.span, entry.qualified, arguments)

    def _function(self, node: syntax.Variable | syntax.Member, scope: Scope) -> DefineEntry | None:
        entry = None
        if isinstance(node, syntax.Variable):
            entry = scope.module.entries.get(node.name)
        elif isinstance(node.base, syntax.Variable):
            imported = scope.module.imports.get(node.base.name)
            if imported is not None and imported.module is not None:
                imported.used = True
                entry = imported.module.entries.get(node.name.text)
        return entry if isinstance(entry, DefineEntry) else None

    def _no_function(self, node: syntax.Variable | syntax.Member, scope: Scope) -> Expr:
        if isinstance(node, syntax.Member):
            return self._wrong("E101", node.name.span, f"there is no function `{node.name.text}` there")
        if node.name in scope.module.broken:
            return checked.Constant(UNKNOWN, node.span, None)
        functions = [name for name, entry in scope.module.entries.items() if isinstance(entry, DefineEntry)]
        near = closest(node.name, [*functions, *IDENTITY_FORMS])
        help = f"did you mean `{near}`?" if near else "write it with `define`"
        return self._wrong("E101", node.span, f"there is no function `{node.name}`", help=help, suggestion=near)

    def _identity(self, node: syntax.Call, form: str) -> Expr:
        """`x509("…")`, `keyless(issuer: "…", subject: "…")` or `key("sha256:…")`."""
        from policyengine.evidence import identities

        wanted = ("issuer", "subject") if form == "keyless" else ("",)
        given = tuple(argument.name.text if argument.name else "" for argument in node.arguments)
        texts = [argument.value.value for argument in node.arguments if isinstance(argument.value, Text)]
        if sorted(given) != sorted(wanted) or len(texts) != len(wanted):
            example = {"x509": 'x509("O=acme, CN=release")', "key": 'key("sha256:…")'}.get(
                form, 'keyless(issuer: "https://…", subject: "…")'
            )
            help = None
            if any(not isinstance(argument.value, Text) for argument in node.arguments):
                help = "it stands in the text; a parameter can be a whole one: `param signers: set of identity`"
            return self._wrong("E118", node.span, f"an identity of this kind is written `{example}`", help=help)
        values = [text for _, text in sorted(zip(given, texts, strict=True))]
        if not all(value.strip() for value in values):
            return self._wrong("E108", node.span, "an empty text is nobody's identity")
        try:
            getattr(identities, form)(*values)
        except ValueError as error:
            return self._wrong("E108", node.span, str(error))
        return checked.Constant(IDENTITY, node.span, (form, *values))

    # ------------------------------------------------------------------ elements

    def elements(
        self, element: Name, collection: syntax.Expression | None, scope: Scope, typing: Expressions
    ) -> tuple[Type, Expr]:
        """The type of an element, and the collection that it ranges over."""
        if collection is None:
            return self._home(element, scope)
        found = typing.check(collection, None, scope)
        if found.type == UNKNOWN:
            return UNKNOWN, found
        if not found.type.container:
            return UNKNOWN, self._wrong("E103", collection.span, f"expected a collection, found {found.type}")
        return found.type.member, found

    def _home(self, element: Name, scope: Scope) -> tuple[Type, Expr]:
        """The collection that a bare element name ranges over."""
        if element.text == "signature":
            image = checked.TheImage(Type("image"), element.span)
            type_ = Type("signature")
            return type_, checked.Field(list_of(type_), element.span, image, "signatures", False)
        home = scope.module.schema.home(element.text)
        if home is not None:
            type_ = Type(scope.module.schema.collections[home])
            return type_, checked.Collected(list_of(type_), element.span, home)
        known = [*scope.module.schema.collections.values(), "signature"]
        near = closest(element.text, known)
        if element.text in scope.module.schema.collections:
            near = scope.module.schema.collections[element.text]
        help = f"did you mean `{near}`?" if near else f"say where it is from: `{element.text} in findings`"
        return UNKNOWN, self._wrong(
            "E101", element.span, f"no collection has a `{element.text}`", help=help, suggestion=near
        )


def _constant(value: Expr) -> bool:
    """Whether nothing in `value` looks at evidence."""
    from policyengine.language.demand import parts

    evidence = (checked.TheImage, checked.Collected, checked.Within)
    return not any(isinstance(part, evidence) for part in parts(value))
