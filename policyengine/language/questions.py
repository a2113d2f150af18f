"""Typing what is asked in words: presence, signatures, patterns, licences, times, VEX statements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policyengine.evidence.problems import quoted
from policyengine.language import checked, literals, syntax
from policyengine.language.checked import Expr
from policyengine.language.diagnostics import Problems
from policyengine.language.scope import Scope
from policyengine.language.types import (
    BOOL,
    DURATION,
    GLOB,
    IDENTITY,
    LICENSE,
    RANGE,
    TIME,
    UNKNOWN,
    Type,
    list_of,
    set_of,
)  # fmt: skip

if TYPE_CHECKING:
    from policyengine.language.expressions import Expressions

WILDCARD = re.compile("[*?]")
CONSTRAINT = re.compile("@[ ]*[<>=]")
"""What a range has behind its package, and a package URL never: there these characters are percent-encoded."""


class Questions:
    """The rules of the predicates; typing their operands goes back to `Expressions`."""

    def __init__(self, problems: Problems, typing: Expressions) -> None:
        self.problems, self.typing = problems, typing

    def check(self, node: syntax.Operation, scope: Scope) -> Expr:
        """The question that `node` is, typed."""
        match node.operator:
            case "is present" | "is missing":
                return self._presence(node, scope)
            case "is signed" | "is not signed" | "is signed by" | "is not signed by":
                return self._signed(node, scope)
            case "matches" | "matches any of":
                return self._matches(node, scope)
            case "permitted by" | "requires any of":
                return self._license(node, scope)
            case "within":
                moment = self.typing.check(node.operands[0], TIME, scope)
                duration = self.typing.check(node.operands[1], DURATION, scope)
                return checked.Within(BOOL, node.span, moment, duration)
            case _:
                vex = self.typing.check(node.operands[0], Type("vex"), scope)
                finding = self.typing.check(node.operands[1], Type("finding"), scope)
                return checked.Covers(BOOL, node.span, vex, finding)

    def _presence(self, node: syntax.Operation, scope: Scope) -> Expr:
        operand = self.typing.check(node.operands[0], None, scope)
        if operand.type == UNKNOWN:
            return operand
        fields = (checked.Field, checked.Keyed, checked.StatusFor, checked.Local)
        if not isinstance(operand, fields) or operand.type.container:
            return self.typing.wrong(
                "E103", operand.span, f"`{node.operator}` asks about a field",
                help="for a collection, ask with `some` or `no`",
            )  # fmt: skip
        missing = checked.Missing(BOOL, node.span, operand)
        return missing if node.operator == "is missing" else checked.Not(BOOL, node.span, missing)

    def _signed(self, node: syntax.Operation, scope: Scope) -> Expr:
        document = self.typing.check(node.operands[0], None, scope)
        identities = self._one_or_many(node.operands[1], IDENTITY, scope) if len(node.operands) > 1 else None
        if document.type == UNKNOWN:
            return document
        if document.type.container or not scope.module.schema.is_document(document.type.name):
            found = literals.article(document.type)
            return self.typing.wrong(
                "E103", document.span, f"{found} is never signed", help="the image and documents are"
            )
        signed = checked.Signed(BOOL, node.span, document, identities)
        return checked.Not(BOOL, node.span, signed) if node.operator.startswith("is not") else signed

    def _matches(self, node: syntax.Operation, scope: Scope) -> Expr:
        subject = self.typing.check(node.operands[0], None, scope)
        pattern = {"text": GLOB, "purl": GLOB, "package": RANGE}.get(subject.type.name)
        if subject.type == UNKNOWN:
            return subject
        if pattern is None or subject.type.container:
            return self.typing.wrong(
                "E103", subject.span, f"`matches` does not look at {literals.article(subject.type)}",
                help="it compares text and package URLs with globs, and packages with ranges",
            )  # fmt: skip
        if node.operator == "matches":
            patterns = self.typing.check(node.operands[1], pattern, scope)
        else:
            patterns = self._many(node.operands[1], pattern, scope)
        if subject.type.name == "purl":
            self._urls(patterns)
        return checked.Matches(BOOL, node.span, subject, patterns)

    def _urls(self, patterns: Expr) -> None:
        """Report a glob that no package URL matches: most often it is meant for a range, or for a name."""
        if not isinstance(patterns, checked.Constant) or patterns.type.member != GLOB:
            return
        for value in patterns.value if patterns.type.container else (patterns.value,):
            begin = WILDCARD.split(value)[0].lower()
            if CONSTRAINT.search(value) is not None:
                message = "a package URL is compared with globs, and this is a range"
                self.problems.error("E103", patterns.span, message, help="compare the package: `package matches …`")
            elif not (begin.startswith("pkg:") or "pkg:".startswith(begin)):
                message = f"{quoted(value)} matches no package URL: these begin with `pkg:`"
                self.problems.error("E108", patterns.span, message, help='write `"pkg:npm/…"`, or compare the name')

    def _license(self, node: syntax.Operation, scope: Scope) -> Expr:
        license_ = self.typing.check(node.operands[0], LICENSE, scope)
        licenses = self._many(node.operands[1], LICENSE, scope)
        if node.operator == "permitted by":
            return checked.Permitted(BOOL, node.span, license_, licenses)
        return checked.Requires(BOOL, node.span, license_, licenses)

    def _one_or_many(self, node: syntax.Expression, member: Type, scope: Scope) -> Expr:
        """`node` as one `member`, or as a set or list of them."""
        if isinstance(node, syntax.SetLiteral | syntax.ListLiteral):
            return self._many(node, member, scope)
        if self.typing.flexible(node, scope):
            return self.typing.check(node, self.typing.names.shape(node, member, scope), scope)
        found = self.typing.check(node, None, scope)
        return (
            found
            if found.type in (UNKNOWN, member, set_of(member), list_of(member))
            else self.typing.fit(found, member)
        )

    def _many(self, node: syntax.Expression, member: Type, scope: Scope) -> Expr:
        """`node` as a set or list of `member`."""
        if isinstance(node, syntax.ListLiteral):
            return self.typing.check(node, list_of(member), scope)
        return self.typing.check(node, set_of(member), scope)
