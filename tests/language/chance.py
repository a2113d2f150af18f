"""Checked policies by chance: well typed, small, and of everything that the language has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.schema import RECORDS
from policyengine.language.syntax import Span
from policyengine.language.types import (
    BOOL,
    DATE,
    DECIMAL,
    DIGEST,
    DURATION,
    GLOB,
    IDENTITY,
    INT,
    LICENSE,
    PURL,
    RANGE,
    SEVERITY,
    TEXT,
    TIME,
    VULNERABILITY,
    Type,
    list_of,
    set_of,
)

SPAN = Span("p.policy", 1, 1, 1, 2)
IMAGE, FINDING, PACKAGE, SCAN = map(Type, ("image", "finding", "package", "scan"))
VEX, SIGNATURE, COVERAGE = map(Type, ("vex", "signature", "coverage"))
CATEGORY, STATUS = Type("category"), Type("status")
COLLECTIONS = {"findings": FINDING, "packages": PACKAGE, "scans": SCAN, "vexes": VEX, "coverages": COVERAGE}
IDS = ("CVE-2024-0001", "CVE-2024-0002", "GHSA-2222-3333-4444")
PURLS = ("pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0", "pkg:deb/debian/c@1:1.0")

CONSTANTS: Mapping[Type, tuple[Any, ...]] = {
    BOOL: (True, False), INT: (-1, 0, 1, 2, 3), TEXT: ("a", "b", "trivy", "1.0"), DECIMAL: ("0", "7.0", "9.8"),
    SEVERITY: (0, 1, 2, 3, 4, None), TIME: ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "9999-12-31T00:00:00Z"),
    DATE: ("2026-01-01", "2026-03-01"), DURATION: (0, 86400, -60, 14 * 86400, 3_000_000_000),
    VULNERABILITY: IDS, PURL: PURLS, LICENSE: ("MIT", "GPL-2.0-only", "MIT OR Apache-2.0"), DIGEST: ("sha256:a",),
    CATEGORY: ("VULNERABILITY", "SECRET"), STATUS: ("NOT_AFFECTED", "AFFECTED", "FIXED"),
    GLOB: ("a*", "**", "pkg:npm/*@*"), RANGE: ("pkg:npm/a@<2.0", "pkg:npm/b@>=2.0.0"),
    IDENTITY: (("x509", "CN=release"), ("x509", "O=acme"), ("key", "sha256:" + "a" * 64)),
}  # fmt: skip
"""Portable constants of each type, few, so that they meet."""

ORDERED = (INT, DECIMAL, SEVERITY, TIME, DURATION)
COMPARED = (*ORDERED, BOOL, TEXT, VULNERABILITY, LICENSE, PURL, CATEGORY, STATUS, IDENTITY)
LISTED = (TEXT, VULNERABILITY, SEVERITY, INT, LICENSE, PURL, CATEGORY, STATUS, BOOL, IDENTITY)
DECLARED = {
    DECIMAL: ("percent", False), SEVERITY: ("worst", False), TEXT: ("branch", True), VULNERABILITY: ("cve", True),
}  # fmt: skip
"""The fields of the declared kind of document `coverage`."""

Locals = Mapping[str, Type]
Maker = Callable[[Type, Locals, int], Expr]


def local(name: str, type_: Type) -> checked.Local:
    return checked.Local(type_, SPAN, name)


class Chance:
    """Draws expressions. `escapes` allows `is missing` and `otherwise`, the two ways out of unknown; what is `local`
    looks at nothing but its locals and the image.
    """

    def __init__(self, draw: DrawFn, *, escapes: bool = True, local: bool = False) -> None:
        self.draw, self.escapes, self.local = draw, escapes, local
        self.parameters: dict[str, checked.ParameterDeclaration] = {}
        self.bindings: dict[str, checked.BoundValue] = {}
        self.functions: dict[str, checked.Function] = {}
        self.fresh = 0

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(list(options)))

    def once_in(self, times: int) -> bool:
        return bool(self.draw(st.integers(1, times)) == 1)

    def name(self, letter: str) -> str:
        self.fresh += 1
        return f"{letter}{self.fresh}"

    # ------------------------------------------------------------------ any type

    def expr(self, type_: Type, seen: Locals, depth: int) -> Expr:
        """An expression of the type `type_` over the locals `seen`, at most `depth` levels deep."""
        made = self._branches(type_) if depth > 0 else []
        branches: list[Callable[[], Expr]] = [partial(maker, type_, seen, depth - 1) for maker in made]
        found: Expr = self.pick([*self._leaves(type_, seen), *branches, *branches])()
        return found

    def _leaves(self, type_: Type, seen: Locals) -> list[Callable[[], Expr]]:
        found: list[Callable[[], Expr]] = [partial(local, name, type_) for name, t in seen.items() if t == type_]
        found += [lambda field=field: field for field in self.fields(type_, seen)] * 3
        if type_ in CONSTANTS:
            found += [lambda: self.constant(type_), lambda: self.parameter(type_)]
        elif type_.member in CONSTANTS:
            found += [lambda: self.constants(type_), lambda: self.constants(type_), lambda: self.parameter(type_)]
        homes = [name for name, record in COLLECTIONS.items() if list_of(record) == type_]
        return found + [lambda home=home: checked.Collected(type_, SPAN, home) for home in homes]

    def fields(self, type_: Type, seen: Locals) -> list[Expr]:
        """Every field of the type that the locals and the image have."""
        bases: list[Expr] = [checked.TheImage(IMAGE, SPAN)]
        bases += [local(n, t) for n, t in seen.items() if t.name in RECORDS and not t.container]
        bases += [checked.Field(PACKAGE, SPAN, base, "package", True) for base in bases if base.type == FINDING]
        found: list[Expr] = []
        for base in bases:
            for name, spec in RECORDS[base.type.name].items():
                if spec.keyed and type_ == TEXT:
                    found.append(checked.Keyed(TEXT, SPAN, base, name, "team"))
                elif spec.type == type_ and not spec.keyed and (base.type, name) != (VEX, "status"):
                    found.append(checked.Field(type_, SPAN, base, name, spec.optional))
        return [*found, *self._statuses(type_, seen), *self._declared(type_, seen)]

    def _statuses(self, type_: Type, seen: Locals) -> list[Expr]:
        findings = [local(n, t) for n, t in seen.items() if t == FINDING]
        vexes = [local(n, t) for n, t in seen.items() if t == VEX and type_ == STATUS]
        return [checked.StatusFor(STATUS, SPAN, vex, findings[-1] if findings else None) for vex in vexes]

    def _declared(self, type_: Type, seen: Locals) -> list[Expr]:
        bases = [local(n, t) for n, t in seen.items() if t == COVERAGE and type_ in DECLARED]
        return [checked.Field(type_, SPAN, base, *DECLARED[type_]) for base in bases]

    def constant(self, type_: Type) -> checked.Constant:
        return checked.Constant(type_, SPAN, self.pick(CONSTANTS[type_]))

    def constants(self, type_: Type) -> checked.Constant:
        options = CONSTANTS[type_.member] if type_.name != "license" else ("MIT", "GPL-2.0-only", "Apache-2.0")
        chosen = self.draw(st.lists(st.sampled_from(options), min_size=1, max_size=3, unique=True))
        return checked.Constant(type_, SPAN, tuple(chosen))

    def parameter(self, type_: Type) -> Expr:
        """A parameter, or a constant that depends on one."""
        name = f"p.{type_}".replace(" ", "_")
        if name not in self.parameters:
            default = self.constants(type_) if type_.container else self.constant(type_)
            self.parameters[name] = checked.ParameterDeclaration(name, type_, False, default.value, "", SPAN)
        found = checked.Parameter(type_, SPAN, name)
        if self.once_in(2):
            return found
        bound = self.name("p.b")
        self.bindings[bound] = checked.BoundValue(bound, found)
        return checked.Binding(type_, SPAN, bound)

    # ------------------------------------------------------------------ compound expressions

    def _branches(self, type_: Type) -> list[Maker]:
        found: list[Maker] = [self._choice]
        if type_ in CONSTANTS or type_.member in CONSTANTS:
            found.append(self._apply)
        if self.escapes and type_ in CONSTANTS and type_ not in (STATUS, GLOB, RANGE, IDENTITY):
            found.append(self._otherwise)
        if type_ == BOOL:
            return [*found, *self._conditions()]
        if type_ in (INT, DECIMAL, DURATION, TIME) or type_.container:
            found.append(self._arithmetic)
        if type_ == INT and not self.local:
            found += [self._count, self._count]
        if type_.container and type_.member in (TEXT, VULNERABILITY, LICENSE, SEVERITY, INT):
            found.append(self._members)
        return found

    def _conditions(self) -> list[Maker]:
        found: list[Maker] = [
            self._logic, self._logic, self._not, self._compare, self._compare, self._equal, self._in, self._matches,
            self._license, self._within,
        ]  # fmt: skip
        found += [] if self.local else [self._signed, self._covers, self._quantified, self._quantified]
        return [*found, self._missing] if self.escapes else found

    def _choice(self, type_: Type, seen: Locals, depth: int) -> Expr:
        condition = self.expr(BOOL, seen, depth)
        return checked.Choice(type_, SPAN, condition, self.expr(type_, seen, depth), self.expr(type_, seen, depth))

    def _otherwise(self, type_: Type, seen: Locals, depth: int) -> Expr:
        paths: list[Expr] = [*self.fields(type_, seen), *(local(n, t) for n, t in seen.items() if t == type_)]
        if not paths:
            return self.expr(type_, seen, depth)
        first = self.pick(paths)
        if self.pick((True, False)):  # a chain
            first = checked.Otherwise(type_, SPAN, first, self.pick(paths))
        return checked.Otherwise(type_, SPAN, first, self.expr(type_, seen, depth))

    def _missing(self, _: Type, seen: Locals, __: int) -> Expr:
        paths = [field for type_ in CONSTANTS for field in self.fields(type_, seen)]
        paths += [local(n, t) for n, t in seen.items() if not t.container]
        return checked.Missing(BOOL, SPAN, self.pick(paths))

    def _logic(self, _: Type, seen: Locals, depth: int) -> Expr:
        parts = tuple(self.expr(BOOL, seen, depth) for _ in range(self.draw(st.integers(2, 3))))
        return checked.And(BOOL, SPAN, parts) if self.draw(st.booleans()) else checked.Or(BOOL, SPAN, parts)

    def _not(self, _: Type, seen: Locals, depth: int) -> Expr:
        return checked.Not(BOOL, SPAN, self.expr(BOOL, seen, depth))

    def _compare(self, _: Type, seen: Locals, depth: int) -> Expr:
        type_, sign = self.pick((*ORDERED, INT)), self.pick(("<", "<=", ">", ">="))
        count = self._count if type_ == INT and not self.local and self.once_in(2) else self.expr
        return checked.Compare(BOOL, SPAN, sign, count(type_, seen, depth), self.expr(type_, seen, depth))

    def _equal(self, _: Type, seen: Locals, depth: int) -> Expr:
        type_ = self.pick(COMPARED)
        return checked.Equal(BOOL, SPAN, self.expr(type_, seen, depth), self.expr(type_, seen, depth))

    def _in(self, _: Type, seen: Locals, depth: int) -> Expr:
        type_ = self.pick(LISTED)
        members = self.expr(self.pick((set_of(type_), list_of(type_))), seen, depth)
        return checked.In(BOOL, SPAN, self.expr(type_, seen, depth), members)

    def _matches(self, _: Type, seen: Locals, depth: int) -> Expr:
        subject, pattern = self.pick(((TEXT, GLOB), (PURL, GLOB), (PACKAGE, RANGE)))
        if subject == PACKAGE and not self._leaves(PACKAGE, seen):
            subject, pattern = TEXT, GLOB
        patterns = self.expr(self.pick((pattern, set_of(pattern), list_of(pattern))), seen, depth)
        return checked.Matches(BOOL, SPAN, self.expr(subject, seen, 0), patterns)

    def _license(self, _: Type, seen: Locals, depth: int) -> Expr:
        kind = self.pick((checked.Permitted, checked.Requires))
        made: Expr = kind(BOOL, SPAN, self.expr(LICENSE, seen, 1), self.expr(set_of(LICENSE), seen, depth))
        return made

    def _within(self, _: Type, seen: Locals, depth: int) -> Expr:
        return checked.Within(BOOL, SPAN, self.expr(TIME, seen, depth), self.expr(DURATION, seen, depth))

    def _signed(self, _: Type, seen: Locals, depth: int) -> Expr:
        documents: list[Expr] = [local(n, t) for n, t in seen.items() if t in (SCAN, VEX, COVERAGE)]
        documents = documents or [checked.TheImage(IMAGE, SPAN)]
        by = self.pick((IDENTITY, set_of(IDENTITY), list_of(IDENTITY), None))
        identities = self.expr(by, seen, depth) if by is not None else None
        return checked.Signed(BOOL, SPAN, self.pick(documents), identities)

    def _covers(self, _: Type, seen: Locals, depth: int) -> Expr:
        vexes, findings = ([local(n, t) for n, t in seen.items() if t == kind] for kind in (VEX, FINDING))
        if not vexes or not findings:
            return self._quantified(BOOL, seen, depth)
        return checked.Covers(BOOL, SPAN, self.pick(vexes), self.pick(findings))

    # ------------------------------------------------------------------ quantifiers

    def _element(self, seen: Locals, depth: int) -> tuple[str, Expr, Locals]:
        """A name for an element, what it ranges over, and the locals that its conditions see."""
        records = [list_of(record) for record in (*COLLECTIONS.values(), SIGNATURE, FINDING, FINDING, FINDING, VEX)]
        scalars = [set_of(TEXT), set_of(VULNERABILITY), list_of(INT), set_of(SEVERITY), set_of(LICENSE), set_of(GLOB)]
        collection = self.expr(self.pick([*records, *records, *scalars]), seen, min(depth, 1))
        name = self.pick(sorted(seen)) if seen and self.once_in(6) else self.name("e")
        return name, collection, {**seen, name: collection.type.member}

    def _quantified(self, _: Type, seen: Locals, depth: int) -> Expr:
        kind = self.pick(("some", "no", "every", "every", "at least", "at most"))
        name, collection, inner = self._element(seen, depth)
        where = self._where(inner, depth)
        body = self.expr(BOOL, inner, depth) if kind == "every" else None
        limit = self.expr(INT, seen, min(depth, 1)) if kind.startswith("at") else None
        return checked.Quantified(BOOL, SPAN, kind, name, collection, where, limit, body)

    def _count(self, _: Type, seen: Locals, depth: int) -> Expr:
        name, collection, inner = self._element(seen, depth)
        return checked.Quantified(INT, SPAN, "count", name, collection, self._where(inner, depth), None, None)

    def _where(self, inner: Locals, depth: int) -> Expr | None:
        """A condition; of a VEX statement beside a finding mostly that the one covers the other."""
        names = {t: n for n, t in inner.items()}
        if VEX in names and FINDING in names and self.once_in(2):
            covers = checked.Covers(BOOL, SPAN, local(names[VEX], VEX), local(names[FINDING], FINDING))
            return covers if self.once_in(2) else checked.And(BOOL, SPAN, (covers, self.expr(BOOL, inner, depth)))
        return None if self.once_in(4) else self.expr(BOOL, inner, depth)

    # ------------------------------------------------------------------ values

    def _arithmetic(self, type_: Type, seen: Locals, depth: int) -> Expr:
        left = right = type_
        sign = self.pick(("+", "-", "&")) if type_.container == "set" else self.pick(("+", "-"))
        if type_ == DURATION and self.once_in(2):
            left, right, sign = TIME, TIME, "-"
        elif type_ == TIME:
            right = DURATION
        elif type_.container == "list":
            sign = "+"
        return checked.Arithmetic(type_, SPAN, sign, self.expr(left, seen, depth), self.expr(right, seen, depth))

    def _members(self, type_: Type, seen: Locals, depth: int) -> Expr:
        items = tuple(self.expr(type_.member, seen, depth) for _ in range(self.draw(st.integers(1, 2))))
        return checked.Members(type_, SPAN, items)

    def _apply(self, type_: Type, seen: Locals, depth: int) -> Expr:
        """A call of a function that was made before, or of a new one."""
        known = [f for f in self.functions.values() if f.body.type == type_ and _callable(f, seen)]
        function = self.pick(known) if known and self.once_in(2) else self._function(type_, seen, depth)
        arguments = tuple(self.expr(argument, seen, depth) for argument in function.argument_types)
        return checked.Apply(type_, SPAN, function.name, arguments)

    def _function(self, type_: Type, seen: Locals, depth: int) -> checked.Function:
        options = [BOOL, INT, TEXT, SEVERITY, DURATION, *(t for t in seen.values() if not t.container)]
        types = tuple(self.pick(options) for _ in range(self.draw(st.integers(1, 2))))
        names = tuple(f"x{index}" for index in range(len(types)))
        body = self.expr(type_, dict(zip(names, types, strict=True)), depth)
        function = checked.Function(self.name("p.f"), names, types, body)
        self.functions[function.name] = function
        return function

    # ------------------------------------------------------------------ rules

    def rule(self, index: int, depth: int) -> checked.Rule:
        when = self.expr(BOOL, {}, depth) if self.once_in(4) else None
        seen: Locals = {}
        each = forbid = require = None
        if self.once_in(2):
            name, collection, seen = self._element(seen, depth)
            each = checked.Each(name, collection, self._where(seen, depth))
        outer = seen
        if self.once_in(3):
            require = self.expr(BOOL, seen, depth)
        else:
            limit = self.expr(INT, seen, 1) if self.once_in(3) else None
            name, collection, seen = self._element(seen, depth)
            forbid = checked.Forbidden(name, collection, self._where(seen, depth), limit)
        around = {name: type_ for name, type_ in outer.items() if seen[name] == type_}  # what is not shadowed
        unless = self.expr(BOOL, self.pick((seen, around, {})), depth) if self.once_in(3) else None
        counted = forbid is not None and forbid.limit is not None
        message, advice = (self._template(outer if counted else seen, counted=counted) for _ in range(2))
        element = forbid.collection if forbid is not None else each.collection if each is not None else None
        return checked.Rule(
            f"p.r{index}", f"r{index}", self.pick(("deny", "deny", "warn")), f"title {index}", SPAN, when, each,
            require, forbid, unless, message, advice, element.type.name if element is not None else "",
        )  # fmt: skip

    def _template(self, seen: Locals, *, counted: bool) -> checked.Template | None:
        if self.once_in(2):
            return None
        fields = [field for type_ in (*CONSTANTS, set_of(VULNERABILITY), PACKAGE) for field in self.fields(type_, seen)]
        value = self.pick([*fields, *(local(n, t) for n, t in seen.items() if not t.container)])
        return checked.Template(("the ", value, ": ", None) if counted else ("the ", value))

    def waiver(self, rule: checked.Rule) -> checked.Waiver:
        element = rule.forbid or rule.each
        seen = {element.element: element.collection.type.member} if element is not None else {}
        expires = self.pick((date(2026, 2, 28), date(2026, 3, 1), date(9999, 12, 31)))
        name = element.element if element is not None else "image"
        return checked.Waiver(rule.name, name, self.expr(BOOL, seen, 1), "o", "r", None, expires, SPAN)


def _callable(function: checked.Function, seen: Locals) -> bool:
    """Whether arguments can be found for `function`."""
    return all(type_ in CONSTANTS or type_ in seen.values() for type_ in function.argument_types)


@st.composite
def policies(draw: DrawFn, *, escapes: bool = True, depth: int = 2, rules: int = 3) -> checked.Policy:
    """A policy of a few rules."""
    chance = Chance(draw, escapes=escapes)
    made = tuple(chance.rule(index, depth) for index in range(draw(st.integers(1, rules))))
    waivers = tuple(chance.waiver(chance.pick(made)) for _ in range(draw(st.integers(0, 2))))
    applies = chance.expr(BOOL, {}, 1) if chance.once_in(6) else None
    exception = chance.expr(BOOL, {}, 1) if chance.once_in(6) else None
    assumed = draw(st.sampled_from((None, None, 2))) if escapes else None
    return _policy(chance, made, waivers, applies, exception, assumed)


def _policy(chance: Chance, rules: Any, waivers: Any, applies: Any, exception: Any, assumed: Any) -> checked.Policy:
    return checked.Policy(
        "p", "", SPAN, tuple(chance.parameters.values()), (), applies, exception, frozenset(), assumed, (),
        tuple(chance.bindings.values()), tuple(chance.functions.values()), rules, waivers, {},
    )  # fmt: skip


@st.composite
def local_policies(draw: DrawFn) -> checked.Policy:
    """A policy that forbids findings for what they are themselves, whatever else there is."""
    chance = Chance(draw, local=True)
    rules = []
    for index in range(draw(st.integers(1, 2))):
        seen = {"finding": FINDING}
        limit = chance.constant(INT) if chance.once_in(2) else None
        home = checked.Collected(list_of(FINDING), SPAN, "findings")
        forbid = checked.Forbidden("finding", home, chance.expr(BOOL, seen, 2), limit)
        unless = chance.expr(BOOL, seen, 1) if chance.once_in(2) else None
        rules.append(
            checked.Rule(
                f"p.r{index}",
                f"r{index}",
                "deny",
                "title",
                SPAN,
                None,
                None,
                None,
                forbid,
                unless,
                None,
                None,
                "finding",
            )
        )
    return _policy(chance, tuple(rules), tuple(chance.waiver(rule) for rule in rules), None, None, None)
