"""Text to a syntax tree: an LALR(1) automaton that goes on after a mistake.

The automaton and its lexer are driven here, over tables that come from the grammar, for three
reasons: each node gets its exact span without a second pass; after a mistake reading goes on at the
next item with the stack cut back to the list of items; and a chain of reductions that only hand a
value on (an operand passes ten levels of the grammar) is taken in one remembered step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.language import mistakes, recovery
from policyengine.language.builder import Builder, TooDeep
from policyengine.language.diagnostics import Diagnostic, order
from policyengine.language.grammar import Tables, tables
from policyengine.language.lexer import END, Lexer, Token
from policyengine.language.source import Source
from policyengine.language.syntax import Broken, File, Item, Name, Node, Span

STACK = 8 * limits.EXPRESSION_DEPTH
"""Symbols on the stack of one item. No level of nesting takes more than eight, so a text that fills
it is nested too deep, and is refused before the rest of it is read."""

ITEMS = 3
"""The stack of a file between two items: the start, the header, the items so far."""


def parse(source: Source) -> tuple[File | None, tuple[Diagnostic, ...]]:
    """The syntax tree of `source`, and every syntax error in it, in order.

    The tree is there whenever the header could be read, an item with a mistake in it being `Broken`.
    Never raises for any text, and takes time linear in its length: about 0.9 µs per byte on the
    machine of the benchmarks, and 3 ms to load the tables.
    """
    parse = Parse(source)
    file = parse.run()
    return file, tuple(sorted(parse.problems + parse.builder.problems, key=order))


class Reduction(Struct, frozen=True):
    """A production, ready to be carried out; `build` is `None` where the only part is handed on."""

    origin: str
    size: int
    build: Callable[..., Any] | None
    parts: tuple[int, ...]


class Parse:
    """One run over one text. `states`, `values` and `spans` are the stack, the bottom state has no symbol."""

    def __init__(self, source: Source) -> None:
        known = tables()
        self.source = source
        self.tables: Tables = known
        self.lexer = Lexer(source.path, source.text, known)
        self.builder = Builder(source.path)
        self.problems: list[Diagnostic] = []
        self.previous: Token | None = None
        self.headless = False
        self.states, self.values, self.spans = [known.start], [None], [Span(source.path, 1, 1, 1, 1)]
        self.reductions = [
            Reduction(p.origin, p.size, self.builder.action(p.action) if p.action else None, p.parts)
            for p in known.productions
        ]
        self._handed_on: dict[tuple[int, int, str], int] = {}

    def run(self) -> File | None:
        """Read to the end, going on after each mistake."""
        while True:
            token = self.lexer.next(self.states[-1])
            try:
                if self._take(token):
                    if token.type == END:
                        return None if self.headless else self.values[-1]
                    continue
                mistake = mistakes.describe(self._place(token), self.tables)
            except TooDeep as deep:
                mistake = mistakes.too_deep(deep.span)
            self.problems.append(mistake)
            self._recover(token)

    def _take(self, token: Token) -> bool:
        """Carry out what the token completes and put it on the stack; false if it may not stand here."""
        states, kind = self.states, token.type
        while True:
            action = self.tables.states[states[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                return self._shift(token, action)
            self._reduce(self.reductions[~action], kind)
            if kind == END and states[-1] == self.tables.end:
                return True

    def _shift(self, token: Token, state: int) -> bool:
        if len(self.states) > STACK:
            raise TooDeep(token.span)
        self.states.append(state)
        self.values.append(token)
        self.spans.append(token.span)
        self.previous = token
        return True

    def _reduce(self, reduction: Reduction, lookahead: str) -> None:
        states, values, spans, size = self.states, self.values, self.spans, reduction.size
        if reduction.build is None and size == 1:
            states[-1] = self._hand_on(states[-2], states[-1], lookahead)
            return
        span = self._span(size)
        parts = values[len(values) - size :]
        if reduction.build is None:
            value = parts[reduction.parts[0]]
        else:
            value = reduction.build(span, *[parts[part] if part >= 0 else None for part in reduction.parts])
        if size:
            del states[-size:], values[-size:], spans[-size:]
        states.append(self.tables.states[states[-1]][reduction.origin])
        values.append(value)
        spans.append(span)

    def _span(self, size: int) -> Span:
        """The span of the last `size` symbols; of none, the place behind the last."""
        last = self.spans[-1]
        if size == 1:
            return last
        if size == 0:
            return Span(last.path, last.end_line, last.end_column, last.end_line, last.end_column)
        first = self.spans[-size]
        return Span(first.path, first.line, first.column, last.end_line, last.end_column)

    def _hand_on(self, below: int, top: int, lookahead: str) -> int:
        """The state after all reductions in a row that only hand the top value on."""
        key = (below, top, lookahead)
        known = self._handed_on.get(key)
        if known is None:
            known = top
            while (action := self.tables.states[known].get(lookahead)) is not None and action < 0:
                reduction = self.reductions[~action]
                if reduction.build is not None or reduction.size != 1:
                    break
                known = self.tables.states[below][reduction.origin]
            self._handed_on[key] = known
        return known

    # ------------------------------------------------------------------------ mistakes

    def accepts(self, kind: str) -> bool:
        """Whether a token of this kind may come next."""
        states = self.states.copy()
        while (action := self.tables.states[states[-1]].get(kind)) is not None:
            if action >= 0:
                return True
            reduction = self.reductions[~action]
            if reduction.size:
                del states[-reduction.size :]
            states.append(self.tables.states[states[-1]][reduction.origin])
            if states[-1] == self.tables.end:
                return kind == END
        return False

    def expected(self) -> frozenset[str]:
        """The terminals that may come next."""
        return frozenset(kind for kind in self.tables.states[self.states[-1]] if is_terminal(kind) and self.accepts(kind))

    def _place(self, token: Token) -> mistakes.Place:
        brackets = [value for value in self.values[ITEMS:] if isinstance(value, Token) and value.text in ("(", "[", "{")]
        return mistakes.Place(
            text=self.source.text,
            token=token,
            previous=self.previous,
            expected=self.expected(),
            complete=self.accepts("RULE"),
            opened=brackets[-1] if brackets else None,
        )

    def _recover(self, token: Token) -> None:
        """End the item that `token` broke, and go to where the next begins: at the token or behind it."""
        header = recovery.header(self.values[1:], self.spans[1:])
        self.headless = self.headless or header is None
        items = self.values[2] if len(self.values) >= ITEMS else []
        if len(self.values) > ITEMS:
            items.append(recovery.broken(self.values[ITEMS:], self.spans[ITEMS:]))
        self._restart(header or File(self.spans[0], "policy", Name(self.spans[0], ""), None, ()), items)
        self.lexer.skip_to(recovery.next_item(self.source.text, token.start), token)

    def _restart(self, header: File, items: list[Item]) -> None:
        """The stack as it is between two items."""
        edges = self.tables.states
        behind_header = edges[self.tables.start]["header"]
        self.states = [self.tables.start, behind_header, edges[behind_header]["items"]]
        self.values = [None, header, items]
        self.spans = [self.spans[0], header.span, header.span]
        self.builder.forget()


def is_terminal(symbol: str) -> bool:
    """Terminals are written in capitals, rules in small letters."""
    return symbol.isupper()
