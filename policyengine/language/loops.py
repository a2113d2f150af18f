"""Emitting rules: those that range over one collection share one loop, the others have their own."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import parts
from policyengine.language.emitter import ATTRIBUTES, MAY, MUST, VALUE, Emitter
from policyengine.language.program import INNER, Scope
from policyengine.language.scaffold import Block, constant, expression, joined, statements
from policyengine.language.schema import RECORDS
from policyengine.language.syntax import Span
from policyengine.language.tree import free, shape
from policyengine.language.types import BOOL

ROOT = Scope()
ELEMENT = "item"
READ_OFTEN = 2
"""A field that the conditions of one loop read so often is read into a variable first."""

LOOP = """
found = collection
SETUP
for item in found.items:
    BODY
"""
NESTED = """
frames = []
outer = elements
EXCUSED
if active:
    for position, each in enumerate(outer.items):
        if may:
            hits = []
            collection = inner
            excused = excuse
            if not excused:
                for item in collection.items:
                    if fires:
                        hits.append((item, certain))
            frames.append(Frame(collection, hits, excused, each, must, position, limit))
result = Found(frames, outer, outer_excused) if applies else None
"""
"""`for each` with a `forbid` inside. An excuse that speaks for all elements comes first."""

VARIABLES = ("outer", "frames", "position", "each", "hits", "collection", "excused", "item")


class Selection(Struct, frozen=True):
    """A rule that ranges over one collection: what its elements are called, and when one of them fires."""

    rule: checked.Rule
    element: str
    collection: Expr
    conditions: tuple[Expr, ...]
    limit: Expr | None
    result: str


class Loops:
    """The rules of a policy as blocks of an emitter."""

    def __init__(self, emitter: Emitter) -> None:
        self.emitter = emitter
        self.results: list[str] = []
        """For each rule the variable that holds what it found."""

    def emit(self, rules: Sequence[checked.Rule]) -> None:
        """Emit all rules."""
        fused: dict[Any, list[Selection]] = {}
        for rule in rules:
            result = self.emitter.program.fresh("r")
            self.results.append(result)
            selection = self._selection(rule, result)
            if selection is not None:
                fused.setdefault(shape(selection.collection), []).append(selection)
            elif rule.each is None:
                self._whole(rule, result)
            else:
                self._nested(rule, result)
        for selections in fused.values():
            self._loop(selections)

    def _add(self, template: str, span: Span, **holes: ast.expr | str | Block) -> None:
        self.emitter.block.extend(statements(template, span, **holes))

    def _negated(self, condition: Expr) -> Expr:
        return checked.Not(BOOL, condition.span, condition)

    # ------------------------------------------------------------------ when and unless

    def _applies(self, rule: checked.Rule) -> ast.expr:
        """Whether the rule's guard may hold."""
        if rule.when is None:
            return constant(True, rule.span)
        return self.emitter.emit(rule.when, ROOT, MAY)

    def _excused(self, rule: checked.Rule, scope: Scope, unseen: Iterable[str]) -> ast.expr:
        """Whether `unless` definitely holds whatever the elements `unseen` are."""
        if rule.unless is None or free(rule.unless) & set(unseen):
            return constant(False, rule.span)
        return self.emitter.emit(rule.unless, scope, MUST)

    def _spared(self, rule: checked.Rule, scope: Scope, element: str) -> list[ast.expr]:
        """The test that `unless` does not hold for an element, if it looks at it."""
        if rule.unless is None or element not in free(rule.unless):
            return []
        return [expression("not holds", rule.span, holds=self.emitter.emit(rule.unless, scope, MUST))]

    # ------------------------------------------------------------------ rules about the image

    def _whole(self, rule: checked.Rule, result: str) -> None:
        assert rule.require is not None
        fires = self.emitter.emit(self._negated(rule.require), ROOT, VALUE)
        excused = self._excused(rule, ROOT, ())
        template = "result = whole(fires, excused) if applies else None"
        self._add(template, rule.span, result=result, fires=fires, excused=excused, applies=self._applies(rule))

    # ------------------------------------------------------------------ rules over one collection

    def _selection(self, rule: checked.Rule, result: str) -> Selection | None:
        """The rule as a selection from one collection, if it is one."""
        if rule.forbid is not None and rule.each is None:
            where, forbid = rule.forbid.where, rule.forbid
            wheres = () if where is None else (where,)
            return Selection(rule, forbid.element, forbid.collection, wheres, forbid.limit, result)
        if rule.require is not None and rule.each is not None:
            broken = self._negated(rule.require)
            conditions = (broken,) if rule.each.where is None else (rule.each.where, broken)
            return Selection(rule, rule.each.element, rule.each.collection, conditions, None, result)
        return None

    def _loop(self, selections: Sequence[Selection]) -> None:
        """One pass over a collection for all rules that range over it."""
        first = selections[0]
        found, item = self.emitter.program.fresh("c"), self.emitter.program.fresh(ELEMENT)
        span = first.rule.span
        reads, fields = self._often(selections, item)
        bodies: Block = []
        setup: Block = []
        for selection in selections:
            hits, active = self.emitter.program.fresh("h"), self.emitter.program.fresh("n")
            setup += self._setup(selection, hits, active, found)
            bodies += self._tests(
                selection, Scope({selection.element: item}, INNER, frozenset(), fields), hits, active, item
            )
        collection = self.emitter.quantifiers.collection(first.collection, ROOT)
        self._add(LOOP, span, found=found, collection=collection, item=item, SETUP=setup, BODY=[*reads, *bodies])

    def _setup(self, selection: Selection, hits: str, active: str, found: str) -> Block:
        """What stands before the loop: whether the rule is active, and its result, whose hits are still to come."""
        rule, span = selection.rule, selection.rule.span
        limit = constant(None, span) if selection.limit is None else self.emitter.value(selection.limit, ROOT)
        template = """
hits = []
applies = guard
excused = excuse
active = applies and not excused
result = Found([Frame(found, hits, excused, None, True, 0, limit)]) if applies else None
"""
        return statements(
            template, span, hits=hits, found=found, guard=self._applies(rule), limit=limit, result=selection.result,
            excuse=self._excused(rule, ROOT, [selection.element]), active=active,
        )  # fmt: skip

    def _tests(self, selection: Selection, scope: Scope, hits: str, active: str, item: str) -> Block:
        """What stands inside the loop: the rule's conditions, and the hit."""
        rule, span = selection.rule, selection.rule.span
        tests = [expression(active, span)] if rule.when is not None or rule.unless is not None else []
        if selection.conditions:
            tests.append(self.emitter.every(selection.conditions, scope, MAY, span))
        tests += self._spared(rule, scope, selection.element)
        certain = self.emitter.every(selection.conditions, scope, MUST, span)
        fires = joined(ast.And(), tests, span) if tests else constant(True, span)
        template = "if fires:\n    hits.append((item, certain))"
        return statements(template, span, fires=fires, hits=hits, item=item, certain=certain)

    def _often(self, selections: Sequence[Selection], item: str) -> tuple[Block, dict[tuple[str, str], str]]:
        """The fields that several conditions read, with the statements that read each once."""
        reads: Counter[str] = Counter()
        for selection in selections:
            for part in parts(selection.conditions):
                if isinstance(part, checked.Field) and _plain(part, selection):
                    reads[ATTRIBUTES.get((part.base.type.name, part.name), part.name)] += 1
        block: Block = []
        fields: dict[tuple[str, str], str] = {}
        for name, times in reads.items():
            if times >= READ_OFTEN:
                variable = fields[item, name] = self.emitter.program.fresh("a")
                block += statements(f"variable = item.{name}", selections[0].rule.span, variable=variable, item=item)
        return block, fields

    # ------------------------------------------------------------------ rules over two collections

    def _nested(self, rule: checked.Rule, result: str) -> None:
        """A frame for each element of `for each`."""
        assert rule.each is not None
        assert rule.forbid is not None
        fresh, emitter, each, forbid = self.emitter.program.fresh, self.emitter, rule.each, rule.forbid
        names = {word: fresh("x") for word in VARIABLES}
        scope = ROOT.having(each.element, names["each"])
        inner = scope.having(forbid.element, names["item"])
        span = rule.span
        outer_excused, applies = (fresh("n") for _ in range(2))
        known = statements(
            "excused = excuse\napplies = guard", span, excused=outer_excused, applies=applies,
            excuse=self._excused(rule, ROOT, (each.element, forbid.element)), guard=self._applies(rule),
        )  # fmt: skip
        wheres = [] if each.where is None else [each.where]
        conditions = [] if forbid.where is None else [forbid.where]
        fires = [emitter.every(conditions, inner, MAY, span), *self._spared(rule, inner, forbid.element)]
        self._add(
            NESTED, span, elements=emitter.quantifiers.collection(each.collection, ROOT), EXCUSED=known,
            active=expression("applies and not excused", span, applies=applies, excused=outer_excused),
            may=emitter.every(wheres, scope, MAY, span), must=emitter.every(wheres, scope, MUST, span),
            inner=emitter.quantifiers.collection(forbid.collection, scope),
            excuse=self._excused(rule, scope, [forbid.element]),
            fires=joined(ast.And(), fires, span), certain=emitter.every(conditions, inner, MUST, span),
            limit=constant(None, span) if forbid.limit is None else emitter.value(forbid.limit, scope),
            result=result, applies=applies, outer_excused=outer_excused, **names,
        )  # fmt: skip


def _plain(field: checked.Field, selection: Selection) -> bool:
    """Whether `field` is one that the element holds as it is; an inner element may have its name, but not its type."""
    if not isinstance(field.base, checked.Local) or field.base.name != selection.element:
        return False
    known = field.base.type == selection.collection.type.member and field.base.type.name in RECORDS
    return known and field.name not in ("age", "aliases")
