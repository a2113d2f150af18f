"""`eval --record FILE` and `eval --replay FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from msgspec.structs import asdict, replace

from policyengine import limits
from policyengine.cli.asking import Options
from policyengine.cli.evaluation import all_decided, decided, job
from policyengine.cli.images import Image
from policyengine.cli.terminal import Terminal
from policyengine.decision.combine import ALLOW, worst
from policyengine.decision.model import Decision
from policyengine.engine import Request, Terms
from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.recording import replay
from policyengine.recording.archive import Recorded
from policyengine.recording.recorder import Grounds, Recorder
from policyengine.registry.plainfetch import PlainFetch
from policyengine.reports import json
from policyengine.reports.formats import Report
from policyengine.verification.revocation import Revocation

BESIDE = frozenset({"replay", "outputs", "everything", "no_fail", "offline"})
"""The options that may stand beside `--replay`: all others are in the record."""


def recorded(terminal: Terminal, options: Options) -> tuple[Decision, ...]:
    """The decisions about the images; what they depended on goes into the file that `--record` names.

    Revocation is asked about anew: what was kept from earlier runs is in no record.
    """
    path = _place(options.record or "")
    recorder = Recorder()
    images, by = job(terminal, options)
    watched = [_watched(recorder, image) for image in images]
    if by.revoked is not None:
        by = replace(by, revoked=Revocation(recorder.overhear(PlainFetch()), cached=False))
    decisions = all_decided(terminal, options, watched, by)
    told = (by.environment, options.parameters, options.fail_on, by.signatures)
    grounds = Grounds(by.policies, by.trust, by.at, *told)
    recorder.save(path, grounds, _report(decisions))
    return decisions


def _place(text: str) -> Path:
    """Where the record goes; what can be seen to be wrong with it is said before anything is fetched."""
    path = Path(text)
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"cannot write {quoted(text)}: it is not a regular file", "name a file for the record")
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {quoted(text)}: its folder is not there", "make the folder first")
    except (OSError, ValueError):
        raise UsageError(f"cannot write {quoted(text)}: no file can be called so") from None
    return path


def _watched(recorder: Recorder, image: Image) -> Image:
    request = image.request
    store = recorder.watch(request.reference, request.store, request.platform, image.shown)
    return replace(image, request=replace(request, store=store))


def replayed(terminal: Terminal, options: Options) -> tuple[Decision, ...]:
    """The decisions of the record that `--replay` names, reached again from what it holds alone."""
    _refuse_others(options)
    found = Recorded(Path(options.replay or ""))
    by = terms_of(found)
    images = images_of(found)
    decisions = tuple(decided(terminal, image, by, found.record.fail_on) for image in images)
    _compare(terminal, found, decisions)
    return decisions


def _refuse_others(options: Options) -> None:
    """Refuse what the command line says beside a record; settings from elsewhere are of no account."""
    context, plain = click.get_current_context(), _settings(Options(arguments=()))
    changed = [name for name, value in _settings(options).items() if value != plain[name]]
    given = [name for name in changed if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    others = [name for name in given if name not in BESIDE]
    if others:
        names = [opt for param in context.command.params if param.name == others[0] for opt in param.opts]
        what = next((name for name in names if name.startswith("--")), others[0])
        raise UsageError(
            f"--replay takes images, policies and everything else from the record, so {what} cannot be given",
            "leave it out, or leave out --replay",
        )


def _settings(options: Options) -> dict[str, Any]:
    """The options by their names on the command line, those of the login among them."""
    return asdict(options) | asdict(options.identity)


def terms_of(found: Recorded) -> Terms:
    """By what was decided."""
    record = found.record
    policies = replay.policies(found)
    parameters = policies.parameters(record.parameters) if record.parameters else {}
    revoked = None if record.revocation is None else Revocation(replay.fetch(found), cached=False)
    trust, at = replay.trust(found), replay.instant(found)
    return Terms(policies, trust, at, record.environment, parameters, revoked, record.signatures)


def images_of(found: Recorded) -> list[Image]:
    """The images of a record; their stores say what was said then."""
    return [_image(subject) for subject in replay.subjects(found)]


def _image(subject: replay.Subject) -> Image:
    return Image(Request(subject.reference, subject.store, subject.platform), subject.shown)


def _report(decisions: Sequence[Decision]) -> str:
    """The decisions as `-o json` shows them."""
    from policyengine.reports.look import Look

    return json.render(Report(tuple(decisions), Look(), len(decisions) > 1))


def _compare(terminal: Terminal, found: Recorded, decisions: Sequence[Decision]) -> None:
    """Say it where this is another decision than the recorded one.

    The same engine reaches the same decision. Where it reaches a milder one, something is missing from the record
    that nobody asked for any more, so nothing is decided at all: raises `UsageError`.
    """
    from policyengine import __version__

    before = found.needed(found.record.report, limits.RECORD_BYTES)
    if before == _report(decisions).encode("utf-8", "surrogateescape"):
        return
    engine = found.record.engine
    if engine == __version__ and worst(decision.decision for decision in decisions) == ALLOW:
        raise found.refused("what it holds does not give the decision that it states")
    by = "" if engine == __version__ else f": {quoted(engine)} of the engine reached that, and this is {__version__}"
    terminal.warn(f"this is not the recorded decision{by}")
