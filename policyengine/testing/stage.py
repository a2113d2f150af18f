"""The stage of one test: its steps, played in order, become the evidence that a decision is made on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from policyengine import limits
from policyengine.errors import EvidenceError, UsageError
from policyengine.evidence.assembly import Document, Evidence
from policyengine.evidence.model import Collection, Gap, Signature
from policyengine.files import bounded
from policyengine.language.checked import CustomKind, GivenRecord, Step
from policyengine.testing.records import Records

HOMES = {"finding": "scan", "package": "sbom"}
"""The document that each inner record belongs to."""


class Draft:
    """A document while its findings or packages are still being given."""

    __slots__ = ("artifact_type", "fields", "inside", "kind", "signed")

    def __init__(self, kind: str, fields: dict[str, Any], artifact_type: str) -> None:
        self.kind = kind
        self.fields = fields
        self.artifact_type = artifact_type
        self.inside: list[Any] = []
        self.signed = bool(fields["signatures"].items)


class Stage:
    """Collects what the steps of a test give. `kinds` are the kinds of documents that its policy declares."""

    def __init__(self, kinds: Mapping[str, CustomKind]) -> None:
        self.kinds = kinds
        self.records = Records(kinds)
        self.image: dict[str, Any] = {}
        self.signatures: list[Signature] = []
        self.unreachable_signatures: tuple[Gap, ...] = ()
        self.documents: list[Draft | Document] = []
        self.absent: set[str] = set()

    def evidence(self) -> Evidence:
        """All that was given."""
        self._contradictions()
        signatures = Collection(tuple(self.signatures), self.unreachable_signatures)
        return Evidence(self.records.image(self.image, signatures), tuple(map(self._finished, self.documents)))

    def play(self, step: Step) -> None:
        """Add what one step gives; raises `PolicyEngineError` for what cannot be given."""
        match step.kind:
            case "record":
                assert step.record is not None
                self._record(step.subject, step.record)
            case "no":
                self.absent.add(step.subject)
            case "unreachable":
                self._unreachable(step.subject)
            case "file":
                self._file(Path(step.span.path).parent / step.path, step.subject)

    def _record(self, kind: str, given: GivenRecord) -> None:
        if kind == "image":
            self.image.update(given.values)
        elif kind == "signature":
            self.signatures.append(self.records.signature(given))
        elif kind in HOMES:
            self._inside(self._home(HOMES[kind]), given)
        else:
            self._document(kind, given.values)

    def _document(self, kind: str, given: Mapping[str, Any]) -> Draft:
        fields = self.records.document(kind, given)
        declared = self.kinds.get(kind)
        draft = Draft(kind, fields, declared.artifact_type if declared else fields.get("artifact_type", kind))
        for inner in given.get("findings", given.get("packages", ())):
            self._inside(draft, inner)
        self.documents.append(draft)
        return draft

    def _home(self, kind: str) -> Draft:
        """The last document of `kind` that was given, or one that is there for what follows."""
        drafts = [draft for draft in self.documents if isinstance(draft, Draft) and draft.kind == kind]
        return drafts[-1] if drafts else self._document(kind, {})

    def _inside(self, draft: Draft, given: GivenRecord) -> None:
        if draft.kind == "scan":
            draft.inside.append(self.records.finding(given, draft.fields))
        else:
            draft.inside.append(self.records.package(given, draft.fields["digest"]))

    def _finished(self, document: Draft | Document) -> Document:
        if isinstance(document, Document):
            return document
        fields = dict(document.fields)
        inside = {"scan": "findings", "sbom": "packages"}.get(document.kind)
        if inside:
            fields[inside] = Collection(tuple(document.inside))
        signatures: Collection[Signature] = fields["signatures"]
        return Document(
            digest=fields["digest"],
            artifact_type=document.artifact_type,
            kinds=frozenset({document.kind}),
            records=(self.records.record(document.kind, fields),),
            signed=document.signed,
            format=fields.get("format"),
            tool=fields.get("tool"),
            signatures=signatures,
            listed=tuple(signature.digest for signature in signatures.items),
        )

    def _unreachable(self, kind: str) -> None:
        """That kind could not be had for a reason outside the artifact."""
        gap = Gap(f"the {kind} could not be fetched: the registry does not answer", outside=True, retry=True)
        if kind == "signature":
            self.unreachable_signatures = (gap,)
            return
        artifact_type = self.kinds[kind].artifact_type if kind in self.kinds else kind
        self.documents.append(
            Document(self.records.digest(), artifact_type, kinds=frozenset({kind}), signed=True, problem=gap)
        )

    def _contradictions(self) -> None:
        """`given no scan` beside a scan is a slip of the author, and one of the two would be ignored."""
        there = {"signature"} if self.signatures or self.image.get("signatures") else set()
        for document in self.documents:
            there |= {document.kind} if isinstance(document, Draft) else document.kinds
        for kind in sorted(self.absent & there):
            raise UsageError(f"the test gives a {kind} and says `given no {kind}`")

    def _file(self, path: Path, kind: str) -> None:
        """A document read by the real readers, as if somebody trusted had signed it."""
        signatures = self.records.signatures({})
        declared = self.kinds.get(kind)
        base = Document(
            digest=self.records.digest(),
            artifact_type=declared.artifact_type if declared else kind,
            kinds=frozenset({kind}),
            signed=True,
            signatures=signatures,
            listed=tuple(signature.digest for signature in signatures.items),
        )
        data = content(path)
        self.documents.append(replace(base, data=data, declared=True) if declared else readings(base, data, kind))


def content(path: Path) -> bytes:
    """The bytes of a test's file; raises `UsageError`."""
    return bounded(path, limits.DOCUMENT_BYTES, f"`{path}`")


def readings(base: Document, data: bytes, kind: str) -> Document:
    """`base` with what its bytes say; what cannot be read stays as unread as in an evaluation."""
    from policyengine.evidence import formats
    from policyengine.evidence.reading import Source

    try:
        reading = formats.read(data, Source(base.digest, base.artifact_type, base.signatures))
    except EvidenceError as error:
        return replace(base, problem=Gap(error.message))
    if reading.kind != kind:
        raise UsageError(f"the file is {reading.format}, which is no {kind}")
    return replace(base, records=reading.records, format=reading.format, tool=reading.tool, warnings=reading.warnings)
