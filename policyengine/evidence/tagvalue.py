"""SPDX 2.x documents as tag-value text (SPDX 2.3, annex "tag-value"), which is what `--format spdx` writes.

Each line is `Tag: value`, a comment, or blank; a value in `<text>…</text>` may span lines. `PackageName`
begins a package, and ends with the next one: all of a package's tags begin with `Package`, but for
`SPDXID`, `ExternalRef` and a few that nobody asks about.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from policyengine.errors import EvidenceError
from policyengine.evidence import spdx
from policyengine.evidence.model import Collection, Gap, Package
from policyengine.evidence.packages import ecosystem, mended
from policyengine.evidence.reading import Reading, Source
from policyengine.strictjson import BOM, quoted

_ONCE = frozenset(
    (
        "PackageVersion",
        "PackageSupplier",
        "PackageLicenseConcluded",
        "PackageLicenseDeclared",
        "PrimaryPackagePurpose",
    )
)
_HEADER_ONCE = frozenset(("SPDXVersion", "DocumentName", "Created"))
_OTHERS = frozenset(("FileName", "SnippetSPDXID", "SnippetSPDXIdentifier", "LicenseID"))
"""Tags that begin something other than a package: an id after them is not that of a package."""

Fields = dict[str, str]


def read(data: bytes, source: Source) -> Reading:
    """An SPDX document in tag-value form. Raises `EvidenceError` with the line that breaks it."""
    header: dict[str, str] = {}
    creators: list[str] = []
    packages: list[Fields] = []
    names: dict[str, str] = {}
    license = ""
    current: Fields | None = None
    for number, tag, value in _lines(_decoded(data)):
        if tag == "PackageName":
            current = {"name": value}
            packages.append(current)
        elif tag in _ONCE or tag in {"ExternalRef", "SPDXID"}:
            _add(packages[-1] if packages and tag in _ONCE else current, tag, value, number)
        elif tag in _OTHERS:
            current, license = None, value
        elif tag == "LicenseName" and value not in {"", "NOASSERTION", license}:
            names.setdefault(license, value)
        elif tag in _HEADER_ONCE:
            _set(header, tag, value, number)
        elif tag == "Creator":
            creators.append(value)
    return replace(_reading(header, creators, packages, source), license_names=names)


def _reading(header: Fields, creators: list[str], packages: list[Fields], source: Source) -> Reading:
    if "SPDXVersion" not in header:
        raise _broken("the SPDX version is empty", 1)
    head = spdx.Header(header.get("SPDXVersion"), header.get("DocumentName"), header.get("Created"), tuple(creators))
    concluded = spdx.licenses_of(head)
    found = tuple(_package(fields, concluded, source.digest) for fields in packages if fields["name"])
    gaps = tuple(Gap("a package has no name", many=False) for fields in packages if not fields["name"])
    if not packages:
        gaps = (Gap("the SPDX document describes no package"),)
    return spdx.reading("tag-value", head, Collection(found, gaps), (), (), source)


def _package(fields: Fields, licenses: spdx.Licenses, document: str) -> Package:
    version = fields.get("PackageVersion")
    purl = mended(fields.get("purl"), version)
    declared, concluded, effective = licenses(
        fields.get("PackageLicenseDeclared"), fields.get("PackageLicenseConcluded")
    )
    purpose = fields.get("PrimaryPackagePurpose")
    return Package(
        fields["name"],
        version,
        ecosystem(purl),
        spdx.actor(fields.get("PackageSupplier")),
        purl,
        effective,
        declared,
        concluded,
        spdx.kind(purpose, fields.get("SPDXID", ""), purl),
        document,
    )


def _add(package: Fields | None, tag: str, value: str, number: int) -> None:
    """Note a package's tag. An id before the first package, or in a file, is not a package's."""
    if package is None:
        if tag in _ONCE:
            raise _broken(f"{tag} stands before the first package", number)
    elif tag == "ExternalRef":
        words = value.split(None, 2)  # a locator has no spaces, but a purl with spaces is somebody's all the same
        if len(words) > 1 and words[1].rpartition("/")[2] == "purl":
            if len(words) < 3:
                raise _broken("the reference to a package URL holds none", number)
            package.setdefault("purl", words[2])
    else:
        _set(package, tag, value, number)


def _set(fields: Fields, tag: str, value: str, number: int) -> None:
    if tag in fields:
        raise _broken(f"{tag} is stated twice", number)
    if value:
        fields[tag] = value


def _decoded(data: bytes) -> str:
    try:
        return data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as fault:
        raise EvidenceError("the text is not UTF-8", offset=fault.start) from None


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Line number, tag and value of each statement."""
    lines = enumerate(text.split("\n"), 1)
    for number, line in lines:
        stripped = line.strip()
        if not stripped or stripped[0] == "#":
            continue
        tag, colon, value = stripped.partition(":")
        if stripped.startswith("Relationship "):
            continue  # spdx-sbom-generator leaves out the colon; nothing here reads what is related to what
        if not colon or not tag.isalnum():
            raise _broken(f"{quoted(stripped)} is no tag with a value", number)
        value = value.strip()
        if value.startswith("<text>"):
            value = _spanned(value[6:], lines, number)
        yield number, tag, value


def _spanned(value: str, lines: Iterator[tuple[int, str]], number: int) -> str:
    """A value in `<text>…</text>`, to its end on this or a later line."""
    parts = [value]
    while "</text>" not in parts[-1]:
        try:
            parts.append(next(lines)[1])
        except StopIteration:
            raise _broken("<text> is never closed", number) from None
    inside, _, after = parts[-1].partition("</text>")
    if after.strip():
        raise _broken("something follows </text>", number)
    return "\n".join([*parts[:-1], inside]).strip()


def _broken(message: str, number: int) -> EvidenceError:
    return EvidenceError(message, line=number)
