"""SPDX 3.0 as JSON-LD: one list of elements that refer to each other by id.

The context is the published one, so that plain keys mean what they say; no other context is read, and none is
ever fetched.
"""

from __future__ import annotations

from typing import Any

from policyengine.evidence.fields import Record, Unreadable, collect_each, items, required, text
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Gap, Package, Sbom
from policyengine.evidence.packages import ecosystem, mended
from policyengine.evidence.reading import Reading, Source
from policyengine.evidence.spdx import Header, actor, tool_of

_PACKAGES = frozenset(("software_Package", "ai_AIPackage", "dataset_DatasetPackage"))
_RELATIONS = {"hasdeclaredlicense": "declared", "hasconcludedlicense": "concluded"}
_KINDS = {
    "application": "APPLICATION",
    "container": "CONTAINER",
    "file": "FILE",
    "framework": "LIBRARY",
    "library": "LIBRARY",
    "operatingSystem": "OPERATING_SYSTEM",
}
_SETS = {
    "expandedlicensing_ConjunctiveLicenseSet": " AND ",
    "expandedlicensing_DisjunctiveLicenseSet": " OR ",
}
_NONE = {"none": "NONE", "nonelicense": "NONE", "noassertion": "NOASSERTION", "noassertionlicense": "NOASSERTION"}
_LICENSE_DEPTH = 20
_LICENSE_CHARS = 10_000


def read(document: Record, source: Source) -> Reading:
    """An SPDX 3.0 document."""
    graph = _Graph(document["@graph"])
    listed = [element for element in document["@graph"] if _type(element) in _PACKAGES]
    packages = collect_each(listed, lambda each: _package(each, graph, source.digest), "package")
    strange = tuple(Gap("an element of the graph has no type") for each in document["@graph"] if not _type(each))
    if not listed:
        strange = (*strange, Gap("the SPDX document describes no package"))
    created = graph.creation()
    version, stated = text(created, "specVersion") or "unknown", text(created, "created")
    time = instant(stated) or source.created
    tool, tool_version = tool_of(Header(None, None, None, (f"Tool: {text(graph.tool(created), 'name') or ''}",)))
    sbom = Sbom(
        format="spdx-json",
        version=f"SPDX-{version}",
        digest=source.digest,
        artifact_type=source.artifact_type,
        tool=tool,
        created=time,
        signatures=source.signatures,
        packages=Collection(packages.items, (*packages.gaps, *strange)),
    )
    warnings = [] if stated is None or instant(stated) else ["the time of its creation cannot be read"]
    if unread := sum(_type(each).startswith("security_Vex") for each in document["@graph"]):
        warnings.append(f"its {unread} statements about vulnerabilities are not read")
    label, names = f"spdx-json-{version}", graph.license_names()
    return Reading("sbom", label, (sbom,), tool, tool_version, time, (), tuple(warnings), license_names=names)


class _Graph:
    """The elements by their ids, and the licences that relationships give to each."""

    def __init__(self, elements: list[Any]) -> None:
        self._objects = [each for each in elements if type(each) is dict]
        self._by_id = {name: each for each in self._objects if (name := _id(each))}
        self._licenses: dict[tuple[str, str], list[Any]] = {}
        self._expressions: dict[str, str] = {}
        for each in self._objects:
            kind = _RELATIONS.get((text(each, "relationshipType") or "").replace("_", "").lower())
            start = each.get("from")
            if kind and type(start) is str:
                to = each.get("to")
                self._licenses.setdefault((kind, start), []).extend(to if type(to) is list else [to])

    def first(self, name: str) -> Record:
        """The first element of a type; empty without one."""
        return next((each for each in self._objects if _type(each) == name), {})

    def creation(self) -> Record:
        """How the document itself was made. Its elements may be older and have another, as those of Yocto do."""
        return self.resolved(self.first("SpdxDocument").get("creationInfo")) or self.first("CreationInfo")

    def tool(self, creation: Record) -> Record:
        """The first tool that `creation` names; without one, the first of all."""
        used = creation.get("createdUsing")
        return self.resolved(used[0] if type(used) is list and used else used) or self.first("Tool")

    def resolved(self, reference: Any) -> Record:
        """The element that `reference` is or names; empty for one outside the document."""
        if type(reference) is dict:
            return reference
        return self._by_id.get(reference, {}) if type(reference) is str else {}

    def license_names(self) -> dict[str, str]:
        """The names of the licences that expressions call `LicenseRef-…`, for people: nothing depends on them."""
        found: dict[str, str] = {}
        for each in self._objects:
            entries = each.get("simplelicensing_customIdToUri")
            for entry in entries if type(entries) is list else ():
                key = entry.get("key") if type(entry) is dict else None
                name = self.resolved(entry["value"]).get("name") if type(key) is str and "value" in entry else None
                if type(key) is str and type(name) is str and name not in {"", key}:
                    found[key] = name
        return found

    def license(self, kind: str, name: str) -> str | None:
        """The licences of one kind that the element called `name` has; all hold together."""
        stated = [self._written(each, 0) for each in self._licenses.get((kind, name), ())]
        return _joined(stated, " AND ") if stated else None

    def _written(self, reference: Any, depth: int) -> str:
        """A licence element as an expression, worked out once however often it is referred to."""
        if depth > _LICENSE_DEPTH:
            raise Unreadable("its licence is nested too deep")
        if type(reference) is not str:
            return self._expression(reference, depth)
        if reference not in self._expressions:
            self._expressions[reference] = self._expression(reference, depth)
        return self._expressions[reference]

    def _expression(self, reference: Any, depth: int) -> str:
        element = self.resolved(reference)
        kind = _type(element)
        if kind in _SETS:
            return _joined(
                [self._written(each, depth + 1) for each in items(element, "expandedlicensing_member")], _SETS[kind]
            )
        if kind == "expandedlicensing_OrLaterOperator":
            return f"{self._written(element.get('expandedlicensing_subjectLicense'), depth + 1)}+"
        if kind == "expandedlicensing_WithAdditionOperator":
            subject = self._written(element.get("expandedlicensing_subjectExtendableLicense"), depth + 1)
            return f"{subject} WITH {self._written(element.get('expandedlicensing_subjectAddition'), depth + 1)}"
        stated = text(element, "simplelicensing_licenseExpression") or _individual(_id(element) or reference)
        return stated or text(element, "name") or _NONE.get(kind.rpartition("_")[2].lower(), "NOASSERTION")


def _joined(parts: list[str], operator: str) -> str:
    if len(parts) == 1:
        return parts[0]
    written = operator.join(f"({part})" if " " in part else part for part in dict.fromkeys(parts))
    if len(written) > _LICENSE_CHARS:
        raise Unreadable("its licence is too long")
    return written or "NOASSERTION"


def _individual(reference: Any) -> str | None:
    """A licence by its address: of SPDX's list, or the two that stand for none and for no statement."""
    if type(reference) is not str:
        return None
    last = reference.rstrip("/").rpartition("/")[2].removeprefix("expandedlicensing_")
    if "/Licensing/" in reference or reference.startswith("expandedlicensing_"):
        return _NONE.get(last.lower(), "NOASSERTION")
    if reference.startswith(("https://spdx.org/licenses/", "http://spdx.org/licenses/")):
        return _NONE.get(last.lower(), last)
    return None


def _package(each: Record, graph: _Graph, document: str) -> Package:
    name = _id(each)
    version = text(each, "software_packageVersion")
    purl = mended(text(each, "software_packageUrl") or _identified(each, graph), version)
    declared = graph.license("declared", name) if name else None
    concluded = graph.license("concluded", name) if name else None
    purpose = text(each, "software_primaryPurpose")
    return Package(
        required(each, "name"),
        version,
        ecosystem(purl),
        actor(text(graph.resolved(each.get("suppliedBy")), "name")),  # sbom-tool writes SPDX 2's `Organization: …`
        purl,
        concluded if concluded not in {None, "NOASSERTION"} else declared or concluded,
        declared,
        concluded,
        "LIBRARY" if purpose is None else _KINDS.get(purpose, "OTHER"),
        document,
    )


def _identified(each: Record, graph: _Graph) -> str | None:
    """The package URL among the external identifiers, which stand in place or elsewhere in the graph."""
    for reference in items(each, "externalIdentifier"):
        identifier = graph.resolved(reference)
        if text(identifier, "externalIdentifierType") in {"packageUrl", "purl"}:
            return required(identifier, "identifier")
    return None


def _type(element: Any) -> str:
    """The type of an element by its short name."""
    stated = (element.get("type") or element.get("@type")) if type(element) is dict else None
    return stated.rpartition("/")[2] if type(stated) is str else ""


def _id(element: Record) -> str | None:
    name = element.get("spdxId") or element.get("@id")
    return name if type(name) is str else None
