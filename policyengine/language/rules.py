"""Checking rules and waivers: their clauses, their elements, their messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from policyengine.evidence.problems import closest
from policyengine.language import checked, literals, syntax
from policyengine.language.diagnostics import Problems
from policyengine.language.expressions import Expressions
from policyengine.language.interpolation import template
from policyengine.language.scope import Module, Scope
from policyengine.language.types import DATE, INT, TIME, UNKNOWN, Type

EFFECTS = ("deny", "warn")
ORDER = (syntax.When, syntax.ForEach, syntax.Require, syntax.Forbid, syntax.Unless, syntax.Message, syntax.Help)
WORDS = {
    syntax.When: "when", syntax.ForEach: "for each", syntax.Require: "require", syntax.Forbid: "forbid",
    syntax.Unless: "unless", syntax.Message: "message", syntax.Help: "help",
}  # fmt: skip
NOTES = ("owner", "reason", "ticket", "expires")


class Rules:
    """The rules of one policy, and what waives them."""

    def __init__(self, module: Module, problems: Problems, typing: Expressions) -> None:
        self.module, self.problems, self.typing = module, problems, typing
        self.elements: dict[str, tuple[str, str]] = {}
        """For each rule the name and the record of its element; both empty where it has none."""

    def rule(self, item: syntax.Rule) -> checked.Rule | None:
        """The checked rule; `None` where its clauses are not those of a rule."""
        self._effect(item)
        clauses = self._clauses(item)
        scope = Scope(self.module, {})
        when = self._condition(clauses, syntax.When, scope)
        each, scope = self._each(clauses.get(syntax.ForEach), scope)
        outer = scope
        require = self._condition(clauses, syntax.Require, scope)
        forbid, scope = self._forbid(clauses.get(syntax.Forbid), scope)
        unless = self._condition(clauses, syntax.Unless, scope)
        counted = forbid is not None and forbid.limit is not None
        seen = outer if counted else scope
        message, help = (self._template(clauses.get(kind), seen, counted) for kind in (syntax.Message, syntax.Help))
        self._remember(item.name.text, each, forbid, scope)
        if require is None and forbid is None:
            return None
        name = item.name.text
        return checked.Rule(
            f"{self.module.name}.{name}", name, item.effect.text, item.title.value, item.span, when, each, require,
            forbid, unless, message, help, self.elements[name][1],
        )  # fmt: skip

    def _effect(self, item: syntax.Rule) -> None:
        if item.effect.text not in EFFECTS:
            near = closest(item.effect.text, EFFECTS)
            self.problems.error(
                "E107", item.effect.span, f"`{item.effect.text}` is not an effect", suggestion=near,
                help="a rule says `deny` or `warn`",
            )  # fmt: skip

    def _clauses(self, item: syntax.Rule) -> dict[type, syntax.Clause]:
        """The clauses by their kind; what is repeated, out of order or missing is reported."""
        found: dict[type, syntax.Clause] = {}
        for clause in item.clauses:
            self._place(clause, found)
            found.setdefault(type(clause), clause)
        if syntax.Require not in found and syntax.Forbid not in found:
            self.problems.error(
                "E106", item.name.span, f"the rule `{item.name.text}` demands nothing",
                help="add `require …` or `forbid …`",
            )  # fmt: skip
        return found

    def _place(self, clause: syntax.Clause, before: Mapping[type, syntax.Clause]) -> None:
        """Report a clause that may not stand behind those `before`."""
        kind, word = type(clause), WORDS[type(clause)]
        if kind in before:
            self.problems.error("E106", clause.span, f"a second `{word}`", help="a rule has one; write another rule")
        elif {kind, *before} >= {syntax.Require, syntax.Forbid}:
            help = "a rule has exactly one of `require` and `forbid`; write another rule"
            self.problems.error(
                "E106", clause.span, f"`{word}` beside `{'require' if word == 'forbid' else 'forbid'}`", help=help
            )
        elif any(ORDER.index(other) > ORDER.index(kind) for other in before):
            help = "the order is: when, for each, require or forbid, unless, message, help"
            self.problems.error("E106", clause.span, f"`{word}` stands too late", help=help)

    def _condition(self, clauses: Mapping[type, syntax.Clause], kind: type, scope: Scope) -> checked.Expr | None:
        clause = clauses.get(kind)
        if not isinstance(clause, syntax.When | syntax.Require | syntax.Unless):
            return None
        return self.typing.condition(clause.condition, scope)

    def _each(self, clause: syntax.Clause | None, scope: Scope) -> tuple[checked.Each | None, Scope]:
        if not isinstance(clause, syntax.ForEach):
            return None, scope
        type_, collection = self.typing.names.elements(clause.element, clause.collection, scope, self.typing)
        inner = scope.with_local(clause.element.text, type_)
        where = self.typing.condition(clause.where, inner) if clause.where is not None else None
        return checked.Each(clause.element.text, collection, where), inner

    def _forbid(self, clause: syntax.Clause | None, scope: Scope) -> tuple[checked.Forbidden | None, Scope]:
        if not isinstance(clause, syntax.Forbid):
            return None, scope
        limit = self.typing.check(clause.limit, INT, scope) if clause.limit is not None else None
        if isinstance(limit, checked.Constant) and limit.type == INT and limit.value < 0:
            self.problems.warn("W205", limit.span, "a limit below zero is always exceeded")
        type_, collection = self.typing.names.elements(clause.element, clause.collection, scope, self.typing)
        inner = scope.with_local(clause.element.text, type_)
        where = self.typing.condition(clause.where, inner) if clause.where is not None else None
        return checked.Forbidden(clause.element.text, collection, where, limit), inner

    def _template(self, clause: syntax.Clause | None, scope: Scope, counted: bool) -> checked.Template | None:
        if not isinstance(clause, syntax.Message | syntax.Help):
            return None
        return template(clause.text, scope, counted, self.typing, self.problems)

    def _remember(self, name: str, each: checked.Each | None, forbid: checked.Forbidden | None, scope: Scope) -> None:
        """Note what the rule's element is, for its waivers."""
        element = forbid.element if forbid is not None else each.element if each is not None else ""
        self.elements[name] = (element, scope.locals[element].name if element else "")

    # ------------------------------------------------------------------ waivers

    def waiver(self, item: syntax.Waive, broken: set[str]) -> checked.Waiver | None:
        """The checked waiver, or `None` where something about it was reported."""
        before = len(self.problems.found)
        element = self._waived(item, broken)
        notes = self._notes(item)
        if element is None:
            return None
        name, record = element
        locals_ = {name: Type(record)} if record != "image" else {}
        where = self.typing.condition(item.where, Scope(self.module, locals_))
        if len(self.problems.found) > before and self.problems.errors:
            return None
        ticket = notes.get("ticket")
        return checked.Waiver(
            item.rule.text, name, where, str(notes["owner"]), str(notes["reason"]),
            str(ticket) if ticket is not None else None, date.fromisoformat(str(notes["expires"])), item.span,
        )  # fmt: skip

    def _waived(self, item: syntax.Waive, broken: set[str]) -> tuple[str, str] | None:
        """The local's name and record that a waiver's condition sees."""
        rule, word = item.rule.text, item.element.text
        if rule not in self.elements:
            if rule not in broken:
                near = closest(rule, self.elements)
                help = f"did you mean `{near}`?" if near else "a waiver names a rule of its policy"
                self.problems.error(
                    "E115", item.rule.span, f"there is no rule `{rule}` to waive", help=help, suggestion=near
                )
            return None
        name, record = self.elements[rule] if self.elements[rule][0] else ("image", "image")
        if word not in (name, record) and record != UNKNOWN.name:
            help = f"write `waive {rule} for {name} where …`"
            self.problems.error("E115", item.element.span, f"the element of `{rule}` is {name}, not {word}", help=help)
            return None
        return word, record

    def _notes(self, item: syntax.Waive) -> dict[str, str]:
        """Owner, reason, ticket and last day; what is missing or repeated is reported."""
        notes: dict[str, str] = {}
        for note in item.notes:
            word = note.name.text
            if word in notes:
                self.problems.error("E115", note.span, f"a second `{word}`", help="a waiver has one")
            elif NOTES.index(word) < max((NOTES.index(other) for other in notes), default=-1):
                self.problems.error(
                    "E115", note.span, f"`{word}` stands too late", help=f"the order is {', '.join(NOTES)}"
                )
            value = note.value.value if isinstance(note.value, syntax.Text) else self._day(note.value)
            notes.setdefault(word, value)
            if not value.strip():
                self.problems.error("E115", note.span, f"the {word} is empty", help="say it, so that others can ask")
        for word in ("owner", "reason", "expires"):
            if word not in notes:
                help = "a waiver ends: `expires 2026-12-31`" if word == "expires" else f'add `{word} "…"`'
                self.problems.error("E115", item.rule.span, f"the waiver has no `{word}`", help=help)
        return notes

    def _day(self, moment: syntax.Moment) -> str:
        """The date that a waiver ends on, as ISO text."""
        found = literals.constant(moment, None, self.problems)
        if found.type == TIME:
            help = "a waiver lasts to the end of a day: `expires 2026-12-31`"
            self.problems.error("E108", moment.span, f"`{moment.text}` is a time, and not a date", help=help)
        return str(found.value) if found.type == DATE else "0001-01-01"
