"""Elements of XML and HTML. Text is escaped by whoever makes it text; what stands in an attribute always is."""

from __future__ import annotations

from policyengine.reports.safe import printable

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def escaped(text: str) -> str:
    """`text` on one line, in which nothing is markup; every character is one that XML may hold."""
    return "".join(ENTITIES.get(character, character) for character in printable(text))


def lines(text: str) -> str:
    """Text of several lines, in which nothing is markup."""
    return "\n".join(map(escaped, text.split("\n")))


def attributes(**values: str) -> str:
    """` name="value"` for each; a trailing underscore of a name is left out, an inner one is a hyphen."""
    return "".join(f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"' for name, value in values.items())


def element(tag: str, inside: str | None = None, /, **values: str) -> str:
    """An element around `inside`, which is markup already; without it an empty element."""
    head = f"<{tag}{attributes(**values)}"
    return f"{head}/>" if inside is None else f"{head}>{inside}</{tag}>"
