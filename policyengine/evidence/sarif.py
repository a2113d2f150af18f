"""SARIF 2.1.0 logs: one scan for each tool in the log.

A run without results is a run that failed (section 3.14.23), never one that found nothing. All runs count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from policyengine.evidence import scanners
from policyengine.evidence.fields import (
    Record,
    Unreadable,
    collect,
    flag,
    is_array,
    items,
    member,
    records,
    text,
    texts,
)
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Finding, Gap, Scan
from policyengine.evidence.reading import Reading, Source
from policyengine.evidence.results import Result, Rules, is_failure, is_suppressed, level, message, overrides, place
from policyengine.strictjson import quoted

FORMAT = "sarif-2.1.0"


class Run(Struct):
    """One run, read, with the object that it was read from. `finished` is what the run itself states."""

    record: Record
    tool: str
    version: str | None
    finished: datetime | None
    findings: Collection[Finding]
    failed: str | None
    subjects: tuple[str, ...]
    absent: int


def read(log: Record, source: Source) -> Reading:
    """A SARIF log. Raises `Unreadable` for one without a run, and where all runs of a tool failed."""
    version = text(log, "version")
    if version != "2.1.0":
        raise Unreadable(f"the SARIF version is {quoted(version or '')}, and 2.1.0 is the one that is read")
    if any(external.get("results") for external in records(log, "inlineExternalProperties")):
        raise Unreadable("it keeps results apart from their run", log, "inlineExternalProperties")
    found = [_run(run, source) for run in records(log, "runs")]
    if not found:
        raise Unreadable("the SARIF log has no run: nothing was scanned", log, "runs")
    tools = dict.fromkeys(run.tool for run in found)
    scans = tuple(_scan([run for run in found if run.tool == tool], source) for tool in tools)
    subjects = tuple(dict.fromkeys(subject for run in found for subject in run.subjects))
    warnings = (*_absent(sum(run.absent for run in found)), *_unfixed(scans))
    times = [scan.finished for scan in scans if scan.finished]
    return Reading(
        "scan", FORMAT, scans, ", ".join(tools), found[0].version, min(times, default=None), subjects, warnings
    )


def _scan(runs: list[Run], source: Source) -> Scan:
    """All runs of one tool as one scan, which is as old as its oldest run."""
    reasons = [run.failed for run in runs if run.failed]
    if len(reasons) == len(runs) and not any(run.findings.items for run in runs):
        raise Unreadable(reasons[0], runs[0].record, "results")
    times = [run.finished or source.created for run in runs]
    known = [time for time in times if time is not None]
    return Scan(
        tool=runs[0].tool,
        format=FORMAT,
        digest=source.digest,
        artifact_type=source.artifact_type,
        tool_version=runs[0].version,
        finished=min(known) if len(known) == len(times) else None,
        signatures=source.signatures,
        findings=Collection(
            tuple(finding for run in runs for finding in run.findings.items),
            (*(gap for run in runs for gap in run.findings.gaps), *(Gap(reason) for reason in reasons)),
        ),
    )


def _run(run: Record, source: Source) -> Run:
    tool = member(run, "tool")
    driver = member(tool, "driver")
    written = text(driver, "name") or ""
    name, adapter = scanners.known(written)
    results = run.get("results")
    if results is not None and not is_array(results):
        raise Unreadable('"results" is not an array', run, "results")
    resolve = _Resolver(run, tool, name, source.digest)
    findings = collect(results or [], lambda result: resolve.findings(result, adapter), "result", many=name == "sysdig")
    elsewhere = _external(member(run, "externalPropertyFileReferences"), "results", "driver", "extensions")
    missing = tuple(Gap(reason) for reason in (*elsewhere, *_incomplete(run, written)))
    return Run(
        record=run,
        tool=name,
        version=text(driver, "version") or text(driver, "semanticVersion"),
        finished=_finished(run),
        findings=Collection(findings.items, (*findings.gaps, *missing)),
        failed=_failure(run, written),
        subjects=_subjects(member(run, "properties")),
        absent=resolve.absent,
    )


class _Resolver:
    """What all results of a run share."""

    def __init__(self, run: Record, tool: Record, name: str, document: str) -> None:
        self._tool, self._name, self._document = tool, name, document
        self._rules = Rules(tool)
        self._overrides = overrides(run)
        self._artifacts = items(run, "artifacts")
        self._memory: dict[int, dict[Any, Any]] = {}  # what was found in each rule, by the rule's identity
        self.absent = 0  # results that an earlier run had and this one has not

    def findings(self, result: Record, adapter: scanners.Adapter) -> Iterable[Finding]:
        self.absent += result.get("baselineState") == "absent"
        if not is_failure(result):
            return ()
        name, rule = self._rules.of(result)
        location, line = place(result, self._artifacts)
        return adapter(
            Result(
                data=result,
                id=name,
                rule=rule,
                level=level(result, rule, self._overrides),
                message=message(result, rule, self._tool),
                location=location,
                line=line,
                suppressed=is_suppressed(result),
                tool=self._name,
                document=self._document,
                memory=self._memory.setdefault(id(rule), {}),
            )
        )


def _failure(run: Record, tool: str) -> str | None:
    """Why the run's results are not all there are, or `None`."""
    if run.get("results") is None:
        return f"the run of {quoted(tool)} has no results: it failed (SARIF 2.1.0, section 3.14.23)"
    if any(flag(invocation, "executionSuccessful") is False for invocation in records(run, "invocations")):
        return f"the run of {quoted(tool)} says that it did not succeed"
    return None


def _incomplete(run: Record, tool: str) -> tuple[str, ...]:
    """Why results may be missing from a run that ended well: errors that it tells of (SARIF 2.1.0, appendix I)."""
    told = sum(
        text(notice, "level") == "error"
        for invocation in records(run, "invocations")
        for key in ("toolExecutionNotifications", "toolConfigurationNotifications")
        for notice in records(invocation, key)
    )
    return (f"the run of {quoted(tool)} told of {told} errors: results may be missing",) if told else ()


def _finished(run: Record) -> datetime | None:
    """When the run ended: its last invocation's end, or the instant that ends Snyk's name of the run."""
    ends = [instant(text(invocation, "endTimeUtc"), zone="Z") for invocation in records(run, "invocations")]
    known = [end for end in ends if end is not None]
    return max(known) if known else instant(_named(run))


def _named(run: Record) -> str | None:
    """The last part of the run's name, where Snyk puts the time."""
    name = text(member(run, "automationDetails"), "id")
    return name.rpartition("/")[2] if name else None


_DIGEST = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})", re.ASCII)


def _subjects(properties: Record) -> tuple[str, ...]:
    """The image digests that a run names: Trivy's `repoDigests`, Sysdig's `digest`."""
    names = [name.rpartition("@")[2] for name in texts(properties, "repoDigests")]
    digest = properties.get("digest")
    return tuple(name for name in (*names, digest) if type(name) is str and _DIGEST.fullmatch(name))


def _external(holder: Record, *keys: str) -> tuple[str, ...]:
    return tuple(f"its {key} are kept in another file" for key in keys if holder.get(key))


def _unfixed(scans: Iterable[Scan]) -> tuple[str, ...]:
    """Tools that leave open whether a vulnerability has a fix: a rule about fixes sees none."""
    return tuple(
        f"{quoted(scan.tool)} does not say of every vulnerability whether it has a fix"
        for scan in scans
        if scan.tool not in scanners.SAYS_FIXES
        and any(found.fix is None and found.category == "VULNERABILITY" for found in scan.findings.items)
    )


def _absent(count: int) -> tuple[str, ...]:
    """Results that an earlier run had and this one has not still count: a key must not hide a finding."""
    return (f"{count} results are marked as absent since an earlier run, and count all the same",) if count else ()
