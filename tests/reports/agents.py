"""What the readers of our output obey, as far as their own parsers say: the tests' enemies."""

import re
import unicodedata


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
