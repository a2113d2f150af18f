"""What the readers of our output obey, as far as their own parsers say: the tests' enemies."""

import re
import unicodedata
from dataclasses import dataclass


def azure_commands(output: str) -> list[str]:
    """The lines in which Azure's agent finds a command: the prefix anywhere, then a `]` behind a dot or word."""
    return [line for line in output.splitlines() if "##vso[" in line.lower() or "##[" in line]


def github_commands(output: str) -> list[str]:
    """The lines that GitHub's runner takes for commands, in both of its syntaxes."""
    return [line for line in output.splitlines() if line.strip().startswith("::") or "##[" in line]


def steering(output: str) -> list[str]:
    """Characters, beside line ends and our own colours, that a terminal obeys or nobody sees."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return [c for c in plain if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}]


HOSTILE = (
    "##vso[task.setvariable variable=PATH]/evil",
    "x ##vso[task.complete result=Succeeded;]",
    "###[section]x",
    "##[command]rm",
    "##teamcity[buildStatus status='SUCCESS']",
    "::set-output name=decision::allow",
    "  ::error::x",
    "a\n::stop-commands::t",
    "a\r::debug::x",
    "a\u2028::debug::x",
    "a\x85##vso[x]y",
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "\x1b[2J\x1b[H\x1b[8mhidden",
    "\x9b2J",
    "admin\u202egnp.exe",
    "\u2066a\u2069\u200bb\u00adc\ufeff",
    "section_start:1:x\r\x1b[0K",
    "\ud800",
    "a\u0300\u0301\u0302\u0303\u0304\u0305",
    "\u3164\u2800\ufe0f",
    "\U000e0041\U000e0042",
)
"""Texts that have been used, or could be, to make a terminal or an agent do something."""


# ---------------------------------------------------------------------------- the agents' own parsers


@dataclass(frozen=True)
class Order:
    """A command as an agent understands it."""

    name: str
    properties: dict[str, str]
    data: str


AZURE = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%AZP25", "%"))
GITHUB_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
GITHUB_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


def unescaped(text: str, table: tuple[tuple[str, str], ...]) -> str:
    for escape, character in table:
        text = text.replace(escape, character)
    return text


def azure_orders(output: str) -> list[Order]:
    """What Azure's agent does for `output`: the first `##vso[area.event properties]data` of each line."""
    found = []
    for line in output.splitlines():
        _, prefix, rest = line.partition("##vso[")
        head, bracket, data = rest.partition("]")
        if prefix and bracket:
            name, _, properties = head.strip().partition(" ")
            assert re.fullmatch(r"\w+\.\w+", name), line
            pairs = [part.partition("=") for part in properties.split(";") if part.strip()]
            assert all(equals for _, equals, _ in pairs), line
            known = {key.strip().lower(): unescaped(value.strip(), AZURE) for key, _, value in pairs}
            found.append(Order(name, known, unescaped(data, AZURE)))
    return found


def github_orders(output: str) -> list[Order]:
    """What GitHub's runner does for `output`: each line that begins with `::name properties::data`."""
    found = []
    for line in output.splitlines():
        head, end, data = line.strip().removeprefix("::").partition("::")
        if line.strip().startswith("::") and end:
            name, _, properties = head.partition(" ")
            pairs = [part.partition("=") for part in properties.split(",") if part]
            known = {key.strip().lower(): unescaped(value, GITHUB_PROPERTY) for key, _, value in pairs}
            found.append(Order(name, known, unescaped(data, GITHUB_DATA)))
    return found
