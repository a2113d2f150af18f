"""What became of one document: its kind, its maker, its time, and the records for rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Finding, Package, Provenance, Sbom, Scan, Severity, Signature, Vex

Record = Scan | Sbom | Provenance | Vex


class Source(Struct, frozen=True):
    """Where a document comes from: what the artifact around it says, already verified or not used.

    `digest` is the artifact's manifest. `created` is the manifest's `org.opencontainers.image.created`
    annotation, else the signing time: the time of a document that states none. `image` are the digests by
    which the image is known, its own and those of the indexes that name it: a VEX may speak of the image.
    """

    digest: str
    artifact_type: str = ""
    signatures: Collection[Signature] = Collection()
    created: datetime | None = None
    image: tuple[str, ...] = ()


class Reading(Struct, frozen=True):
    """A document, read.

    `kind` is "scan", "sbom", "vex", "provenance" or "other" (known, and nothing that rules ask about).
    `format` names format and version ("sarif-2.1.0"). `time` is the instant that the document states, else
    that of its source. `subjects` are the digests that the document itself names as what it is about. `facts`
    are what kinds that a policy declares may ask of a document that is not JSON. `license_names` are those that the
    document gives to licences of its own (`LicenseRef-…`).
    """

    kind: str
    format: str
    records: tuple[Record, ...] = ()
    tool: str | None = None
    tool_version: str | None = None
    time: datetime | None = None
    subjects: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}
    license_names: Mapping[str, str] = {}


def scanned(
    label: str,
    tool: str,
    version: str | None,
    stated: str | None,
    findings: Collection[Finding],
    source: Source,
    subjects: tuple[str, ...] = (),
) -> Reading:
    """The reading of a document that is one scan by one tool; `stated` is the time as the document writes it."""
    time = instant(stated)
    warnings = () if time or not stated else ("the time of the scan cannot be read",)
    scan = Scan(
        tool=tool,
        format=label,
        digest=source.digest,
        artifact_type=source.artifact_type,
        tool_version=version,
        finished=time or source.created,
        signatures=source.signatures,
        findings=findings,
    )
    return Reading("scan", label, (scan,), tool, version, scan.finished, subjects, warnings)


def summarise(reading: Reading) -> dict[str, Any]:
    """The keys of `policyengine read FILE -o json` that come from the document itself."""
    known = {"kind": reading.kind, "format": reading.format, "tool": reading.tool, "toolVersion": reading.tool_version}
    known["created" if reading.kind in {"sbom", "vex"} else "finished"] = _written(reading.time)
    summary: dict[str, Any] = {key: value for key, value in known.items() if value is not None}
    scans = [record for record in reading.records if isinstance(record, Scan)]
    if scans:
        summary.update(_findings([finding for scan in scans for finding in scan.findings.items]))
    sboms = [record for record in reading.records if isinstance(record, Sbom)]
    if sboms:
        summary.update(_packages([package for sbom in sboms for package in sbom.packages.items]))
    if reading.kind in {"vex", "provenance"} or any(isinstance(record, Vex) for record in reading.records):
        summary["statements"] = sum(isinstance(record, Vex | Provenance) for record in reading.records)
    if reading.facts:
        summary["facts"] = reading.facts
    return {**summary, "warnings": [*reading.warnings, *(gap.reason for gap in gaps(reading))]}


def gaps(reading: Reading) -> Iterable[Any]:
    """What is known to be missing in the reading's records."""
    for record in reading.records:
        if isinstance(record, Scan):
            yield from record.findings.gaps
        elif isinstance(record, Sbom):
            yield from record.packages.gaps


def _written(time: datetime | None) -> str | None:
    return time.isoformat().replace("+00:00", "Z") if time else None


def _findings(findings: list[Finding]) -> dict[str, Any]:
    severities = Counter(finding.severity for finding in findings)
    scale: list[Severity | None] = [*sorted(Severity, reverse=True), None]
    return {
        "findings": len(findings),
        "bySeverity": {s.name if s is not None else "UNKNOWN": severities[s] for s in scale if severities[s]},
        "byCategory": dict(sorted(Counter(finding.category for finding in findings).items())),
        "fixable": sum(finding.fix is not None for finding in findings),
        "suppressed": sum(finding.suppressed for finding in findings),
    }


def _packages(packages: list[Package]) -> dict[str, Any]:
    return {
        "packages": len(packages),
        "withPurl": sum(package.purl is not None for package in packages),
        "withLicense": sum(package.license not in {None, "NOASSERTION"} for package in packages),
    }
