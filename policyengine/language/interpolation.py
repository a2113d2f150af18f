"""Messages: texts with fields in braces, checked so that they cannot fail (language reference, principle 7)."""

from __future__ import annotations

import re

from policyengine.language import checked, syntax
from policyengine.language.diagnostics import Problems
from policyengine.language.expressions import Expressions
from policyengine.language.scope import Scope
from policyengine.language.types import UNKNOWN

TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
PATH = re.compile(r"\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\[\"([^\"]*)\"\])?\s*", re.ASCII)
"""A name or a path, behind which a key may stand: `image.labels["team"]`."""


def template(
    text: syntax.Text, scope: Scope, counted: bool, typing: Expressions, problems: Problems
) -> checked.Template:
    """The parts of `text`; `{count}` has a meaning where `counted`."""
    parts: list[str | checked.Expr | None] = []
    for token in TOKEN.finditer(text.value):
        piece = token.group()
        if piece in ("{{", "}}"):
            parts.append(piece[0])
        elif token.group(1) is not None:
            parts.append(_value(token.group(1), text, scope, counted, typing, problems))
        elif piece in ("{", "}"):
            help = "write `{{` and `}}` for braces that are printed"
            problems.error("E117", text.span, f"a `{piece}` without its other half", help=help)
        else:
            parts.append(piece)
    return checked.Template(tuple(parts))


def _value(
    path: str, text: syntax.Text, scope: Scope, counted: bool, typing: Expressions, problems: Problems
) -> checked.Expr | None:
    """The value that `{path}` prints; `None` stands for the count."""
    read = PATH.fullmatch(path)
    if read is None:
        keyed = 'write the key in quotes: `{image.labels[\\"team\\"]}`'
        help = keyed if "[" in path else "write a name or a path: `{finding.package.purl}`"
        problems.error("E117", text.span, f"`{{{path}}}` is not a field", help=help)
        return checked.Constant(UNKNOWN, text.span, None)
    if read[1] == "count" and read[2] is None and counted:
        return None
    found = typing.check(_path(read[1], read[2], text.span), None, scope)
    if found.type.container == "list" and scope.module.schema.is_record(found.type.name):
        problems.error("E117", text.span, f"`{{{path}}}` is a whole collection", help="print a field of its elements")
    return found


def _path(names: str, key: str | None, span: syntax.Span) -> syntax.Expression:
    """The expression that names with dots between write, looked up by `key` if there is one."""
    first, *rest = names.split(".")
    node: syntax.Expression = syntax.Variable(span, first)
    for name in rest:
        node = syntax.Member(span, node, syntax.Name(span, name))
    return node if key is None else syntax.Lookup(span, node, syntax.Text(span, key))
