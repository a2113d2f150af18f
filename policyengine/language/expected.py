"""What may come next, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from policyengine.language.lexer import END, Token
from policyengine.language.recovery import FOLLOWED_BY

CLAUSES = ("FOR", "FORBID", "HELP", "MESSAGE", "REQUIRE", "UNLESS", "WHEN")
ITEMS = tuple(word.upper() for word in FOLLOWED_BY)
NOTES = ("EXPIRES", "OWNER", "REASON", "TICKET")
STEPS = ("AT", "EXPECT", "GIVEN", "IN", "WITH")
STARTERS = frozenset(word.lower() for word in CLAUSES + ITEMS + NOTES + STEPS)
"""The words that begin an item, a clause, a note or a step."""

CALCULATION = ("AMPERSAND", "LPAR", "LSQB", "MEMBER", "MINUS", "OTHERWISE", "PLUS", "UNIT")
LITERALS = ("COUNT", "DECIMAL", "FALSE", "IF", "LBRACE", "LSQB", "MOMENT", "TRUE")
QUANTIFIERS = ("AT_LEAST", "AT_MOST", "EVERY", "NO")

GROUPS = (
    ("an expression", ("NAME", "INTEGER", "TEXT", "LPAR", "NOT", "SOME"), LITERALS + QUANTIFIERS),
    ("a value", ("NAME", "INTEGER", "TEXT", "LPAR"), LITERALS),
    (
        "a comparison",
        ("IS", "ORDER"),
        ("COVERS", "IN", "MATCHES", "NOT", "PERMITTED", "REQUIRES", "WITHIN", *CALCULATION),
    ),
    ("an operator", ("MINUS", "PLUS"), CALCULATION),
    ("`.` and a field", ("LSQB", "MEMBER"), CALCULATION),
    ("a type", ("LIST", "NAME", "SET"), ()),
    ("`deny` or `warn`", ("DENY", "NAME", "WARN"), ()),
    ("the next clause", CLAUSES, ()),
    ("the next note", NOTES, ()),
    ("the next step", STEPS, ()),
    ("the next item", ITEMS, (END,)),
)
"""Terminals that are summed up: where all of the first are expected, the others go with them."""

SHAPES = {
    "AT_LEAST": "`at least`",
    "AT_MOST": "`at most`",
    "COUNT": "`count(`",
    "DECIMAL": "a number",
    "FIELD": "a name with `:` or `=`",
    "INTEGER": "an integer",
    "LABEL": "a name",
    "MEMBER": "`.` and a field",
    "MODULE": "the name of a library",
    "MOMENT": "a date or a time",
    "NAME": "a name",
    "ORDER": "`<`",
    "TEXT": "a text",
    "UNIT": "a unit of time",
    END: "the end of the file",
}

SHOWN = 40
"""Characters of a token that are shown."""


def in_words(expected: Collection[str], words: Mapping[str, str]) -> str:
    """The expected terminals as an enumeration: `where`, `unless` or the next clause.

    `words` gives the terminals whose text is always the same, by their text.
    """
    left = set(expected)
    phrases = []
    for phrase, needed, others in GROUPS:
        if left.issuperset(needed):
            left.difference_update(needed, others)
            phrases.append(phrase)
    texts = {name: f"`{word}`" for word, name in words.items()}
    parts = sorted({texts.get(name) or SHAPES[name] for name in left}) + phrases
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def shown(token: Token) -> str:
    """A token as messages show it."""
    if token.type == END:
        return "the end of the file"
    text = token.text if len(token.text) <= SHOWN else token.text[:SHOWN] + "…"
    return f"`{text}`"
