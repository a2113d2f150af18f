"""What a decision rests on, for people: each document, whether it counted, and who signed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from policyengine.decision.model import Decision, DocumentResult, SignatureResult
from policyengine.reports.instant import rfc3339
from policyengine.reports.look import Page, cells

MARKS = {"used": "allow", "untrusted": "deny", "unreadable": "deny"}
SIGNATURE_MARKS = {"verified": "allow", "rejected": "deny", "audited": "warn"}
ROWS = 20
"""Rows shown unless all are asked for; an image with more referrers than that is rare, or an attack."""


class Row(Struct, frozen=True):
    """One line: the mark's name, three columns, and a sentence; `details` and `warnings` follow below it."""

    mark: str
    kind: str
    what: str
    digest: str
    text: str
    warnings: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


def show_evidence(page: Page, decision: Decision) -> None:
    """The section on documents and signatures; nothing where there are none."""
    rows = _rows(page, decision)
    if not rows:
        return
    page.blank()
    page.line(("evidence", "bold"), indent=2)
    shown = rows if page.look.everything or page.look.verbose else rows[:ROWS]
    columns = (cells(row.kind for row in shown), cells(row.what for row in shown))
    for row, kind, what in zip(shown, *columns, strict=True):
        _row(page, row, kind, what)
    if len(shown) < len(rows):
        page.line((f"… and {len(rows) - len(shown)} more (--all shows every one)", "dim"), indent=2)


def _row(page: Page, row: Row, kind: str, what: str) -> None:
    digest = (short(row.digest), "dim")
    page.line(page.mark(row.mark), f" {kind}  {what}  ", digest, f"  {row.text}", indent=2, hang=4)
    for detail in row.details if page.look.verbose else ():
        page.line((detail, "dim"), indent=6)
    for warning in row.warnings:
        page.line(("warning: ", "yellow"), warning, indent=6)


def _rows(page: Page, decision: Decision) -> list[Row]:
    """The image's signatures first, then the documents: used ones before those that did not count."""
    signatures = {signature.digest: signature for signature in decision.signatures}
    own = [_signature(signature) for signature in image_signatures(decision)]
    relevant = [d for d in decision.evidence if page.look.verbose or d.status != "irrelevant"]
    order = ("used", "untrusted", "unreadable", "superseded", "irrelevant")
    relevant.sort(key=lambda document: order.index(document.status) if document.status in order else len(order))
    return own + [_document(document, signatures) for document in relevant] + _left_out(decision, relevant)


def image_signatures(decision: Decision) -> Iterator[SignatureResult]:
    """The signatures of the image, and of an index that names it; a document's are told with the document."""
    documents = {document.digest for document in decision.evidence}
    return (signature for signature in decision.signatures if signature.subject not in documents)


def _signature(signature: SignatureResult) -> Row:
    mark = SIGNATURE_MARKS.get(signature.status, "none")
    text = by(signature) + _on(signature.platform)
    return Row(mark, "signature", signature.format, signature.digest, text, details=tuple(_details(signature)))


def _details(signature: SignatureResult) -> Iterator[str]:
    """What was checked of a signature, what it states, and who was asked about its certificates."""
    yield ", ".join(f"{name} {result}" for name, result in signature.checks.items())
    stated = {
        "trust policy": signature.trust_policy,
        "signed at": signature.signed_at and rfc3339(signature.signed_at),
        "expires": signature.expires and rfc3339(signature.expires),
        "timestamped at": signature.timestamped_at and rfc3339(signature.timestamped_at),
    }
    said = [f"{name} {value}" for name, value in stated.items() if value]
    if said:
        yield ", ".join(said)
    for answer in signature.revocation:
        reason = f": {answer.reason}" if answer.reason else ""
        until = f" until {rfc3339(answer.next_update)}" if answer.next_update else ""
        yield f"{answer.kind} {answer.url} on {answer.certificate}: {answer.answer}{until}{reason}"


def by(signature: SignatureResult) -> str:
    """Who signed, or why the signature does not count."""
    who = f" by {signature.identity}" if signature.identity else ""
    why = f": {signature.reason}" if signature.reason else ""
    return f"signed{who}" if signature.status == "verified" else f"{signature.status}{why}"


def _document(document: DocumentResult, signatures: Mapping[str, SignatureResult]) -> Row:
    status = "" if document.status == "used" else document.status
    parts = [f"{status}: {document.reason}" if document.reason else status] if status else []
    known = [signatures[digest] for digest in document.signatures if digest in signatures]
    counting = [signature for signature in known if signature.status == "verified"]
    parts += [by(signature) for signature in counting or known]
    if document.status in ("used", "superseded") and not known:
        parts.append("not signed")
    what = " ".join(part for part in (document.tool, document.format) if part)
    details = tuple(detail for signature in known for detail in _details(signature))
    text = "; ".join(dict.fromkeys(parts)) + _on(document.platform)
    kind = document.kind or document.artifact_type
    return Row(MARKS.get(document.status, "none"), kind, what, document.digest, text, document.warnings, details)


def _on(platform: str | None) -> str:
    return f"  [{platform}]" if platform else ""


def _left_out(decision: Decision, shown: Sequence[DocumentResult]) -> list[Row]:
    number = len(decision.evidence) - len(shown)
    text = "no rule asks for it" if number == 1 else "no rule asks for them"
    return [Row("none", f"{number} more", "", "", f"{text} (-v names them)" if number else "")] if number else []


def short(digest: str) -> str:
    """A digest cut to what tells it apart: `sha256:0123456789ab`."""
    algorithm, colon, value = digest.partition(":")
    return f"{algorithm}{colon}{value[:12]}"
