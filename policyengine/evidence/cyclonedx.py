"""CycloneDX 1.2 to 1.7 in JSON: components, nested ones included, findings, and the statements of a VEX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from msgspec.structs import replace

from policyengine.evidence.fields import Record, Unreadable, collect_each, items, member, records, required, text
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Gap, Package, Sbom, Scan, Vex
from policyengine.evidence.packages import all_hold, ecosystem
from policyengine.evidence.reading import Reading, Source
from policyengine.strictjson import quoted

_VERSION = re.compile(r"1\.[0-7]")
_KINDS = {
    "application": "APPLICATION",
    "framework": "LIBRARY",
    "library": "LIBRARY",
    "container": "CONTAINER",
    "operating-system": "OPERATING_SYSTEM",
    "file": "FILE",
}
_DIGEST = re.compile(r"sha256(?::|%3[Aa]|__)([0-9a-f]{64})(?![0-9a-f])", re.ASCII)  # Xray writes `sha256__…`


def read(bom: Record, source: Source) -> Reading:
    """A CycloneDX document in JSON: an SBOM; without any component a scan or a VEX, if it lists vulnerabilities."""
    return reading("json", required(bom, "specVersion"), bom, source)


def read_mislabelled(bom: Record, source: Source) -> Reading:
    """A CycloneDX document that does not say that it is one."""
    found = read(bom, source)
    return replace(found, warnings=(*found.warnings, "its bomFormat is not CycloneDX"))


def reading(form: str, version: str, bom: Record, source: Source) -> Reading:
    """The reading of a BOM; its XML has been brought into the same shape."""
    if not _VERSION.fullmatch(version):
        raise Unreadable(f"the version {quoted(version)} is not one of CycloneDX 1")
    metadata = member(bom, "metadata")
    stated = text(metadata, "timestamp")
    time = instant(stated) or source.created
    tool, tool_version = _tool(metadata)
    packages = _packages(bom, source.digest)
    sbom = Sbom(
        format=f"cyclonedx-{form}",
        version=version,
        digest=source.digest,
        artifact_type=source.artifact_type,
        tool=tool,
        created=time,
        signatures=source.signatures,
        packages=packages,
    )
    found, warnings = _vex(bom, time, source)
    scan = _scan(bom, sbom, tool_version, source)
    if scan:
        warnings.append("its list of vulnerabilities does not say which have a fix")
    if stated is not None and not instant(stated):
        warnings.append("its timestamp cannot be read")
    if not packages.items and not packages.gaps:
        warnings.append("its list of components is empty")
    bare = next(_listed(bom), None) is None and bool(found or scan)
    result: tuple[Sbom | Scan | Vex, ...] = (*(() if bare else (sbom,)), *scan, *found)
    kind = "sbom" if not bare else "scan" if scan else "vex"
    label = f"cyclonedx-{form}-{version}"
    return Reading(kind, label, result, tool, tool_version, time, _subjects(metadata), tuple(warnings))


def _vex(bom: Record, time: datetime | None, source: Source) -> tuple[tuple[Vex, ...], list[str]]:
    """The statements about vulnerabilities that the BOM lists, and warnings about them."""
    if not bom.get("vulnerabilities"):
        return (), []
    from policyengine.evidence import bomvex, vex

    found = bomvex.statements(bom, time, _references(bom), source)
    return found, list(vex.doubts(found))


def _scan(bom: Record, sbom: Sbom, tool_version: str | None, source: Source) -> tuple[Scan, ...]:
    """The scan that the BOM is where it lists vulnerabilities that nobody analysed."""
    if not bom.get("vulnerabilities"):
        return ()
    from policyengine.evidence import bomscan, bomvex

    if not bomvex.unanalysed(bom):
        return ()
    findings = bomscan.findings(bom, _components(bom, source.digest), sbom.tool, source.digest)
    scan = Scan(
        tool=sbom.tool or bomscan.NO_TOOL,
        format=sbom.format,
        digest=source.digest,
        artifact_type=source.artifact_type,
        tool_version=tool_version,
        finished=sbom.created,
        signatures=source.signatures,
        findings=findings,
    )
    return (scan,)


def _components(bom: Record, document: str) -> dict[str, Package]:
    """The components that can be read by the names that the BOM refers to them by."""
    named = [each for each in _listed(bom) if type(each) is dict and type(each.get("bom-ref")) is str]
    read = collect_each(named, lambda each: (each["bom-ref"], _component(each, document)), "component")
    return dict(read.items)


def _references(bom: Record) -> dict[str, str | None]:
    """The package URLs of the components by the names that the BOM refers to them by; `None` where two share a name."""
    found: dict[str, set[str | None]] = {}
    for each in _listed(bom):
        if type(each) is dict and type(name := each.get("bom-ref")) is str:
            purl = each.get("purl")
            found.setdefault(name, set()).add(purl if type(purl) is str else None)
    return {name: purls.pop() if len(purls) == 1 else None for name, purls in found.items() if purls != {None}}


def _listed(bom: Record) -> Iterator[Any]:
    """All components but the one that the BOM is about; those within it are components too."""
    within = items(member(member(bom, "metadata"), "component"), "components")
    return _flattened(chain(items(bom, "components"), within))


def _packages(bom: Record, document: str) -> Collection[Package]:
    packages = collect_each(_listed(bom), lambda each: _component(each, document), "component")
    if bom.get("components") is None:
        packages = Collection(packages.items, (*packages.gaps, Gap("the BOM has no list of components")))
    return packages


def _flattened(components: Iterable[Any]) -> Iterator[Any]:
    """Components and all components within them, once each, in the order of the document."""
    stack = [iter(components)]
    while stack:
        for component in stack[-1]:
            yield component
            inner = component.get("components") if type(component) is dict else None
            if type(inner) is list:
                stack.append(iter(inner))
                break
            if inner is not None:
                yield [inner]  # of a wrong type: whoever reads it leaves a gap
        else:
            stack.pop()


def _component(each: Record, document: str) -> Package:
    group, name = text(each, "group"), required(each, "name")
    purl = text(each, "purl")
    kind = text(each, "type")
    declared, concluded = _licenses(each)
    supplier = (
        text(member(each, "supplier"), "name") or text(each, "publisher") or text(member(each, "manufacturer"), "name")
    )
    joint = ":" if purl is not None and purl.startswith("pkg:maven/") else "/"
    return Package(
        f"{group}{joint}{name}" if group else name,
        text(each, "version"),
        ecosystem(purl),
        supplier,
        purl,
        concluded or declared,
        declared,
        concluded,
        _KINDS.get(kind, "OTHER") if kind is not None else "LIBRARY",
        document,
    )


# Licences -------------------------------------------------------------------------------------------


def _licenses(component: Record) -> tuple[str | None, str | None]:
    """Declared and concluded licence. Without a word for it (before 1.6) an entry counts as declared.

    The specification gives no operator between several entries: all of them hold.
    """
    declared: list[str] = []
    concluded: list[str] = []
    for entry in records(component, "licenses"):
        choice = member(entry, "license")
        stated = text(entry, "expression") or text(choice, "id") or text(choice, "name") or text(choice, "url")
        stated = stated or ("a licence given as text only" if choice else None)
        stated = stated or "NOASSERTION"  # an empty entry says that there is one, and not which
        word = text(choice or entry, "acknowledgement")
        (concluded if word == "concluded" else declared).append(stated)
    return all_hold(declared), all_hold(concluded)


# About the document ---------------------------------------------------------------------------------


def _tool(metadata: Record) -> tuple[str | None, str | None]:
    """The first tool: in an array until 1.4, in an object of components since 1.5."""
    tools = metadata.get("tools")
    if type(tools) is dict:
        listed = [*records(tools, "components"), *records(tools, "services")] or [tools]  # one tool, without its array
    else:
        listed = records(metadata, "tools")
    for tool in listed:
        name = text(tool, "name")
        if name:
            return name.lower(), text(tool, "version")
    return None, None


def _subjects(metadata: Record) -> tuple[str, ...]:
    """The image digests by which the BOM names what it is about."""
    component = member(metadata, "component")
    return tuple(dict.fromkeys(f"sha256:{digest}" for name in _names(component) for digest in _DIGEST.findall(name)))


def _names(component: Record) -> Iterable[str]:
    yield from (text(component, key) or "" for key in ("purl", "version", "name"))
    for each in records(component, "properties"):
        if text(each, "name") == "aquasecurity:trivy:RepoDigest":
            yield text(each, "value") or ""
