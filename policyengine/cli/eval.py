"""`policyengine eval`: decide whether images may pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policyengine.cli.commands import Command, judging, option, shared
from policyengine.cli.identifying import Identity, identifying
from policyengine.cli.options import sourcing
from policyengine.reports import FORMATS

if TYPE_CHECKING:
    from policyengine.cli.terminal import Terminal

EXAMPLES = """\b
Examples:
  policyengine eval registry.example.com/prod/app@sha256:… policies/
  policyengine eval registry.example.com/prod/app:1.4 policies/ -o table -o json=decision.json
  helm template chart/ | policyengine eval --from-manifest - policies/
  policyengine eval --oci-layout image/@sha256:… --repository registry.example.com/prod/app policies/
  policyengine eval --replay decision.tar -o json

Exit codes: 0 allow · 1 deny · 2 wrong use or invalid policy · 3 could not decide; of several images 3 beats 1 beats 0.
"""


@click.command("eval", cls=Command, epilog=EXAMPLES)
@click.argument("arguments", nargs=-1, metavar="REFERENCE… POLICIES…")
@sourcing
@identifying
@judging
@option("-o", "--output", "outputs", topic="Output", multiple=True, metavar="FORMAT[=PATH]",
        help=f"A report, to standard output or a file; may be repeated: {', '.join(FORMATS)}.")  # fmt: skip
@option("--all", "everything", topic="Output", is_flag=True, help="Show every violation, however many there are.")
@option("--no-fail", topic="Verdict", is_flag=True, help="Exit 0 for a denial; never for 2 or 3.")
@option("--fail-on", topic="Verdict", type=click.Choice(["deny", "warn"]), default="deny",
        help="With `warn`, what warns denies too.")  # fmt: skip
@option("--record", topic="Records", metavar="FILE",
        help="Write everything that the decision depended on to a tar file.")  # fmt: skip
@option("--replay", topic="Records", metavar="FILE",
        help="Reach a recorded decision again, from its file alone.")  # fmt: skip
@shared
def command(terminal: Terminal, **options: Any) -> int:
    """Decide whether images may pass, by their signatures, scans and SBOMs.

    What names a file or folder that exists is a policy path, the rest are references:
    registry/repository@digest, or :tag, which is resolved once.
    """
    from policyengine.cli.asking import Options, begun

    asked = begun(Options(identity=Identity.of(options), **options))
    from policyengine.cli.evaluation import run  # while the registry is answering

    return run(terminal, asked)
