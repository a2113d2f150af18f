"""Text from outside that gives orders, and how it loses them.

Whatever a report quotes (a scanner's message, a package's name, a certificate's subject) was written by
somebody else, and two readers stand behind our output that obey what they read: terminals (control
characters, OSC 8 links, letters that reorder or hide others) and the agents of pipelines, which look for
commands in every line (`##vso[…]` and `##[…]` anywhere in it, `::command::` at its start).

`printable` is for every single text, `orderless` for everything that is written to a terminal or a log, and
`json_text` for JSON, which says the same after decoding. Only `github.py` and `azure.py` write commands, with
texts that went through `github_data` and its neighbours.
"""

from __future__ import annotations

import re

INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
    "|(?<=[\u0300-\u036f]{2})[\u0300-\u036f]"
)
"""What `str.isprintable` lets through and nobody sees: fillers, variation selectors, blanks; and the marks
stacked upon a letter beyond the second, which paint over the lines around them."""

SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
ORDER_ANYWHERE = re.compile(r"#(?=#+[\w.-]*\[)")
ORDER_AT_START = re.compile(r"^((?:[^\S\n]|\x1b\[[0-9;]*m)*)(?=::)", re.MULTILINE)
NOT_PLAIN = re.compile(r"[^\n\x20-\x7e]")


def printable(text: str, limit: int = 0) -> str:
    """`text` on one line, each character that is invisible or steers the reader as a visible escape.

    With a `limit` the result has at most so many characters, the last one `…` where something was cut.
    """
    if limit and len(text) > limit:
        text = text[:limit] + "…"
    if not text.isprintable() or (not text.isascii() and INVISIBLE.search(text)):
        text = "".join(map(_visible, INVISIBLE.sub(_escaped, text)))
    return text if not limit or len(text) <= limit else text[: limit - 1].rstrip("…") + "…"


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return SHORT.get(character) or f"\\u{{{ord(character):x}}}"


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{{{ord(match[0]):x}}}"


def orderless(output: str) -> str:
    r"""`output` (any number of lines) without anything that an agent takes for a command.

    `##vso[` becomes `#\#vso[` and `::` at the start of a line `\::`; all else stays.
    """
    if "##" in output:
        output = ORDER_ANYWHERE.sub(r"#\\", output)
    return ORDER_AT_START.sub(r"\1\\", output) if "::" in output else output


def json_text(document: str) -> str:
    """JSON text that decodes to the same document, without commands and without invisible characters."""
    return re.sub("(?<=#)#", r"\\u0023", NOT_PLAIN.sub(_json_escape, document))


def _json_escape(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable() and not INVISIBLE.match(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def github_data(text: str) -> str:
    """`text` as the message of a command of GitHub's runner."""
    return orderless(printable(text)).replace("%", "%25")


def github_property(text: str) -> str:
    """`text` as a property of a command of GitHub's runner."""
    return github_data(text).replace(":", "%3A").replace(",", "%2C")


def azure_data(text: str) -> str:
    """`text` as the message of a command of Azure's agent."""
    return orderless(printable(text)).replace("%", "%AZP25")


def azure_property(text: str) -> str:
    """`text` as a property of a command of Azure's agent."""
    return azure_data(text).replace(";", "%3B").replace("]", "%5D")
