"""What `eval` does once its options are known: sort the arguments, decide, strengthen, report, answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from policyengine.cli.asking import Options, check_platform, premises, stores
from policyengine.cli.images import Arguments, Image, in_layouts, in_registries, sorted_out
from policyengine.cli.instants import moment
from policyengine.cli.output import Output, outputs, put
from policyengine.cli.pipelines import tell_github
from policyengine.cli.strictness import strengthened
from policyengine.cli.terminal import Terminal
from policyengine.decision.combine import worst
from policyengine.decision.model import Decision
from policyengine.engine import Request, Terms, asking, decide_about
from policyengine.errors import PolicyEngineError, UsageError
from policyengine.reports import FORMATS
from policyengine.reports.formats import Report, render

EXIT = {"allow": 0, "deny": 1, "error": 3}
NOBODY = "name a trust policy with --trust-policy, or let `policyengine init` write a sketch of one"
HINTS = {
    "not-found": "compare the name and the tag or digest with what was pushed",
    "unauthorized": "run `docker login` for this registry, or name a file of logins with --registry-config",
    "rate-limited": "wait, log in, or ask with fewer --workers",
    "unreachable": "check the name, the proxy, --ca-file and --plain-http, or try again",
}
"""What to do where an image could not be had, by the code of the reason."""


def run(terminal: Terminal, options: Options) -> int:
    """Decide about every image, report, and answer with the exit code."""
    wanted = outputs(options.outputs, FORMATS)
    decisions = _decisions(terminal, options)
    code = EXIT[worst(decision.decision for decision in decisions)]
    code = 0 if code == 1 and options.no_fail else code
    look = replace(terminal.look(), instant=bool(options.at or options.replay), everything=options.everything)
    report = Report(decisions, look, len(decisions) > 1 or options.listed, code, _summary(wanted))
    for output in sorted(wanted, key=_to_stdout):
        put(terminal, output, render(output.format, report if output.path is None else report.for_file()))
    if Output("github") in wanted:
        tell_github(report)
    return code


def _decisions(terminal: Terminal, options: Options) -> tuple[Decision, ...]:
    """One decision about each image, recorded or replayed where the options say so."""
    if options.record is not None or options.replay is not None:
        from policyengine.cli import recording

        function = recording.recorded if options.replay is None else recording.replayed
        return function(terminal, options)
    images, by = job(terminal, options)
    return all_decided(terminal, options, images, by)


def job(terminal: Terminal, options: Options) -> tuple[list[Image], Terms]:
    """The images, and by what is decided about them."""
    arguments = everything_named(terminal, options)
    at = moment(options.at)
    images = asked(options, arguments.references)
    return images, terms(terminal, options, arguments.policies, at)


def _to_stdout(output: Output) -> bool:
    """Files come first: what cannot be written is known before a verdict is read."""
    return output.path is None


def _summary(wanted: Sequence[Output]) -> str:
    """The file of the Markdown report, as other reports can name it."""
    files = [output.path for output in wanted if output.format == "markdown" and output.path is not None]
    return str(files[0].absolute()) if files else ""


def everything_named(terminal: Terminal, options: Options) -> Arguments:
    """The references and policies of the command line, with the references that files name."""
    if not options.listed:
        return sorted_out(options.arguments, options.policies)
    from policyengine.cli.sources import listed_in

    if options.oci_layout and options.manifests:
        raise UsageError("manifests name images in registries, and --oci-layout asks for layouts", "leave one out")
    listed = listed_in(terminal, options.lists, options.manifests, options.oci_layout)
    return sorted_out(options.arguments, options.policies, listed)


def all_decided(terminal: Terminal, options: Options, images: Sequence[Image], by: Terms) -> tuple[Decision, ...]:
    """The decision about each image; those in registries are asked for at once, as many as there are workers."""
    if not options.oci_layout:
        from policyengine.cli.warming import warm

        warm()
    if len(images) == 1:
        return (decided(terminal, images[0], by, options.fail_on),)
    from policyengine.cli.batch import each
    from policyengine.cli.progress import Progress

    progress = Progress(terminal, len(images))
    try:
        threads = 1 if options.oci_layout else options.workers
        decisions = each(
            images, lambda image: judged(image, by, options.fail_on), threads, lambda d: progress.advance(d.decision)
        )
    finally:
        progress.clear()
    for decision in decisions:
        complain(terminal, decision)
    return tuple(decisions)


def asked(options: Options, references: Sequence[str]) -> list[Image]:
    """Every image once, before any of them is asked for: a wrong reference stops the whole command."""
    check_platform(options)
    if options.oci_layout:
        return in_layouts(list(dict.fromkeys(references)), options.repository, options.platform)
    if options.repository:
        raise UsageError("--repository is for layouts only", "add --oci-layout, or leave it out")
    named = list({str(each): each for each in in_registries(references)}.values())
    if options.offline:
        raise UsageError(f"{named[0].name} is in a registry, and --offline opens no connection", "use --oci-layout")
    repositories = [options.begun] if options.begun is not None else stores(options, named)
    return [Image(Request(each, store, options.platform)) for each, store in zip(named, repositories, strict=True)]


def terms(terminal: Terminal, options: Options, paths: Sequence[str], at: datetime) -> Terms:
    """By what is decided; everything that can be wrong about it is wrong now, before anything is fetched."""
    known = options.premises or premises(options, paths)
    policies, trust = known.policies, known.trust
    for warning in policies.warnings:
        terminal.warn(f"{warning.span.path}:{warning.span.line}: {warning.message}")
    if trust.reason:
        terminal.warn(f"no signature is trusted: {trust.reason}; {NOBODY}")
    policies.settle(options.environment, known.parameters)
    revoked = None if options.offline else asking()
    return Terms(policies, trust, at, options.environment, known.parameters, revoked, options.max_signatures)


def decided(terminal: Terminal, image: Image, terms: Terms, fail_on: str) -> Decision:
    """The decision about one image, as the options want it; that nothing could be evaluated is an error to be said."""
    decision = judged(image, terms, fail_on)
    complain(terminal, decision)
    return decision


def judged(image: Image, terms: Terms, fail_on: str) -> Decision:
    """The decision about one image, as the options want it."""
    decision = decide_about(image.request, terms)
    if image.shown:
        subject = replace(decision.subject, reference=_pinned(image, decision), repository="")
        decision = replace(decision, subject=subject)
    return strengthened(decision) if fail_on == "warn" else decision


def complain(terminal: Terminal, decision: Decision) -> None:
    """Say on standard error why nothing could be evaluated, where that is so."""
    if not decision.rules:
        for reason in decision.reasons:
            error = named(reason.code, f"{decision.subject.reference}: {reason.message}")
            error.help = HINTS.get(reason.code, "")
            terminal.error(error)


def _pinned(image: Image, decision: Decision) -> str:
    digest = decision.subject.digest
    return f"{image.shown}@{digest}" if digest else image.shown


def named(code: str, message: str) -> PolicyEngineError:
    """The error whose class a reason's code names (`not-found` is `NotFound`)."""
    error = PolicyEngineError(message)
    kinds = [PolicyEngineError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__name__.lower() == code.replace("-", ""):
            error.code = kind.code
    return error
