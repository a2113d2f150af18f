"""SPDX 2.x documents as JSON, and what both of its texts have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policyengine.evidence.fields import Record, Unreadable, collect_each, is_array, member, records, text
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Gap, Package, Sbom
from policyengine.evidence.packages import ecosystem, mended
from policyengine.evidence.reading import Reading, Source
from policyengine.strictjson import quoted

_VERSION = re.compile(r"SPDX-2\.[0-3]")
_KINDS = {
    "APPLICATION": "APPLICATION",
    "FRAMEWORK": "LIBRARY",
    "LIBRARY": "LIBRARY",
    "CONTAINER": "CONTAINER",
    "OPERATING-SYSTEM": "OPERATING_SYSTEM",
    "OPERATING_SYSTEM": "OPERATING_SYSTEM",
    "FILE": "FILE",
}
_IDS = (
    ("SPDXRef-ContainerImage-", "CONTAINER"),
    ("SPDXRef-DocumentRoot-Image-", "CONTAINER"),
    ("SPDXRef-OperatingSystem-", "OPERATING_SYSTEM"),
    ("SPDXRef-Application-", "APPLICATION"),
)
_DIGEST = re.compile(r"sha256(?::|%3[Aa])([0-9a-f]{64})(?![0-9a-f])", re.ASCII)


class Header(Struct, frozen=True):
    """What an SPDX document says of itself."""

    version: str | None
    name: str | None
    created: str | None
    creators: tuple[str, ...]


def read(document: Record, source: Source) -> Reading:
    """An SPDX 2.x document in JSON."""
    return reading_of(document, "json", source)


def reading_of(document: Record, form: str, source: Source) -> Reading:
    """The reading of an SPDX 2.x document that has the shape of its JSON; `form` is how it is written."""
    creation = member(document, "creationInfo")
    creators = creation.get("creators")
    known = type(creators) is list and all(type(creator) is str for creator in creators)
    header = Header(
        text(document, "spdxVersion"),
        text(document, "name"),
        text(creation, "created"),
        tuple(creators) if known and creators else (),
    )
    listed = document.get("packages")
    if listed is not None and not is_array(listed):
        raise Unreadable('"packages" is not an array', document, "packages")
    concluded = licenses_of(header)
    packages = collect_each(listed or [], lambda each: _package(each, concluded, source.digest), "package")
    if listed is None:
        packages = Collection(gaps=(Gap("the SPDX document has no list of packages"),))
    warnings = () if known or creators is None else ("its creators are not a list of texts",)
    found = reading(form, header, packages, _annotated(listed or []), warnings, source)
    return replace(found, license_names=dict(_license_names(document)))


def _license_names(document: Record) -> Iterable[tuple[str, str]]:
    """The names of the licences that the document describes itself, for people: nothing depends on them."""
    listed = document.get("hasExtractedLicensingInfos")
    for each in listed if type(listed) is list else []:
        licence, name = (each.get("licenseId"), each.get("name")) if type(each) is dict else (None, None)
        if type(licence) is str and type(name) is str and name not in {"", "NOASSERTION", licence}:
            yield licence, name


def reading(
    form: str,
    header: Header,
    packages: Collection[Package],
    annotated: Iterable[str],
    warnings: tuple[str, ...],
    source: Source,
) -> Reading:
    """The reading of an SPDX document in either text. `annotated` are texts that may name the image's digest."""
    if header.version is not None and not _VERSION.fullmatch(header.version):
        raise Unreadable(f"the version {quoted(header.version)} is not one of SPDX 2")
    version = header.version or "unknown"
    tool, tool_version = tool_of(header)
    time = instant(header.created) or source.created
    sbom = Sbom(
        format=f"spdx-{form}",
        version=version,
        digest=source.digest,
        artifact_type=source.artifact_type,
        tool=tool,
        created=time,
        signatures=source.signatures,
        packages=packages,
    )
    told = [*warnings]
    if header.version is None:
        told.append("it does not state its SPDX version")
    if not packages.items and not packages.gaps:
        told.append("its list of packages is empty")
    if header.created is not None and instant(header.created) is None:
        told.append("the time of its creation cannot be read")
    subjects = _subjects(packages.items, (header.name or "", *annotated))
    label = f"spdx-{form}-{version.removeprefix('SPDX-')}"
    return Reading("sbom", label, (sbom,), tool, tool_version, time, subjects, tuple(told))


def _package(each: Record, concluded: Licenses, document: str) -> Package:
    name = text(each, "name")
    if name is None:
        raise Unreadable("it has no name")
    version = text(each, "versionInfo")
    purl = mended(_purl(each), version)
    identifier = text(each, "SPDXID") or ""
    declared, conclusion, effective = concluded(text(each, "licenseDeclared"), text(each, "licenseConcluded"))
    return Package(
        name,
        version,
        ecosystem(purl),
        actor(text(each, "supplier")),
        purl,
        effective,
        declared,
        conclusion,
        kind(text(each, "primaryPackagePurpose"), identifier, purl),
        document,
    )


def _purl(each: Record) -> str | None:
    for reference in records(each, "externalRefs"):
        form = text(reference, "referenceType")
        if form is not None and (form == "purl" or form.endswith("/purl")):
            locator = text(reference, "referenceLocator")
            if locator is None:
                raise Unreadable("its package URL is missing")
            return locator
    return None


def kind(purpose: str | None, identifier: str, purl: str | None) -> str:
    """What kind of thing a package is: by its stated purpose, else as its generator names such packages."""
    if purpose is not None:
        return _KINDS.get(purpose, "OTHER")
    for prefix, known in _IDS:
        if identifier.startswith(prefix):
            return known
    return "CONTAINER" if purl is not None and purl.startswith("pkg:oci/") else "LIBRARY"


def actor(text: str | None) -> str | None:
    """A supplier without the word that says whether it is a person or an organisation."""
    if text is None:
        return None
    for prefix in ("Organization:", "Person:"):
        if text.startswith(prefix):
            return text[len(prefix) :].strip() or None
    return None if text.strip() == "NOASSERTION" else text


class Licenses:
    """Declared, concluded and effective licence, as one generator means them."""

    def __init__(self, none_means_unknown: bool) -> None:
        self._unknown = none_means_unknown

    def __call__(self, declared: str | None, concluded: str | None) -> tuple[str | None, str | None, str | None]:
        """The effective licence is the concluded one, unless that is `NOASSERTION`; else the declared one."""
        if self._unknown:
            declared = "NOASSERTION" if declared == "NONE" else declared
            concluded = "NOASSERTION" if concluded == "NONE" else concluded
        effective = concluded if concluded is not None and concluded != "NOASSERTION" else declared
        return declared, concluded, effective if effective is not None else concluded


def licenses_of(header: Header) -> Licenses:
    """Before 0.55 Trivy wrote `NONE` where it knew nothing."""
    tool, version = tool_of(header)
    numbers = re.match(r"0\.(\d+)", version or "")
    return Licenses(tool == "trivy" and numbers is not None and int(numbers[1]) < 55)


_TOOL = re.compile(r"Tool: *(?P<name>\S.*?)(?:[- ](?P<version>v?\d\S*|dev|[0-9a-f]{40})| \((?P<paren>[^)]*)\))?")


def tool_of(header: Header) -> tuple[str | None, str | None]:
    """The first tool among the creators: its name in lower case, and its version."""
    for creator in header.creators:
        match = _TOOL.fullmatch(creator.strip()[:200])
        if match:
            return match["name"].lower(), match["version"] or match["paren"]
    return None, None


def _subjects(packages: Iterable[Package], names: Iterable[str]) -> tuple[str, ...]:
    """The digests by which a document names the image: in its name, or in the package URL of the image itself."""
    image = next((package for package in packages if package.kind == "CONTAINER"), None)
    said = [*names, *((image.purl or "", image.version or "") if image else ())]
    found = (f"sha256:{digest}" for each in said for digest in _DIGEST.findall(each))
    return tuple(dict.fromkeys(found))


def _annotated(packages: list[Any]) -> Iterable[str]:
    """Trivy's annotations of the image itself, which is the first package, that name its digest in a repository."""
    if packages and type(packages[0]) is dict:
        try:
            comments = [text(each, "comment") or "" for each in records(packages[0], "annotations")]
        except Unreadable:
            return []
        return [comment for comment in comments if comment.startswith("RepoDigest:")]
    return []
