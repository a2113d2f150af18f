"""`policyengine fmt`: bring policies into the one canonical form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policyengine.cli.commands import Command, option, shared

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal
    from policyengine.reports.look import Page

EXAMPLES = """\b
Examples:
  policyengine fmt policies/
  policyengine fmt policies/ --check --diff

Exit codes: 0 done, or nothing to do · 1 --check or --diff found something · 2 wrong use, or a mistake of syntax
"""
WOULD_CHANGE = 1


@click.command("fmt", cls=Command, epilog=EXAMPLES)
@click.argument("policies", nargs=-1, metavar="POLICIES…")
@option("--check", is_flag=True, help="Change nothing; name what would be changed.")
@option("--diff", is_flag=True, help="Change nothing; show what would be changed.")
@shared
def command(terminal: Terminal, policies: tuple[str, ...], check: bool, diff: bool) -> int:
    """Bring policies into the one canonical form, in place."""
    from pathlib import Path

    from policyengine.cli.output import write
    from policyengine.language import formatter
    from policyengine.language.policyset import read_all
    from policyengine.reports.look import Page
    from policyengine.reports.wording import plural

    texts = [(source, formatter.format(source)) for source in read_all(policies)]
    changed = [(source, text) for source, text in texts if _stands(source.path) != text]
    page = Page(terminal.look())
    for source, text in changed:
        if diff:
            _diff(page, source.path, source.text, text)
        elif check or terminal.verbose:
            page.line(f"{'would change' if check else 'changed'} {source.path}", wrap=False)
        if not (check or diff):
            write(Path(source.path), text)
    verb = "would change" if check or diff else "changed"
    page.line(f"{plural(len(changed), 'file')} {verb}, {len(texts) - len(changed)} already in form")
    terminal.put(page.text())
    return WOULD_CHANGE if changed and (check or diff) else 0


def _stands(path: str) -> str:
    """The text of the file as it stands, with its line ends and its byte order mark."""
    from pathlib import Path

    return Path(path).read_bytes().decode("utf-8")


def _diff(page: Page, path: str, before: str, after: str) -> None:
    """What would be changed, in the unified form."""
    from difflib import unified_diff

    for line in unified_diff(before.splitlines(), after.splitlines(), path, path, lineterm=""):
        page.line((line, {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")), wrap=False)
