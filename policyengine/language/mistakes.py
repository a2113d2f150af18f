"""What to say about a syntax error: what was expected, in words, what is there, and what is meant.

Where it is clear what is meant, the mistake carries a repair: what to read in place of what is there, so that
the rest of the item is read and checked too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from policyengine import limits
from policyengine.language import habits
from policyengine.language.diagnostics import Diagnostic
from policyengine.language.expected import STARTERS, in_words, shown
from policyengine.language.letters import instead, named
from policyengine.language.lexer import END, Token
from policyengine.language.recovery import FOLLOWED_BY
from policyengine.language.syntax import Span

HEADER = "a file begins with `policy NAME`, `library NAME`, `tests for NAME` or `waivers for NAME`"
COMPARING_SIGNS = ("<", "<=", ">", ">=", "=", "==", "!=")
COMPARING_WORDS = ("is", "in", "not", "matches", "permitted", "requires", "within", "covers")
LONGEST_NAME = 64
"""Characters; a longer text in quotes was not meant as a name."""

UNITS = ("seconds", "minutes", "hours", "days", "weeks", "second", "minute", "hour", "day", "week")
CALCULATIONS = ("*", "/", "%", "^")


class Repair(Struct, frozen=True):
    """How to read on: take `undo` tokens back, put `tokens` (terminal and text) there, go on at the offset `resume`.

    `certain` is false for a guess: should the item end for a reason that is not clear, it may follow from that.
    """

    tokens: tuple[tuple[str, str], ...]
    resume: int
    undo: int = 0
    certain: bool = True


class Place(Struct, frozen=True):
    """Where reading stopped: the token that may not stand there, those before it, and what may.

    Of the tokens before, the last `undoable` have nothing built on them yet. `words` are the texts of
    the expected terminals that have one, with the terminal's name; `reserved` are all words of the
    language; `accepts` tells whether a terminal may come after so many tokens are taken back;
    `complete` says that the item could have ended here, `fresh` that nothing of the file was read;
    `opened` is the innermost bracket that is still open.
    """

    text: str
    token: Token
    before: tuple[Token, ...]
    undoable: int
    expected: frozenset[str]
    words: dict[str, str]
    reserved: frozenset[str]
    accepts: Callable[[str, int], bool]
    complete: bool
    fresh: bool
    opened: Token | None

    @property
    def previous(self) -> Token | None:
        return self.before[-1] if self.before else None


class Mistake(Struct, frozen=True):
    """One syntax error, and how to read on, if that is clear."""

    diagnostic: Diagnostic
    repair: Repair | None = None


def describe(place: Place) -> Mistake:
    """What is wrong at a place, and how to read on."""
    explained = (explain(place) for explain in EXPLANATIONS)
    return next(filter(None, explained), None) or unexpected(place)


def too_deep(span: Span) -> Mistake:
    """An expression that is nested deeper than the limit."""
    message = f"the expression is nested deeper than {limits.EXPRESSION_DEPTH} levels"
    return _error("E008", message, span, "name its parts with `let` and `define`")


def _error(
    code: str,
    message: str,
    span: Span,
    help: str | None = None,
    notes: tuple[str, ...] = (),
    suggestion: str | None = None,
    repair: Repair | None = None,
) -> Mistake:
    return Mistake(Diagnostic(code, "error", message, span, notes, help, suggestion), repair)


# ---------------------------------------------------------------------------- characters and texts


def unclosed(place: Place) -> Mistake | None:
    if place.token.type != "unclosed":
        return None
    advice = 'a text ends on its line, with `"`; a quote within it is written `\\"`'
    return _error("E003", "the text is not closed", place.token.span, advice)


def foreign_letter(place: Place) -> Mistake | None:
    """A character that no policy holds outside of texts and comments: names are ASCII, so that none can be mistaken."""
    token = place.token
    if token.type == "text":
        return None
    for offset, letter in enumerate(token.text):
        if not (letter.isascii() and letter.isprintable()):
            column = token.span.column + offset
            span = Span(token.span.path, token.span.line, column, token.span.line, column + 1)
            return _error("E004", f"{named(letter)} cannot stand here", span, instead(letter))
    return None


# ---------------------------------------------------------------------------- mistakes with a reason of their own


def no_header(place: Place) -> Mistake | None:
    if not place.fresh:
        return None
    token = place.token
    if token.type == END:
        return _error("E001", "the file is empty", Span(token.span.path, 1, 1, 1, 1), HEADER)
    message = f"expected the header of the file, found {shown(token)}"
    near = None if token.text in FOLLOWED_BY else _near(place)
    return _error("E001", message, token.span, HEADER, suggestion=near, repair=_guess(place, near))


def habit(place: Place) -> Mistake | None:
    """A form of other languages, found where it begins: at the token, or up to two tokens before."""
    for form in habits.FORMS:
        if form.undo > place.undoable:
            continue
        start = place.before[-form.undo] if form.undo else place.token
        found = form.looks.match(place.text, start.start)
        if found and _fits(place, form):
            return _habit(place, form, start, found)
    return None


def _fits(place: Place, form: habits.Form) -> bool:
    """Whether the form may stand here: behind its words, and where what is right could stand."""
    if form.after and (place.previous is None or place.previous.text not in form.after):
        return False
    return not form.tokens or place.accepts(form.tokens[0][0], form.undo)


def _habit(place: Place, form: habits.Form, start: Token, found: re.Match[str]) -> Mistake:
    right = found.expand(form.right)
    span = Span(start.span.path, start.span.line, start.span.column, *_end(place, found.end()))
    repair = None
    if form.tokens or form.skipped:
        tokens = tuple((kind, found.expand(text)) for kind, text in form.tokens)
        repair = Repair(tokens, found.end(), form.undo)
    message = form.message or f"`{' '.join(found[0].split())}` is written `{right}`"
    return _error("E009", message, span, suggestion=right if form.tokens else None, repair=repair)


def _end(place: Place, offset: int) -> tuple[int, int]:
    """Line and column of an offset that is not far behind the token."""
    line_start = place.text.rfind("\n", 0, offset) + 1
    lines = place.text.count("\n", place.token.start, offset)
    return place.token.span.line + lines, offset - line_start + 1


def chain(place: Place) -> Mistake | None:
    """`a <= b <= c`: a comparison behind a comparison."""
    behind_operand = "PLUS" in place.expected and "AND" in place.expected and "ORDER" not in place.expected
    if place.token.text not in COMPARING_SIGNS + COMPARING_WORDS or not behind_operand:
        return None
    advice = "compare twice: `a <= b and b <= c`"
    return _error("E010", f"comparisons do not chain, found {shown(place.token)}", place.token.span, advice)


def unit(place: Place) -> Mistake | None:
    """`25 fortnights`: what is directly behind an integer is a unit of time."""
    from policyengine.evidence.problems import closest

    token = place.token
    if "UNIT" not in place.expected or token.text in place.reserved or not token.text.isalpha():
        return None
    near = closest(token.text, UNITS)
    repair = Repair((("UNIT", near or "days"),), token.start + len(token.text))
    advice = "the units are `seconds`, `minutes`, `hours`, `days` and `weeks`"
    return _error("E011", f"{shown(token)} is not a unit of time", token.span, advice, suggestion=near, repair=repair)


def calculation(place: Place) -> Mistake | None:
    if place.token.text not in CALCULATIONS or "PLUS" not in place.expected:
        return None
    return _error(
        "E002", f"there is no operator {shown(place.token)}", place.token.span, "integers have `+` and `-` only"
    )


def spaced_dot(place: Place) -> Mistake | None:
    """`finding. age`."""
    if place.token.text != "." or "MEMBER" not in place.expected:
        return None
    return _error(
        "E002", "a field stands directly after its dot", place.token.span, "write `finding.age`, without white space"
    )


def called_value(place: Place) -> Mistake | None:
    """`"a"("b")`."""
    if place.token.text != "(" or not {"MEMBER", "PLUS"} <= place.expected:
        return None
    return _error("E007", "only a function can be called, by its name", place.token.span)


def quoted_name(place: Place) -> Mistake | None:
    """`{ "id": … }`, as in JSON, or `rule "a"`."""
    token = place.token
    if token.text == ":" and place.opened and place.previous and place.previous.type == "TEXT":
        token = place.previous
    elif token.type != "text" or not place.expected & {"FIELD", "LABEL", "MODULE"}:
        return None
    name = token.text.strip('"')
    message = f"a name stands without quotes, found {shown(token)}"
    if len(name) > LONGEST_NAME or not name.isascii() or not name.replace("-", "_").isidentifier():
        return _error("E002", message, token.span)
    kinds = sorted(place.expected & {"FIELD", "LABEL", "MODULE"})
    repair = Repair(((kinds[0], name),), token.start + len(token.text)) if len(kinds) == 1 else None
    return _error("E002", message, token.span, suggestion=name, repair=repair)


def second_header(place: Place) -> Mistake | None:
    if not place.complete or place.token.text not in ("policy", "library", "tests", "waivers"):
        return None
    return _error("E002", "a file has one header", place.token.span, "put the other policy into a file of its own")


EXPLANATIONS = (
    unclosed, foreign_letter, no_header, habit, chain, unit, calculation, spaced_dot, called_value, quoted_name,
    second_header,
)  # fmt: skip
"""What is tried, in this order, before a mistake is merely unexpected."""


# ---------------------------------------------------------------------------- everything else


def unexpected(place: Place) -> Mistake:
    """What was expected and what was found: at what was found, or behind what is there, where something is missing."""
    wanted = in_words(place.expected, place.words)
    near = _near(place)
    if near:
        message = f"expected {wanted}, found {shown(place.token)}"
        return _error(
            "E002", message, place.token.span, f"did you mean `{near}`?", suggestion=near, repair=_guess(place, near)
        )
    notes = _open_bracket(place)
    if _missing(place) and place.previous:
        return _error("E002", f"expected {wanted} after {shown(place.previous)}", place.previous.span, notes=notes)
    if place.token.text.isidentifier() and place.expected <= {"FIELD", "COMMA", "RBRACE", "DOWNGRADE"}:
        return _error("E002", f"expected `:` or `=` after {shown(place.token)}", place.token.span)
    if "NAME" in place.expected and place.token.text in place.reserved:
        notes = (*notes, f"{shown(place.token)} is a word of the language, so it is no name here")
    return _error("E002", f"expected {wanted}, found {shown(place.token)}", place.token.span, notes=notes)


def _near(place: Place) -> str | None:
    """The expected word that the token is most likely a misspelling of."""
    from policyengine.evidence.problems import closest

    word = place.token.text
    if not word.isidentifier():
        return None
    near = closest(word, sorted(known for known in place.words if known.isalpha()))
    if near and word in place.reserved and not (word.startswith(near) or near.startswith(word)):
        return None
    return near


def _guess(place: Place, word: str | None) -> Repair | None:
    if word is None or len(word) < 4:
        return None
    return Repair(((place.words[word], word),), place.token.start + len(place.token.text), certain=False)


def _missing(place: Place) -> bool:
    """Whether the token begins something else, so that what is wrong is that something before it is missing."""
    if place.token.type == END:
        return True
    elsewhere = place.previous is not None and place.previous.span.end_line < place.token.span.line
    return elsewhere and not place.complete and place.token.text in STARTERS


def _open_bracket(place: Place) -> tuple[str, ...]:
    """A note on the bracket that may be the reason."""
    if place.opened is None or not (_missing(place) or place.token.text in (")", "]", "}")):
        return ()
    return (f"the `{place.opened.text}` in line {place.opened.span.line} is not closed",)
