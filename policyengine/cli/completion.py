"""`policyengine completion`: what makes a shell complete the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, shared

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  eval "$(policyengine completion bash)"                    # in ~/.bashrc
  eval "$(policyengine completion zsh)"                     # in ~/.zshrc
  policyengine completion fish > ~/.config/fish/completions/policyengine.fish

Exit codes: 0 done · 2 wrong use
"""
SHELLS = ("bash", "zsh", "fish")


class Unsettled(Command):
    """A command that heeds no configuration: it runs whenever a shell starts, wherever that is."""

    settled = False

    def invoke(self, ctx: click.Context) -> Any:
        del ctx.params["config"], ctx.params["no_config"]
        return super().invoke(ctx)


@click.command("completion", cls=Unsettled, epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(SHELLS))
@shared
def command(terminal: Terminal, shell: str) -> int:
    """Print a script with which a shell completes commands, options, choices and files."""
    from click.shell_completion import ShellComplete, get_completion_class

    from policyengine.cli.commands import policyengine
    from policyengine.cli.main import COMPLETE

    known = get_completion_class(shell)
    assert known is not None
    # The base class's: the one for bash asks the bash on the path for its version, which is not who asks.
    terminal.put(ShellComplete.source(known(policyengine, {}, "policyengine", COMPLETE)))
    return 0
