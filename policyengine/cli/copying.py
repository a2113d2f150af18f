"""What `copy` does: plan, carry, and say what was carried."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.cli.discovering import size
from policyengine.cli.output import outputs, put
from policyengine.cli.places import Place, Reach, place, reached
from policyengine.cli.terminal import Terminal
from policyengine.cli.transfer import Transfer
from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.oci import Reference, is_digest
from policyengine.registry.copying import Outcome, Plan, Target, copy, planned
from policyengine.reports.json import dump, given
from policyengine.reports.look import Page
from policyengine.reports.wording import plural

FORMATS = ("table", "json")
SECONDS = 3600.0
"""The time for all requests to one registry: an image of tens of gigabytes over an ordinary line."""


class Options(Struct, frozen=True, kw_only=True):
    """The options of `copy`, as click reads them."""

    source: str
    target: str
    from_oci_layout: bool = False
    to_oci_layout: bool = False
    outputs: tuple[str, ...] = ()


class Goal(Struct, frozen=True):
    """Where a copy goes: a folder, or a repository by its name; with a tag or the digest that it must have."""

    place: Place
    tag: str | None
    digest: str | None = None


def run(terminal: Terminal, options: Options, reach: Reach) -> int:
    """Copy, and say what was done."""
    wanted = outputs(options.outputs, FORMATS)
    source = place(options.source, options.from_oci_layout, "--from-oci-layout")
    goal = _goal(options.target, options.to_oci_layout)
    if goal.tag is None and not is_digest(source.target) and goal.digest is None:
        goal = Goal(goal.place, source.target)
    reach.identity.check(each.registry for each in (source, goal.place) if each.registry)
    with reached(source, reach, SECONDS, limits.COPY_BYTES) as (store, _):
        plan = planned(store, source.target)
        digest = plan.root.descriptor.digest
        if goal.digest not in (None, digest):
            raise UsageError(f"the image is {digest}, not {goal.digest}", "leave the digest out of TO")
        outcome = _carried(terminal, reach, store, plan, goal)
    for stray in plan.strays:
        terminal.warn(f"{stray.digest} is listed as attached, but names another subject; it was left out")
    for absent in outcome.absent:
        terminal.warn(f"the layer {absent.digest} is not in the source; images may name such layers")
    for output in wanted:
        document = _document(source, goal, plan, outcome)
        put(terminal, output, dump(document) if output.format == "json" else _text(terminal, goal, plan, outcome))
    return 0


def _carried(terminal: Terminal, reach: Reach, store: Any, plan: Plan, goal: Goal) -> Outcome:
    transfer = Transfer(terminal, "copied")
    try:
        if goal.place.path is not None:
            from policyengine.registry.writing import LayoutWriter

            return copy(store, plan, LayoutWriter.made(goal.place.path), goal.tag, transfer.watched)
        with reach.registry([goal.place.registry], SECONDS) as registry:
            target: Target = registry.pusher(goal.place.name)
            return copy(store, plan, target, goal.tag, transfer.watched)
    finally:
        transfer.clear()


def _goal(text: str, layout: bool) -> Goal:
    """Where the copy goes; raises `InvalidReference` and `UsageError`."""
    if layout:
        return _layout_goal(text)
    if os.path.lexists(text) or text.startswith((".", "/", "~")):
        raise UsageError(f"{quoted(text)} is a path, not a repository", f"write --to-oci-layout {text}")
    if "/" not in text:
        repository = "a copy goes to a folder, or to a repository with its registry"
        raise UsageError(f"{quoted(text)} is neither", f"{repository}: write --to-oci-layout {text}, or HOST/{text}")
    reference = Reference.parse(text)
    return Goal(Place("", reference.name), reference.tag, reference.digest)


def _layout_goal(text: str) -> Goal:
    from policyengine.registry.layout import split_tag

    before, at, digest = text.rpartition("@")
    if at and is_digest(digest):
        text = before
    path, tag = (text, "") if os.path.lexists(text) else split_tag(text)
    if not path:
        raise UsageError(f"{quoted(text)} names no folder", "write --to-oci-layout FOLDER, or FOLDER:TAG")
    return Goal(Place("", path=Path(path)), tag or None, digest if at else None)


def _document(source: Place, goal: Goal, plan: Plan, outcome: Outcome) -> dict[str, Any]:
    root = plan.root.descriptor
    subjects = {part.descriptor.digest: part.content.subject for part in plan.parts}
    return given(
        schemaVersion="1",
        source=source.at(root.digest),
        reference=goal.place.at(root.digest),
        tag=goal.tag,
        mediaType=root.media_type,
        digest=root.digest,
        size=root.size,
        manifests=len(plan.parts),
        blobs={
            "copied": len(outcome.copied),
            "present": len(outcome.present),
            "absent": len(outcome.absent),
            "bytes": sum(blob.size for blob in outcome.copied),
        },
        attached=[
            given(
                digest=each.digest,
                artifactType=each.artifact_type,
                subject=getattr(subjects[each.digest], "digest", None),
            )
            for each in plan.attached
        ],
    )


def _text(terminal: Terminal, goal: Goal, plan: Plan, outcome: Outcome) -> str:
    page = Page(terminal.look())
    tag = f"  (tag {goal.tag})" if goal.tag else ""
    page.line(page.mark("allow"), (f" {goal.place.at(plan.root.descriptor.digest)}", "bold"), tag, wrap=False)
    carried = f"{plural(len(outcome.copied), 'blob')} copied ({size(sum(blob.size for blob in outcome.copied))})"
    there = f", {len(outcome.present)} there already" if outcome.present else ""
    page.line(
        f"{plural(len(plan.parts), 'manifest')}, {len(plan.attached)} of them attached; {carried}{there}", indent=2
    )
    return page.text()
