"""Manual pages in roff, from what the help says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from policyengine import __version__
from policyengine.cli.commands import COMMANDS, EXAMPLES, EXIT_CODES, Command, policyengine
from policyengine.errors import UsageError
from policyengine.evidence.problems import closest, quoted

WHOLE = "policyengine"


def pages() -> dict[str, str]:
    """Every page, by the name of its file."""
    names = [name for commands in COMMANDS.values() for name in commands]
    return {f"{WHOLE}.1": page(""), **{f"{WHOLE}-{name}.1": page(name) for name in names}}


def page(name: str) -> str:
    """The page of the command `name`, or of all of them where it is empty; raises `UsageError` for another name."""
    if not name:
        return "\n".join([*_head(WHOLE, policyengine.help or ""), *_overview()]) + "\n"
    told = {known: said for commands in COMMANDS.values() for known, said in commands.items()}
    if name not in told:
        near = closest(name, told)
        help = f"did you mean `{near}`?" if near else "see `policyengine --help`"
        raise UsageError(f"there is no command {quoted(name)}", help)
    context = click.Context(policyengine, info_name=WHOLE)
    command = policyengine.get_command(context, name)
    assert isinstance(command, Command)
    below = click.Context(command, info_name=name, parent=context)
    return "\n".join([*_head(f"{WHOLE}-{name}", told[name]), *_command(command, below)]) + "\n"


def _head(title: str, said: str) -> Iterator[str]:
    yield f'.TH "{_text(title.upper())}" "1" "" "policyengine {__version__}" "policyengine"'
    yield ".nh"
    yield ".SH NAME"
    yield f"{_text(title)} \\- {_text(said.rstrip('.'))}"


def _overview() -> Iterator[str]:
    yield ".SH SYNOPSIS"
    yield ".B policyengine"
    yield _text("COMMAND [OPTIONS] [ARGUMENTS]")
    yield ".SH COMMANDS"
    for topic, commands in COMMANDS.items():
        yield f".SS {_text(topic)}"
        for name, said in commands.items():
            yield from (".TP", f".BR policyengine\\-{_text(name)} (1)", _text(said))
    yield from _examples("\n".join(EXAMPLES))
    yield from _paragraph("EXIT STATUS", EXIT_CODES.partition(": ")[2])


def _command(command: Command, context: click.Context) -> Iterator[str]:
    yield ".SH SYNOPSIS"
    yield f".B {_text(context.command_path)}"
    yield _text(" ".join(command.collect_usage_pieces(context)))
    yield ".SH DESCRIPTION"
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        yield from ([".PP"] if number else [])
        yield _text(" ".join(paragraph.split()))
    for topic, records in command.topics(context).items():
        yield f".SH {_text(topic.upper())}"
        for option, said in records:
            yield from (".TP", f".B {_text(option)}", _text(said))
    examples, _, codes = (command.epilog or "").partition("Exit codes:")
    yield from _examples(examples.replace("\b", "").replace("Examples:", ""))
    yield from _paragraph("EXIT STATUS", " ".join(codes.split()))
    yield from _paragraph("SEE ALSO", "policyengine(1)")


def _examples(text: str) -> Iterator[str]:
    yield from (".SH EXAMPLES", ".nf", ".RS 4")
    yield from (_text(line.strip()) for line in text.splitlines() if line.strip())
    yield from (".RE", ".fi")


def _paragraph(title: str, text: str) -> Iterator[str]:
    if text:
        yield from (f".SH {title}", _text(text))


def _text(text: str) -> str:
    """`text` as roff shows it: nothing in it is a request, and hyphens can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    text = re.sub(r"[^\x20-\x7e]", lambda found: f"\\[u{ord(found[0]):04X}]", text)
    return f"\\&{text}" if text.startswith((".", "'")) else text
