"""From documents to collections: which documents count, which are current, and what is not known.

The rules are those of the language reference, section 6, "Current documents", and of principle 2:
what nobody trusted has signed does not exist, unless a policy accepts it unsigned. Since policies may
differ in what they accept, each policy sees its own assembly of the same evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policyengine.evidence.formats import declared_kind
from policyengine.evidence.identity import repeated_findings, separated
from policyengine.evidence.model import Collection, Custom, Gap, Image, Sbom, Scan, Vex

KINDS = ("scan", "sbom", "vex", "provenance")
PLURALS = {"scan": "scans", "sbom": "sboms", "vex": "vexes", "provenance": "provenances"}
Record = Any
NAMELESS = (None, "", "unknown")
"""What stands for the maker of a document that names none."""

BOM = "cyclonedx"
"""How the format of a scan begins that is a list in an SBOM: it knows no fixes, and takes no scan's place that does."""

ONLY_VOUCHED = "of what an index holds only SBOMs and provenance count"
"""Why a scan or a VEX in an index does not count, whoever signed the index."""


class Document(Struct, frozen=True):
    """One referrer that may be evidence.

    `kinds` are the kinds it is or, while it is not read, may be; none means that it is irrelevant, for
    `reason`. `signed` says that a trusted identity signed it; `doubt` that its signatures could not be had.
    `problem` says why it could not be read. `records` are what was read of it; `data` are its bytes where
    a declared kind may want them. `listed` are the digests of all signatures attached to it. `subjects` are
    the digests that the document itself says it is about; `declared` says that some policy declares a kind
    of its artifact type. `attached` is the digest of what it is attached to: the image, or the index that names it.
    `held` says that an index holds it; `vouched` are the kinds for which a signature of that index is enough.
    """

    digest: str
    artifact_type: str
    kinds: frozenset[str] = frozenset()
    records: tuple[Record, ...] = ()
    signed: bool = False
    doubt: Gap | None = None
    problem: Gap | None = None
    reason: str | None = None
    format: str | None = None
    tool: str | None = None
    signatures: Collection[Any] = Collection()
    created: datetime | None = None
    data: bytes | None = None
    listed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    declared: bool = False
    attached: str = ""
    held: bool = False
    vouched: frozenset[str] = frozenset()


class Evidence(Struct, frozen=True):
    """All that was gathered about one image: what `decide` is given.

    `gaps` apply to every kind of document: the referrers could not be listed, for example.
    """

    image: Image
    documents: tuple[Document, ...] = ()
    gaps: tuple[Gap, ...] = ()


class Status(Struct, frozen=True):
    """What became of a document: `used`, `superseded`, `untrusted`, `unreadable` or `irrelevant`, and why."""

    document: Document
    status: str
    kind: str | None = None
    reason: str | None = None


class Declared(Struct, frozen=True):
    """A kind of document that a policy declares; `read` turns a document into its record or raises `EvidenceError`."""

    name: str
    artifact_type: str
    read: Callable[[Document], Custom]


class Assembly(Struct, frozen=True):
    """What one policy may see: the collections by their names, and the status of each document."""

    collections: Mapping[str, Collection[Any]]
    statuses: tuple[Status, ...]


def assemble(evidence: Evidence, accepts: frozenset[str] = frozenset(), declared: Sequence[Declared] = ()) -> Assembly:
    """The collections that a policy sees which accepts the kinds `accepts` unsigned and declares kinds of its own."""
    views = [(number, view) for number, each in enumerate(evidence.documents) for view in _views(each, declared)]
    views = [(number, part) for number, view in views for part in _parts(view, accepts | view.vouched)]
    statuses = [_status(view, accepts | view.vouched) for _, view in views]
    readable = [status for status in statuses if status.status == "used"]
    current = _current([status.document for status in readable])
    statuses = [_superseded(status, {id(record) for record in current}) for status in statuses]
    collections: dict[str, Collection[Any]] = {}
    for kind in (*KINDS, *(each.name for each in declared)):
        records = tuple(_singled(record) for record in current if record.kind == kind)
        collections.update(_collections(kind, records, _gaps(kind, records, statuses, evidence.gaps)))
    return Assembly(collections, _told([number for number, _ in views], statuses))


def _singled(record: Record) -> Record:
    """`record`, of a scan with each finding about one vulnerability."""
    if not isinstance(record, Scan):
        return record
    findings = separated(record.findings.items)
    if findings is record.findings.items:
        return record
    return replace(record, findings=replace(record.findings, items=findings))


def _told(numbers: Sequence[int], statuses: Sequence[Status]) -> tuple[Status, ...]:
    """One status for each document: of its two views the one that is used, else the declared kind's."""
    found: dict[int, Status] = {}
    for number, status in zip(numbers, statuses, strict=True):
        if number not in found or status.status == "used" or found[number].status != "used":
            found[number] = status
    return tuple(found.values())


def _views(document: Document, declared: Sequence[Declared]) -> list[Document]:
    """What `document` is to a policy: of a known kind, of one that the policy declares, or both.

    A declaration says what else documents of a type are, and makes no scan disappear. Only one that reads well, and is
    of no known format, is nothing else. A document of which not even the type is known may be of any kind.
    """
    if not document.artifact_type and document.problem is not None:
        return [replace(document, kinds=document.kinds | {kind.name for kind in declared})]
    own = next((kind for kind in declared if kind.artifact_type == document.artifact_type), None)
    if own is None or not document.declared:
        return [document]
    known = replace(document, kinds=document.kinds - {own.name})
    view = _as_declared(document, own)
    only = not known.kinds or (document.problem is not None and view.problem is None)
    return [view] if only else [known, view]


def _as_declared(document: Document, kind: Declared) -> Document:
    """`document` as one of the declared `kind`."""
    from policyengine.errors import EvidenceError

    view = replace(document, kinds=frozenset({kind.name}))
    if document.data is None:
        return view
    try:
        return replace(view, records=(kind.read(document),), problem=None)
    except EvidenceError as error:
        return replace(view, records=(), problem=Gap(error.message))


def _parts(document: Document, accepts: frozenset[str]) -> list[Document]:
    """What counts of `document`: all of a signed one; of any other the records of kinds that are accepted unsigned.

    A CycloneDX document is an SBOM and may hold VEX statements beside it, for example. What does not count comes first,
    as a part by itself: nobody knows that of it either where its signatures could not be had.
    """
    refused = tuple(record for record in document.records if record.kind not in accepts)
    counted = tuple(record for record in document.records if record.kind in accepts)
    if document.signed or not refused:
        return [document]
    if not counted:
        return [replace(document, records=())]
    return [
        replace(document, records=records, kinds=frozenset(each.kind for each in records))
        for records in (refused, counted)
    ]


def _status(document: Document, accepts: frozenset[str]) -> Status:
    """What a document is worth before others are looked at."""
    kind = next(iter(document.kinds)) if len(document.kinds) == 1 else None
    if not document.kinds:
        return Status(document, "irrelevant", None, document.reason)
    if not document.signed and not document.kinds <= accepts and not _missed(document, accepts):
        return Status(document, "untrusted", kind, _distrust(document))
    if document.problem is not None:
        return Status(document, "unreadable", kind, document.problem.reason)
    return Status(document, "used", kind)


def _missed(document: Document, accepts: frozenset[str]) -> bool:
    """Whether a document cannot be read that is of a kind that is accepted unsigned, or an outage hides what may be."""
    if document.problem is None or not document.kinds & accepts:
        return False
    return document.problem.outside or declared_kind(document.artifact_type) in accepts


def _distrust(document: Document) -> str:
    """Why nobody trusts a document."""
    if document.doubt is not None:
        return document.doubt.reason
    if document.held:
        return (
            ONLY_VOUCHED
            if document.vouched
            else "neither it nor the index that holds it is signed by a trusted identity"
        )
    return "no signature by a trusted identity" if document.listed else "not signed"


def _current(documents: Sequence[Document]) -> tuple[Record, ...]:
    """The records that are not superseded: of one kind and one tool the newest, or all where a time is missing.

    What is attached to an index says less of a platform than what is attached to the platform, so neither supersedes
    the other. What nobody signed may be seen, and hides nothing that somebody trusted signed or vouches for with an
    index; what an index vouches for hides nothing that is signed itself.
    """
    groups: dict[tuple[str, str, str], list[Record]] = {}
    signed = {id(record) for document in documents if document.signed for record in document.records}
    vouched = {id(record) for document in documents for record in document.records if record.kind in document.vouched}
    candidates = [(document.attached, record) for document in documents for record in document.records]
    for number, (attached, record) in enumerate(candidates):
        maker = _maker(record)
        groups.setdefault((attached, record.kind, maker if maker is not None else f"\0{number}"), []).append(record)
    return tuple(record for records in groups.values() for record in _kept(records, signed, signed | vouched))


def _kept(records: list[Record], *trusted: set[int]) -> list[Record]:
    """The newest of all, and the newest of those whose ids are in each of the sets `trusted`."""
    groups = [records, *([record for record in records if id(record) in ids] for ids in trusted)]
    kept = {id(record) for group in groups for record in _newest(group)}
    return [record for record in records if id(record) in kept]


def _maker(record: Record) -> str | None:
    """Who made the record: tool, builder or author. `None` where that is not known: nothing supersedes it."""
    match record:
        case Vex():
            return record.author
        case Custom():
            return record.kind
        case Scan() if record.format.startswith(BOM) and record.tool not in NAMELESS:
            return f"{record.tool}\0{BOM}"
        case _:
            maker = record.tool if isinstance(record, Scan | Sbom) else record.builder
            return str(maker) if maker not in NAMELESS else None


def moment(record: Record) -> datetime | None:
    """The time by which a record is newer or older than another of its kind."""
    match record:
        case Sbom() | Custom():
            return record.created
        case Vex():
            return record.timestamp
        case _:
            found: datetime | None = record.finished
            return found


def _newest(records: list[Record]) -> list[Record]:
    """The newest of `records`, with all that share its document or time; all of them where a time is missing."""
    times = [moment(record) for record in records]
    known = [time for time in times if time is not None]
    if len(known) < len(records):
        return records
    newest = max(known, default=None)
    documents = {record.digest for record, time in zip(records, times, strict=True) if time == newest}
    return [record for record in records if record.digest in documents]


def _superseded(status: Status, current: set[int]) -> Status:
    """`status`, corrected where none of a readable document's records is current."""
    records = status.document.records
    if status.status != "used" or not records or any(id(record) in current for record in records):
        return status
    return Status(status.document, "superseded", status.kind, "a newer document of the same kind and tool is there")


def _gaps(
    kind: str, records: Sequence[Record], statuses: Sequence[Status], everywhere: tuple[Gap, ...]
) -> tuple[Gap, ...]:
    """What is not known of the documents of `kind`."""
    concerned = [status for status in statuses if kind in status.document.kinds]
    gaps = list(everywhere)
    for status in concerned:
        document = status.document
        if status.status == "unreadable" and document.problem is not None:
            gaps.append(_unread(kind, document, document.problem, lone=not records))
        elif status.status == "untrusted" and document.doubt is not None:
            gaps.append(replace(document.doubt, many=False))
    if not records and not gaps and not any(status.status == "used" for status in concerned):
        gaps.append(Gap(f"no usable {kind}: {_explanation(concerned)}"))
    return tuple(gaps)


def _unread(kind: str, document: Document, problem: Gap, lone: bool) -> Gap:
    """The gap that a document of `kind` leaves which is there and cannot be read."""
    name = f"{kind} {document.digest[:19]} cannot be read: {problem.reason}"
    return replace(problem, reason=f"no usable {kind}: {name}" if lone else name, many=False)


def _explanation(concerned: Sequence[Status]) -> str:
    """Why there is no usable document, in words."""
    if not concerned:
        return "none is attached"
    return f"{len(concerned)} found, not signed by a trusted identity"


def _collections(kind: str, records: tuple[Record, ...], gaps: tuple[Gap, ...]) -> dict[str, Collection[Any]]:
    """The collection of a kind's documents, and those of what is in them. What is in an unread document is unknown."""
    collections: dict[str, Collection[Any]] = {PLURALS.get(kind, f"{kind}s"): Collection(records, gaps)}
    inner = tuple(replace(gap, many=True) for gap in gaps)
    if kind == "scan":
        items, known = _inside([scan.findings for scan in records])
        collections["findings"] = Collection(items, (*inner, *known), repeated_findings(items))
    elif kind == "sbom":
        items, known = _inside([sbom.packages for sbom in records])
        collections["packages"] = Collection(items, (*inner, *known))
    return collections


def _inside(parts: Sequence[Collection[Any]]) -> tuple[tuple[Any, ...], tuple[Gap, ...]]:
    """Items and gaps of `parts`, in order."""
    if len(parts) == 1:
        return parts[0].items, parts[0].gaps
    return tuple(i for part in parts for i in part.items), tuple(g for part in parts for g in part.gaps)
