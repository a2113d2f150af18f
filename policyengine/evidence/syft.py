"""What Syft writes: its own JSON, and the snapshot of dependencies in GitHub's form (`--output github-json`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from policyengine.evidence.fields import (
    Record,
    Unreadable,
    array,
    collect_each,
    items,
    member,
    required,
    text,
    texts,
)
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Gap, Package, Sbom
from policyengine.evidence.packages import all_hold, ecosystem, named_by
from policyengine.evidence.reading import Reading, Source


def read(report: Record, source: Source) -> Reading:
    """A report of `syft --output json`."""
    artifacts = array(report, "artifacts")
    descriptor = member(report, "descriptor")
    packages = collect_each(artifacts, lambda each: _artifact(each, source.digest), "artifact")
    version = text(member(report, "schema"), "version") or "unknown"
    made = (text(descriptor, "name") or "syft", text(descriptor, "version"), text(descriptor, "timestamp"))
    return _reading("syft-json", version, packages, made, _subjects(report), source)


def read_snapshot(snapshot: Record, source: Source) -> Reading:
    """A snapshot for GitHub's dependency submission: packages by their package URLs, without licences."""
    manifests = member(snapshot, "manifests")
    listed = (each for manifest in manifests.values() for each in _resolved(manifest))
    packages = collect_each(listed, lambda each: named_by(required(each, "package_url"), source.digest), "dependency")
    if not manifests:
        packages = Collection(gaps=(Gap("the snapshot has no manifest"),))
    detector = member(snapshot, "detector")
    made = (required(detector, "name"), text(detector, "version"), text(snapshot, "scanned"))
    return _reading("github-snapshot", str(snapshot["version"])[:20], packages, made, (), source)


def _reading(
    form: str,
    version: str,
    packages: Collection[Package],
    made: tuple[str, str | None, str | None],
    subjects: tuple[str, ...],
    source: Source,
) -> Reading:
    """The reading; `made` are the tool, its version, and the time as it is written."""
    tool, tool_version, stated = made
    sbom = Sbom(
        format=form,
        version=version,
        digest=source.digest,
        artifact_type=source.artifact_type,
        tool=tool.lower(),
        created=instant(stated) or source.created,
        signatures=source.signatures,
        packages=packages,
    )
    return Reading("sbom", f"{form}-{version}", (sbom,), sbom.tool, tool_version, sbom.created, subjects)


def _artifact(each: Record, document: str) -> Package:
    purl = text(each, "purl")
    declared, concluded = _licenses(each)
    return Package(
        required(each, "name"),
        text(each, "version"),
        ecosystem(purl),
        text(each, "supplier"),
        purl,
        concluded or declared,
        declared,
        concluded,
        "LIBRARY",
        document,
    )


def _licenses(each: Record) -> tuple[str | None, str | None]:
    """Declared and concluded licence; before version 11 of its schema they were texts."""
    declared: list[str] = []
    concluded: list[str] = []
    for entry in items(each, "licenses"):
        if type(entry) is str:
            declared.append(entry)
            continue
        if type(entry) is not dict:
            raise Unreadable("one of its licences is no object")
        stated = text(entry, "spdxExpression") or required(entry, "value")
        (concluded if text(entry, "type") == "concluded" else declared).append(stated)
    return all_hold(declared), all_hold(concluded)


def _subjects(report: Record) -> tuple[str, ...]:
    origin = member(report, "source")
    about: Any = origin.get("metadata") or origin.get("target")
    names = texts(about, "repoDigests") if type(about) is dict else []
    return tuple(name.rpartition("@")[2] for name in names if "@" in name)


def _resolved(manifest: Any) -> Iterable[Any]:
    if type(manifest) is not dict:
        return [manifest]
    return member(manifest, "resolved").values()
