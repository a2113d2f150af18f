"""What `compare` does once its options are known: both policy sets decide about the same evidence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from policyengine.cli import comparisons
from policyengine.cli.asking import Options
from policyengine.cli.batch import each
from policyengine.cli.comparisons import Comparison
from policyengine.cli.evaluation import asked, complain, everything_named, judged, terms
from policyengine.cli.images import Image
from policyengine.cli.instants import moment
from policyengine.cli.output import outputs, put
from policyengine.cli.progress import Progress
from policyengine.cli.sharing import Shared
from policyengine.cli.terminal import Terminal
from policyengine.engine import Terms
from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.language.policyset import PolicySet
from policyengine.reports.look import Page

NO_POLICIES = "name the policies that decide today with --policies, and the others with --with"


class Sides(Struct, frozen=True):
    """The two policy sets: today's, and the one to compare it with. `recorded` are files of records."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    with_environment: str | None = None
    with_parameters: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()


class Case(Struct, frozen=True):
    """One image, and by what it is decided about on either side."""

    image: Image
    before: Terms
    after: Terms

    def compared(self) -> Comparison:
        """Both decisions, over a store that is asked everything once."""
        request = self.image.request
        image = replace(self.image, request=replace(request, store=Shared(request.store)))
        return Comparison(judged(image, self.before, "deny"), judged(image, self.after, "deny"))


def run(terminal: Terminal, options: Options, sides: Sides) -> int:
    """Compare the decisions about every image; the exit code."""
    wanted = outputs(options.outputs, ("table", "json"))
    if not sides.after:
        raise UsageError("no policies to compare with were named", NO_POLICIES)
    cases = [
        *_asked(terminal, options, sides),
        *(case for file in sides.recorded for case in _recorded(file, options, sides)),
    ]
    found = _compared(terminal, options, cases)
    for output in wanted:
        look = terminal.look() if output.path is None else replace(terminal.look(), width=0, colour=False)
        page = Page(replace(look, everything=options.everything))
        text = comparisons.document(found) if output.format == "json" else comparisons.text(page, found)
        put(terminal, output, text)
    return comparisons.code(found)


def _compared(terminal: Terminal, options: Options, cases: Sequence[Case]) -> list[Comparison]:
    progress = Progress(terminal, len(cases))
    threads = 1 if options.oci_layout or options.offline else options.workers
    try:
        found = each(cases, Case.compared, threads, lambda comparison: progress.advance(comparison.after.decision))
    finally:
        progress.clear()
    for comparison in found:
        for decision in {
            comparison.before.reasons: comparison.before,
            comparison.after.reasons: comparison.after,
        }.values():
            complain(terminal, decision)
    return found


def _asked(terminal: Terminal, options: Options, sides: Sides) -> list[Case]:
    """The images that are to be fetched, none where only records are named."""
    if sides.recorded and not (options.arguments or options.listed):
        return []
    if not sides.before:
        raise UsageError("no policies that decide today were named", NO_POLICIES)
    named = everything_named(terminal, replace(options, policies=sides.before))
    paths = [argument for argument in options.arguments if os.path.lexists(argument)]
    if paths:
        raise UsageError(f"{quoted(paths[0])} is a file or folder, and only images stand by themselves", NO_POLICIES)
    at = moment(options.at)
    images = asked(options, named.references)
    before = terms(terminal, options, sides.before, at)
    return [Case(image, before, _after(before, options, sides)) for image in images]


def _after(before: Terms, options: Options, sides: Sides) -> Terms:
    """The other side: the same instant, trust and check of revocation."""
    policies = PolicySet.load(*sides.after)
    given = sides.with_parameters or options.parameters
    return replace(
        before,
        policies=policies,
        parameters=policies.parameters(given) if given else {},
        environment=sides.with_environment or before.environment,
    )


def _recorded(file: str, options: Options, sides: Sides) -> list[Case]:
    """The images of a record, each with what was known of it then."""
    if options.at or options.trust_policy or options.trust_store or options.platform:
        raise UsageError(
            "a record has its own instant, trust and platforms", "leave out --at, --platform and the options of trust"
        )
    from policyengine.cli.recording import images_of, terms_of
    from policyengine.recording.archive import Recorded

    found = Recorded(Path(file))
    before = terms_of(found)
    if sides.before:
        policies = PolicySet.load(*sides.before)
        before = replace(
            before,
            policies=policies,
            parameters=policies.parameters(options.parameters) if options.parameters else {},
            environment=options.environment or before.environment,
        )
    after = _after(before, options, sides)
    return [Case(image, before, after) for image in images_of(found)]
