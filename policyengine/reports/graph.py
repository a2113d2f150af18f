"""The artifacts around an image as a tree, with a verdict at each: what `mermaid` and `html` draw."""

from __future__ import annotations

from msgspec import Struct

from policyengine.decision.model import Decision, DocumentResult, SignatureResult
from policyengine.reports.evidence import MARKS, SIGNATURE_MARKS, image_signatures, short
from policyengine.reports.safe import printable

NODES = 60
"""Artifacts drawn; a picture of more shows nothing."""
TEXT = 60


class Node(Struct, frozen=True):
    """One artifact: its mark (a name of `look.SYMBOLS`), what it is, a line about it, and what refers to it."""

    mark: str
    name: str
    about: str
    children: tuple[Node, ...] = ()


def graph(decision: Decision) -> Node:
    """The image with its signatures and documents, and those with theirs."""
    known = {signature.digest: signature for signature in decision.signatures}
    own = [_signature(signature) for signature in image_signatures(decision)]
    documents = [_document(document, known) for document in decision.evidence if document.status != "irrelevant"]
    children = own + documents
    if len(children) > NODES:
        children = [*children[:NODES], Node("none", f"{len(children) - NODES} more", "")]
    digest = short(decision.subject.digest)
    return Node(
        decision.decision, printable(decision.subject.reference.partition("@")[0], TEXT), digest, tuple(children)
    )


def _signature(signature: SignatureResult) -> Node:
    who = signature.identity if signature.status == "verified" else signature.reason
    mark = SIGNATURE_MARKS.get(signature.status, "none")
    return Node(mark, "signature", printable(who or signature.status, TEXT))


def _document(document: DocumentResult, known: dict[str, SignatureResult]) -> Node:
    signatures = tuple(_signature(known[digest]) for digest in document.signatures[:NODES] if digest in known)
    kind = printable(document.kind or document.artifact_type, TEXT)
    about = document.tool if document.status == "used" else document.reason or document.status
    return Node(MARKS.get(document.status, "none"), kind, printable(about or short(document.digest), TEXT), signatures)
