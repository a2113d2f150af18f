"""The syntax tree, built bottom-up: one method for each alternative of the grammar.

A method is called with the span of what was read and with the parts that carry meaning: tokens,
nodes, lists of nodes, or `None` for an optional part that is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from policyengine.language import syntax as s
from policyengine.language.lexer import Token
from policyengine.language.operands import Operands
from policyengine.language.syntax import Expression, Name, Span, Text


class Builder:
    """Builds the nodes of one file; what expressions are made of is its `operands`' matter."""

    def __init__(self, path: str) -> None:
        self.operands = Operands(path)

    def action(self, name: str) -> Callable[..., Any]:
        """What builds an alternative of the grammar."""
        for home in (self, self.operands):
            method: Callable[..., Any] | None = getattr(home, f"{name}_", None) or getattr(home, name, None)
            if method:
                return method
        operator = self.operands.operator(name)
        assert operator is not None
        return operator

    # ------------------------------------------------------------------------ lists

    def empty(self, span: Span) -> list[Any]:
        return []

    def one(self, span: Span, first: Any) -> list[Any]:
        return [first]

    def two(self, span: Span, first: Any, second: Any) -> list[Any]:
        return [first, second]

    def more(self, span: Span, parts: list[Any], part: Any) -> list[Any]:
        """The list with one more part; one that is completed again after a mistake is there already."""
        if not parts or parts[-1] is not part:
            parts.append(part)
        return parts

    def another(self, span: Span, items: list[s.Item], item: s.Item) -> list[s.Item]:
        """The items with one more, which is complete."""
        self.operands.forget()
        return self.more(span, items, item)

    # ------------------------------------------------------------------------ files and items

    def start(self, span: Span, header: s.File, items: list[s.Item]) -> s.File:
        return s.File(span, header.kind, header.name, header.description, tuple(items))

    def policy(self, span: Span, name: Name, description: Text | None) -> s.File:
        return s.File(span, "policy", name, description, ())

    def library(self, span: Span, name: Name, description: Text | None) -> s.File:
        return s.File(span, "library", name, description, ())

    def tests(self, span: Span, name: Name) -> s.File:
        return s.File(span, "tests", name, None, ())

    def waivers(self, span: Span, name: Name) -> s.File:
        return s.File(span, "waivers", name, None, ())

    def import_(self, span: Span, module: Name, alias: Name | None) -> s.Import:
        return s.Import(span, module, alias)

    def param(
        self, span: Span, name: Name, type: s.TypeName, default: Expression | None, description: Text | None
    ) -> s.Param:
        return s.Param(span, name, type, default, description)

    def environment(self, span: Span, name: Name, entries: list[s.Setting | s.Downgrade]) -> s.Environment:
        return s.Environment(span, name, tuple(entries))

    def setting(self, span: Span, name: Name, value: Expression) -> s.Setting:
        return s.Setting(span, name, value)

    def downgrade(self, span: Span, rule: Name, effect: Name) -> s.Downgrade:
        return s.Downgrade(span, rule, effect)

    def applies(self, span: Span, record: Name, where: Expression, exception: Expression | None) -> s.AppliesTo:
        return s.AppliesTo(span, record, where, exception)

    def accept(self, span: Span, kind: Name) -> s.AcceptUnsigned:
        return s.AcceptUnsigned(span, kind)

    def assume(self, span: Span, word: Name, severity: Name) -> s.AssumeSeverity:
        return s.AssumeSeverity(span, word, severity)

    def evidence(self, span: Span, name: Name, artifact_type: Text, fields: list[s.EvidenceField]) -> s.EvidenceKind:
        return s.EvidenceKind(span, name, artifact_type, tuple(fields))

    def evidence_field(
        self, span: Span, name: Name, type: s.TypeName, optional: Token | None, path: Text | None
    ) -> s.EvidenceField:
        return s.EvidenceField(span, name, type, optional is not None, path)

    def type(self, span: Span, *words: Token | Name) -> s.TypeName:
        container = words[0].text if len(words) == 2 else ""
        return s.TypeName(span, words[-1].text, container)

    def let(self, span: Span, name: Name, type: s.TypeName | None, value: Expression) -> s.Let:
        return s.Let(span, name, type, value)

    def define(
        self, span: Span, name: Name, arguments: list[s.ArgumentDeclaration] | None, type: s.TypeName, body: Expression
    ) -> s.Define:
        return s.Define(span, name, tuple(arguments or ()), type, body)

    def declaration(self, span: Span, name: Name, type: s.TypeName) -> s.ArgumentDeclaration:
        return s.ArgumentDeclaration(span, name, type)

    # ------------------------------------------------------------------------ rules and waivers

    def rule(self, span: Span, name: Name, effect: Name, title: Text, clauses: list[s.Clause]) -> s.Rule:
        return s.Rule(span, name, effect, title, tuple(clauses))

    def when(self, span: Span, condition: Expression) -> s.When:
        return s.When(span, condition)

    def for_each(self, span: Span, element: Name, collection: Expression, where: Expression | None) -> s.ForEach:
        return s.ForEach(span, element, collection, where)

    def require(self, span: Span, condition: Expression) -> s.Require:
        return s.Require(span, condition)

    def forbid(
        self,
        span: Span,
        limit: Expression | None,
        element: Name,
        collection: Expression | None,
        where: Expression | None,
    ) -> s.Forbid:
        return s.Forbid(span, element, collection, where, limit)

    def unless(self, span: Span, condition: Expression) -> s.Unless:
        return s.Unless(span, condition)

    def message(self, span: Span, text: Text) -> s.Message:
        return s.Message(span, text)

    def help(self, span: Span, text: Text) -> s.Help:
        return s.Help(span, text)

    def waive(self, span: Span, rule: Name, element: Name, where: Expression, notes: list[s.Note]) -> s.Waive:
        return s.Waive(span, rule, element, where, tuple(notes))

    def note(self, span: Span, word: Token, value: Text | s.Moment) -> s.Note:
        return s.Note(span, Name(word.span, word.text), value)

    # ------------------------------------------------------------------------ tests

    def test(self, span: Span, name: Text, steps: list[s.Step]) -> s.Test:
        return s.Test(span, name, tuple(steps))

    def in_environment(self, span: Span, name: Name) -> s.InEnvironment:
        return s.InEnvironment(span, name)

    def at(self, span: Span, moment: s.Moment) -> s.At:
        return s.At(span, moment)

    def with_(self, span: Span, name: Name, value: Expression) -> s.With:
        return s.With(span, name, value)

    def given(self, span: Span, kind: Name, record: s.RecordLiteral) -> s.Given:
        return s.Given(span, kind, record)

    def given_on(self, span: Span, kind: Name, on: Name, record: s.RecordLiteral) -> s.Given:
        return s.Given(span, kind, record, on)

    def given_no(self, span: Span, kind: Name) -> s.GivenNo:
        return s.GivenNo(span, kind)

    def given_unreachable(self, span: Span, kind: Name) -> s.GivenUnreachable:
        return s.GivenUnreachable(span, kind)

    def given_file(self, span: Span, path: Text, kind: Name) -> s.GivenFile:
        return s.GivenFile(span, path, kind)

    def given_layout(self, span: Span, path: Text) -> s.GivenLayout:
        return s.GivenLayout(span, path)

    def expect(self, span: Span, decision: Token, containing: Text | None) -> s.Expect:
        return s.Expect(span, decision.text, None, containing)

    def expect_by(
        self, span: Span, state: Token, rule: Name, containing: Text | None, times: s.Integer | None = None
    ) -> s.Expect:
        return s.Expect(span, f"{state.text} by", rule, containing, times)

    def expect_no_violation(self, span: Span, rule: Name) -> s.Expect:
        return s.Expect(span, "no violation of", rule)

    def expect_waived(self, span: Span, rule: Name) -> s.Expect:
        return s.Expect(span, "waived", rule)
