"""Every code that a diagnostic can have, with what it is about in a few words.

`E0..` are mistakes of syntax, found by the parser; the rest are the checker's.
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
}
"""One-line title of each code."""
