"""`policyengine man`: manual pages, made from the same text as the help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policyengine.cli.commands import Command, option, shared

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine man | man -l -
  policyengine man eval | man -l -
  policyengine man --write /usr/local/share/man/man1

Exit codes: 0 done · 2 wrong use
"""


@click.command("man", cls=Command, epilog=EXAMPLES)
@click.argument("name", default="", metavar="[COMMAND]")
@option("--write", "folder", metavar="DIR", help="Write the pages of all commands into a folder.")
@shared
def command(terminal: Terminal, name: str, folder: str | None) -> int:
    """Show the manual page of a command, or of the whole, in the language of man."""
    from pathlib import Path

    from policyengine.cli.manpages import page, pages
    from policyengine.cli.output import write
    from policyengine.errors import UsageError

    if folder is None:
        terminal.put(page(name), people=False)
        return 0
    if name:
        raise UsageError("--write is for the pages of all commands", "leave out the command")
    if not Path(folder).is_dir():
        raise UsageError(f"there is no folder {folder}", "make it first")
    for file, text in pages().items():
        write(Path(folder) / file, text)
    return 0
