"""Every code that a diagnostic can have, with what it is about in a few words.

`E0..` are mistakes of syntax, found by the parser; `E1..` are mistakes of meaning, found by the checker, and
`W2..` its warnings: what compiles and probably is not meant. Each has a page, `docs/diagnostics/CODE.md`.
"""

from __future__ import annotations

TITLES = {
    "E001": "a file without a header",
    "E002": "something else is expected here",
    "E003": "a text that is not closed",
    "E004": "a character that cannot stand here",
    "E005": "an unknown escape in a text",
    "E006": "a number of too many digits",
    "E007": "something called that is no function",
    "E008": "an expression nested too deep",
    "E009": "the form of another language",
    "E010": "comparisons in a chain",
    "E011": "an unknown unit of time",
    "E012": "too many mistakes of syntax",
    "E101": "a name that nothing declares",
    "E102": "a field that the record does not have",
    "E103": "a value of another type",
    "E104": "a name that is taken, or something said twice",
    "E105": "something that is defined by itself",
    "E106": "clauses that make no rule",
    "E107": "an effect that does not exist",
    "E108": "a literal that is not what it should be",
    "E109": "a word that is not one of its kind",
    "E110": "`and` and `or` without parentheses between them",
    "E111": "a `not` whose end can be misread",
    "E112": "a library that is not there",
    "E114": "an environment that changes what is not there",
    "E115": "a waiver that lacks something, or waives nothing",
    "E116": "a test that cannot be run",
    "E117": "a message that cannot be printed",
    "E118": "arguments that do not fit",
    "E119": "an item that does not belong there",
    "E120": "a policy without a rule",
    "E121": "an empty set or list",
    "E122": "a value that must be constant",
    "E123": "functions or constants that go too deep",
    "E124": "a kind of document that cannot be declared like this",
    "W201": "something that nothing uses",
    "W202": "a demand that holds for no signature at all",
    "W203": "a condition that contradicts itself",
    "W204": "a range that misses versions with a revision",
    "W205": "a limit below zero",
    "W206": "a comparison with UNKNOWN",
    "W207": "a package URL that no package has",
    "W208": "a waiver that has expired, or soon will",
    "W209": "a letter that looks like another",
    "W210": "a name that no registry has",
}
"""One-line title of each code."""


def severity(code: str) -> str:
    """Whether diagnostics of this code are an `error` or a `warning`."""
    return "warning" if code.startswith("W") else "error"
