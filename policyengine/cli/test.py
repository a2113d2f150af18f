"""`policyengine test`: run the tests in policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, option, shared, trusting

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine test policies/
  policyengine test policies/ --run 'production/*' -o table -o junit=tests.xml
  policyengine test policies/ --coverage --min 100 --mutate

Exit codes: 0 pass · 1 a test failed, or less is shown or noticed than asked for · 2 does not compile · 5 no test found
"""


@click.command("test", cls=Command, epilog=EXAMPLES)
@click.argument("policies", nargs=-1, metavar="POLICIES…")
@option("--run", "pattern", metavar="GLOB", default="*", help="Only tests whose name, or POLICY/NAME, matches.")
@trusting
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]",
        help="table, json, junit or tap.")  # fmt: skip
@option("--coverage", is_flag=True, topic="Trust in tests", help="Show which outcomes of conditions no test shows.")
@option("--min", "minimum", topic="Trust in tests", metavar="PERCENT",
        help="Fail where fewer outcomes are shown; with --coverage.")  # fmt: skip
@option("--mutate", is_flag=True, topic="Trust in tests",
        help="Try faults in the policies, and fail where no test notices one.")  # fmt: skip
@option("--watch", is_flag=True, help="Run again whenever a file changes, until Ctrl-C.")
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Run the tests in policies; a failed one says what was expected and what came."""
    from policyengine.cli.testing import Options, run

    return run(terminal, Options(**options))
