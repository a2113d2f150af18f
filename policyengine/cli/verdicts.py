"""What `tree` does: verify every signature in the graph of artifacts, read every document, and say what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.attestations import STATEMENT
from policyengine.cli.discovering import document, keep, kind, media_type, tell
from policyengine.cli.evaluation import NOBODY
from policyengine.cli.instants import moment
from policyengine.cli.output import outputs, put
from policyengine.cli.places import Place, Reach, kept, place
from policyengine.cli.terminal import Terminal
from policyengine.decision.model import SignatureResult
from policyengine.engine import asking
from policyengine.errors import EvidenceError, Malformed, PolicyEngineError, UsageError
from policyengine.evidence import formats
from policyengine.evidence.model import Gap
from policyengine.evidence.reading import Reading, Source
from policyengine.gathering import SIGNATURE, Part, Signature, Wanted, envelopes, fetch
from policyengine.judging import Case, Judge, Signed
from policyengine.oci import Descriptor, Manifest, Reference
from policyengine.registry.discovery import Artifact, discover
from policyengine.registry.referrers import Failure, Referrer
from policyengine.registry.store import Store
from policyengine.reports.evidence import SIGNATURE_MARKS, by, short
from policyengine.reports.json import dump, given, signature_document
from policyengine.reports.look import Page, cells
from policyengine.reports.tree import Line, draw
from policyengine.verification.trust import Trust

FORMATS = ("tree", "table", "json")


class Options(Struct, frozen=True, kw_only=True):
    """The options of `tree`, as click reads them."""

    reference: str
    artifact_type: str | None = None
    oci_layout: bool = False
    repository: str | None = None
    at: str | None = None
    offline: bool = False
    no_cache: bool = False
    trust_policy: str | None = None
    trust_store: str | None = None
    outputs: tuple[str, ...] = ()


class Verdicts(Struct, frozen=True):
    """What verifying came to: the signatures of each artifact and what became of each, and what documents say."""

    signed: Mapping[str, Signed]
    results: Mapping[str, SignatureResult]
    readings: Mapping[str, Reading | PolicyEngineError]

    def signers(self, digest: str) -> tuple[str, ...]:
        """Who signed an artifact, of those who are trusted."""
        found = self.signed.get(digest)
        results = found.results if found is not None else ()
        return tuple(dict.fromkeys(each.identity or "somebody" for each in results if each.status == "verified"))

    def doubt(self, digest: str) -> Gap | None:
        """Why it is not known whether there are more signatures, if so."""
        found = self.signed.get(digest)
        return next(iter(found.signatures.gaps), None) if found is not None else None


def run(terminal: Terminal, options: Options, reach: Reach) -> int:
    """Show the graph with a verdict at each artifact."""
    wanted = outputs(options.outputs, FORMATS)
    artifact_type = media_type(options.artifact_type) if options.artifact_type is not None else None
    where = _place(options)
    judge = _judge(terminal, options, where)
    with kept(where, reach, options.no_cache) as store:
        root = discover(store, where.target)
        verdicts = verified(root, store, judge)
    code = _code(terminal, root, verdicts)
    if artifact_type is not None:
        keep(root, lambda artifact: artifact.descriptor.artifact_type == artifact_type)
    for output in wanted:
        put(terminal, output, _report(terminal, output.format, root, where, verdicts))
    return code


def _place(options: Options) -> Place:
    where = place(options.reference, options.oci_layout)
    if options.repository and not options.oci_layout:
        raise UsageError("--repository is for layouts only", "add --oci-layout, or leave it out")
    if options.offline and not options.oci_layout:
        raise UsageError(f"{where.name} is in a registry, and --offline opens no connection", "use --oci-layout")
    return where


def _judge(terminal: Terminal, options: Options, where: Place) -> Judge:
    """By what signatures are judged, as for `eval`."""
    repository = Reference.parse(options.repository).name if options.repository else where.name
    trust = Trust.for_evaluation(
        *(Path(path) if path else None for path in (options.trust_policy, options.trust_store))
    )
    if trust.reason:
        terminal.warn(f"no signature is trusted: {trust.reason}; {NOBODY}")
    name = repository or f"/{str((where.path or Path()).absolute()).removeprefix('/')}"
    return Judge(trust, name, moment(options.at), None if options.offline else asking())


def _code(terminal: Terminal, root: Artifact, verdicts: Verdicts) -> int:
    """0 where somebody trusted signed the image, itself or as an index, or each of its platforms."""
    incomplete = tell(terminal, root)
    if incomplete:
        return incomplete
    images = (
        [root.descriptor.digest],
        [each.descriptor.digest for each in root.platforms if not each.descriptor.is_attestation],
    )
    if any(digests and all(verdicts.signers(digest) for digest in digests) for digests in images):
        return 0
    doubts = [verdicts.doubt(digest) for digests in images for digest in digests]
    return 3 if any(doubt is not None and doubt.outside for doubt in doubts) else 1


# ---------------------------------------------------------------------------- verifying and reading


def verified(root: Artifact, store: Store, judge: Judge) -> Verdicts:
    """The verdicts on every artifact of the graph. What is too much to be tried stays unknown, and is said so."""
    wanted = Wanted(trusted=judge.trusted)
    subjects = [each for each in root.walk() if _may_be_signed(each, root)]
    cases = [_case(subject) for subject in subjects]
    fetch(store, [part for case in cases for part in envelopes(case.signatures, wanted)], limits.ENVELOPE_BYTES)
    signed = judge.all_signed(store, cases, wanted)
    known = {subject.descriptor.digest: each for subject, each in zip(subjects, signed, strict=True)}
    results = {result.digest: result for each in signed for result in each.results}
    return Verdicts(known, results, _readings(subjects, store, known))


def _may_be_signed(artifact: Artifact, root: Artifact) -> bool:
    there = artifact.error is None and not artifact.stray
    return artifact is root or (there and artifact.descriptor.artifact_type != SIGNATURE)


def _case(subject: Artifact) -> Case:
    """What claims to sign an artifact."""
    claims = [each for each in subject.referrers or () if not each.stray and _claims(each)]
    unlisted = subject.unlisted
    gaps = (Gap(f"signatures could not be listed: {unlisted.message}", True, many=True),) if unlisted else ()
    return Case(subject.descriptor, [Signature(_found(each)) for each in claims], gaps)


def _claims(artifact: Artifact) -> bool:
    return artifact.descriptor.artifact_type == SIGNATURE or (
        artifact.error is not None and not artifact.descriptor.artifact_type
    )


def _found(artifact: Artifact) -> Referrer | Failure:
    if isinstance(artifact.content, Manifest):
        return Referrer(artifact.descriptor, artifact.content)
    return Failure(artifact.descriptor, artifact.error or Malformed("it is an index, which holds no signature"))


def _readings(
    subjects: Sequence[Artifact], store: Store, signed: Mapping[str, Signed]
) -> dict[str, Reading | PolicyEngineError]:
    """What the documents say: the signed ones whatever their size, others where they are small."""
    parts = {}
    for artifact in subjects:
        for digest, layer in _documents(artifact):
            if signed[artifact.descriptor.digest].signatures.items or layer.size <= limits.EARLY_BYTES:
                parts[digest] = Part(layer)
    fetch(store, parts.values())
    return {digest: _reading(digest, part.content) for digest, part in parts.items()}


def _documents(artifact: Artifact) -> list[tuple[str, Descriptor]]:
    """What is read of an artifact: its only layer by its own digest, or the statements of an attestation by theirs."""
    described, content = artifact.descriptor, artifact.content
    layers = content.layers if isinstance(content, Manifest) else ()
    if described.is_attestation:
        return [(layer.digest, layer) for layer in layers[: limits.LAYERS] if layer.media_type.startswith(STATEMENT)]
    one = content is not None and content.subject is not None and len(layers) == 1
    return [(described.digest, layers[0])] if one and formats.declared_kind(described.artifact_type) else []


def _reading(digest: str, content: bytes | PolicyEngineError | None) -> Reading | PolicyEngineError:
    if not isinstance(content, bytes):
        return content or EvidenceError("it was not fetched")
    try:
        return formats.read(content, Source(digest))
    except EvidenceError as error:
        return error


# ---------------------------------------------------------------------------- what came of it


def _report(terminal: Terminal, form: str, root: Artifact, where: Place, verdicts: Verdicts) -> str:
    if form == "json":
        return dump({"schemaVersion": "1", **document(root, where, lambda artifact: _told(artifact, verdicts))})
    page = Page(terminal.look())
    own = _line(root, verdicts, root)
    page.line(page.mark(own.mark), (f" {where.at(root.descriptor.digest)}", "bold"), f"  {own.text}", hang=4)
    if form == "tree":
        draw(page, own.below)
    else:
        lines = _flat(own.below)
        for line, name in zip(lines, cells(each.name for each in lines), strict=True):
            page.line(page.mark(line.mark), f" {name}  {line.text}", indent=2, hang=4)
    return page.text()


def _flat(lines: Sequence[Line]) -> list[Line]:
    return [each for line in lines for each in (line, *_flat(line.below))]


def _line(artifact: Artifact, verdicts: Verdicts, root: Artifact) -> Line:
    described = artifact.descriptor
    digest = "" if artifact is root else f"{short(described.digest)}  "
    below = tuple(_line(each, verdicts, root) for each in [*(artifact.referrers or ()), *artifact.platforms])
    if described.is_attestation:
        inside = (_statement_line(verdicts.readings.get(name), short(name)) for name, _ in _documents(artifact))
        below = (*inside, *below)
    if artifact.unlisted is not None:
        below = (Line("error", "could not be listed", artifact.unlisted.message), *below)
    if artifact.error is not None:
        return Line("error", kind(artifact), f"{digest}{artifact.error.message}", below)
    if artifact.stray:
        return Line("none", kind(artifact), f"{digest}{artifact.stray}", below)
    if described.artifact_type == SIGNATURE:
        return _signature_line(artifact, verdicts, digest)
    mark, text = _signing(artifact, verdicts, root)
    reading = verdicts.readings.get(described.digest)
    if isinstance(reading, PolicyEngineError):
        return Line("deny", kind(artifact), f"{digest}unreadable: {reading.message}; {text}", below)
    if reading is None:
        return Line(mark, kind(artifact), f"{digest}{text}", below)
    return Line(mark, reading.kind, f"{digest}{_made(reading)}; {text}", below)


def _statement_line(reading: Reading | PolicyEngineError | None, digest: str) -> Line:
    """One statement of an attestation, which is signed with it."""
    if isinstance(reading, PolicyEngineError):
        return Line("deny", "statement", f"{digest}  unreadable: {reading.message}")
    return Line("", reading.kind, f"{digest}  {_made(reading)}") if reading else Line("", "statement", digest)


def _made(reading: Reading) -> str:
    """Who made a document, else what it is."""
    return " ".join(part for part in (reading.tool, reading.tool_version) if part) or reading.format


def _signature_line(artifact: Artifact, verdicts: Verdicts, digest: str) -> Line:
    result = verdicts.results.get(artifact.descriptor.digest)
    if result is None:
        return Line("error", "signature", f"{digest}could not be verified: its envelope could not be had")
    return Line(SIGNATURE_MARKS.get(result.status, "none"), "signature", f"{digest}{by(result)}")


def _signing(artifact: Artifact, verdicts: Verdicts, root: Artifact) -> tuple[str, str]:
    """The mark and the words for who signed an artifact; the platforms of a signed index are signed with it."""
    signers = verdicts.signers(artifact.descriptor.digest)
    if signers:
        return "allow", f"signed by {'; '.join(signers)}"
    named = artifact.descriptor.digest in {each.descriptor.digest for each in root.platforms}
    if named and verdicts.signers(root.descriptor.digest):
        return "allow", "signed with its index"
    doubt = verdicts.doubt(artifact.descriptor.digest)
    if doubt is not None:
        return "undetermined", f"not known whether it is signed: {doubt.reason}"
    return "deny", "not signed by anyone trusted"


def _told(artifact: Artifact, verdicts: Verdicts) -> dict[str, Any]:
    """What JSON says of an artifact besides what `discover` does."""
    described = artifact.descriptor
    result = verdicts.results.get(described.digest)
    doubt = verdicts.doubt(described.digest)
    return given(
        signed=bool(verdicts.signers(described.digest)) if described.digest in verdicts.signed else None,
        signers=list(verdicts.signers(described.digest)) or None,
        doubt=doubt.reason if doubt is not None else None,
        signature=signature_document(result) if result is not None else None,
        **_told_reading(verdicts.readings.get(described.digest)),
        statements=[
            given(digest=digest, **_told_reading(verdicts.readings.get(digest)))
            for digest, _ in (_documents(artifact) if described.is_attestation else ())
        ]
        or None,
    )


def _told_reading(reading: Reading | PolicyEngineError | None) -> dict[str, Any]:
    """What JSON says of a document that was read, or could not be."""
    if isinstance(reading, PolicyEngineError):
        return {"problem": {"code": reading.code, "message": reading.message}}
    if reading is None:
        return {}
    return given(kind=reading.kind, format=reading.format, tool=reading.tool, toolVersion=reading.tool_version)
