"""The program of a policy: one code object that is bound to parameters and then run against views.

Executed, it defines `bind(parameters)`, which returns `applies(view)` and `evaluate(view)`. The latter returns
what each rule found, and the functions that answer for waivers, messages and helps.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from types import CodeType

from policyengine.language import checked
from policyengine.language.emitter import MAY, MUST, Emitter
from policyengine.language.loops import Loops
from policyengine.language.program import Program, Scope
from policyengine.language.scaffold import (
    Block,
    call,
    constant,
    expression,
    function,
    joined,
    returning,
    statements,
    values,
)
from policyengine.language.syntax import Span
from policyengine.language.tree import last_name

PREPARE = "image = view.image\nat = view.at"
WORDS = ("each", "element", "count")
"""The arguments of the functions that make messages."""


def generate(policy: checked.Policy) -> CodeType:
    """The code of `policy`; its lines are those of the policy's file."""
    program = Program(policy)
    applies, evaluate = _applies(program), _evaluate(program)
    body = [*program.block, applies, evaluate, *statements("return applies, evaluate", policy.span)]
    tree = ast.Module([function("bind", ["parameters"], body, policy.span)], [])
    return _located(
        compile(ast.fix_missing_locations(tree), policy.span.path, "exec", dont_inherit=True), program.paths
    )


def _located(code: CodeType, paths: Mapping[str, str]) -> CodeType:
    """`code` with each function in the file that it was made from."""
    inner = tuple(_located(part, paths) if isinstance(part, CodeType) else part for part in code.co_consts)
    return code.replace(co_consts=inner, co_filename=paths.get(code.co_name, code.co_filename))


def _applies(program: Program) -> ast.stmt:
    """Whether the image is in scope."""
    emitter, policy = Emitter(program), program.policy
    tests = []
    if policy.applies is not None:
        tests.append(emitter.emit(policy.applies, Scope(), MAY))
    if policy.exception is not None:
        excepted = emitter.emit(policy.exception, Scope(), MUST)
        tests.append(expression("not excepted", policy.exception.span, excepted=excepted))
    answer = joined(ast.And(), tests, policy.span) if tests else constant(True, policy.span)
    body = [*statements(PREPARE, policy.span), *emitter.block, ast.Return(answer)]
    return function("applies", ["view"], body, policy.span)


def _evaluate(program: Program) -> ast.stmt:
    """What the rules find."""
    emitter, policy = Emitter(program), program.policy
    loops = Loops(emitter)
    loops.emit(policy.rules)
    span = policy.span
    messages = [_words(emitter, rule, rule.message) for rule in policy.rules]
    helps = [_words(emitter, rule, rule.help) for rule in policy.rules]
    waivers = [_waiver(emitter, waiver) for waiver in policy.waivers]
    found = [loops.results, waivers, messages, helps]
    lists = [values([expression(name, span) for name in names], span) for names in found]
    body: Block = [*statements(PREPARE, span), *emitter.block, ast.Return(values(lists, span))]
    return function("evaluate", ["view"], body, span)


def _waiver(emitter: Emitter, waiver: checked.Waiver) -> str:
    """The function that says whether a waiver definitely holds for an element."""
    holds = emitter.emit(waiver.where, Scope({waiver.element: "element"}), MUST)
    return _defined(emitter, "w", ["element"], holds, waiver.span)


def _words(emitter: Emitter, rule: checked.Rule, template: checked.Template | None) -> str:
    """The function that makes a message; the name `None` where the rule has none."""
    if template is None:
        return "None"
    shown = [_shown(emitter, part, _scope(rule), rule.span) for part in template.parts]
    text = expression("''.join(shown)", rule.span, shown=values(shown, rule.span))
    return _defined(emitter, "m", WORDS, text, rule.span)


def _defined(emitter: Emitter, letter: str, arguments: Sequence[str], value: ast.expr, span: Span) -> str:
    """The name of a function that returns `value`."""
    name = emitter.program.fresh(letter)
    emitter.define(returning(name, arguments, value, span), name, span)
    return name


def _scope(rule: checked.Rule) -> Scope:
    """The locals that a rule's words see: a count speaks of no single element."""
    if rule.forbid is None:
        return Scope({rule.each.element: "element"} if rule.each is not None else {})
    outer = {rule.each.element: "each"} if rule.each is not None else {}
    return Scope(outer if rule.forbid.limit is not None else {**outer, rule.forbid.element: "element"})


def _shown(emitter: Emitter, part: str | checked.Expr | None, scope: Scope, span: Span) -> ast.expr:
    """One part of a message as a text."""
    if part is None:
        return expression("count", span)
    if isinstance(part, str):
        return constant(part, span)
    word = constant(last_name(part), span)
    if isinstance(part, checked.Field) and part.type.name in ("license", "severity") and not part.type.container:
        raw = emitter.raw(part, scope)
        if part.type.name == "severity" and not part.optional and emitter.program.sure(part.base, scope):
            return call("severity", [raw], span)
        return call("printed", [emitter.type(part.type, span), raw, word], span)
    return call("printed", [emitter.type(part.type, span), emitter.value(part, scope), word], span)
