"""The LALR(1) automaton: a stack, driven token by token over the tables of the grammar.

It is driven here and not by Lark for three reasons: each symbol carries its exact span without a second
pass; after a mistake the stack can be cut back to where an item begins; and it takes half the time, since
an operand passes ten levels of the grammar that here cost a table look-up each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.language.builder import Builder
from policyengine.language.grammar import Tables
from policyengine.language.lexer import END, Token
from policyengine.language.operands import TooDeep
from policyengine.language.syntax import Span

DEEPEST = 8 * limits.EXPRESSION_DEPTH
"""Symbols on the stack. No level of nesting takes more than eight, so that a text that fills it is
nested too deep, and is refused before the rest of it is read."""


class Reduction(Struct, frozen=True):
    """A production, ready to be carried out; `build` is `None` where the only part is handed on."""

    origin: str
    size: int
    build: Callable[..., Any] | None
    parts: tuple[int, ...]


class Automaton:
    """The stack: `states`, `values` and `spans` side by side; the lowest state has no symbol.

    `before` are the last two tokens that were put on it.
    """

    def __init__(self, tables: Tables, builder: Builder, start: Span) -> None:
        self.edges = tables.states
        self.bottom, self.end = tables.start, tables.end
        self.states: list[int] = [tables.start]
        self.values: list[Any] = [None]
        self.spans: list[Span] = [start]
        self.before: tuple[Token, ...] = ()
        self._reductions = [
            Reduction(p.origin, p.size, builder.action(p.action) if p.action else None, p.parts)
            for p in tables.productions
        ]

    def take(self, token: Token) -> bool:
        """Carry out what the token completes and put it on the stack.

        False if it may not stand here; the stack is then as it was, though an LALR(1) automaton may have
        completed something before it sees that. Raises `TooDeep` for an expression that is nested too deep.
        """
        states, edges, kind = self.states, self.edges, token.type
        stack = states.copy(), self.values.copy(), self.spans.copy()
        while True:
            action = edges[states[-1]].get(kind)
            if action is None:
                self.states, self.values, self.spans = stack
                return False
            if action >= 0:
                self._shift(token, action)
                return True
            self._reduce(self._reductions[~action])
            if kind == END and states[-1] == self.end:
                return True

    def accepts(self, kind: str, undo: int = 0) -> bool:
        """Whether a token of this kind may come next, or might if the last `undo` symbols were not there."""
        states = self.states[: len(self.states) - undo]
        while (action := self.edges[states[-1]].get(kind)) is not None:
            if action >= 0:
                return True
            reduction = self._reductions[~action]
            if reduction.size:
                del states[-reduction.size :]
            states.append(self.edges[states[-1]][reduction.origin])
            if states[-1] == self.end:
                return kind == END
        return False

    def expected(self) -> frozenset[str]:
        """The terminals that may come next; they are written in capitals, rules in small letters."""
        return frozenset(kind for kind in self.edges[self.states[-1]] if kind.isupper() and self.accepts(kind))

    def complete(self, kind: str) -> None:
        """Carry out what a token of this kind, which may come next, would complete."""
        while (action := self.edges[self.states[-1]][kind]) < 0:
            self._reduce(self._reductions[~action])

    def undo(self, count: int) -> None:
        """Take back the last tokens, on which nothing was built yet."""
        if count:
            del self.states[-count:], self.values[-count:], self.spans[-count:]

    def restart(self, symbols: Sequence[tuple[str, Any, Span]]) -> None:
        """Make these, by rule of the grammar, all that is on the stack."""
        del self.states[1:], self.values[1:], self.spans[1:]
        for symbol, value, span in symbols:
            self._push(self.edges[self.states[-1]][symbol], value, span)

    def _shift(self, token: Token, state: int) -> None:
        if len(self.states) > DEEPEST:
            raise TooDeep(token.span)
        self._push(state, token, token.span)
        self.before = (*self.before[-1:], token)

    def _push(self, state: int, value: Any, span: Span) -> None:
        self.states.append(state)
        self.values.append(value)
        self.spans.append(span)

    def _reduce(self, reduction: Reduction) -> None:
        states, values, size = self.states, self.values, reduction.size
        if reduction.build is None and size == 1:
            states[-1] = self.edges[states[-2]][reduction.origin]
            return
        span = self._span(size)
        parts = values[len(values) - size :]
        chosen = [parts[part] if part >= 0 else None for part in reduction.parts]
        value = reduction.build(span, *chosen) if reduction.build else chosen[0]
        self.undo(size)
        self._push(self.edges[states[-1]][reduction.origin], value, span)

    def _span(self, size: int) -> Span:
        """The span of the last `size` symbols; of none, the place behind the last."""
        last = self.spans[-1]
        if size == 1:
            return last
        if size == 0:
            return Span(last.path, last.end_line, last.end_column, last.end_line, last.end_column)
        first = self.spans[-size]
        return Span(first.path, first.line, first.column, last.end_line, last.end_column)
