"""Attestations that an image's index holds: what BuildKit states about a platform's build, listed beside the platform.

The entry of an attestation is marked, and an annotation names the manifest in the index that it is about (BuildKit,
"Image Attestation Storage"). Whoever signed the index signed both. So an SBOM or provenance in it counts as if it were
attached to the platform, and a signature of the index counts like one of its own (decision 17 in docs/adr).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from policyengine.errors import Malformed, PolicyEngineError
from policyengine.oci import IN_TOTO, Descriptor, Manifest, parse_manifest
from policyengine.registry.referrers import IRRELEVANT, Failure, Found, Referrer, Stray
from policyengine.registry.referrers import examine as referring
from policyengine.registry.store import Store

KINDS = frozenset({"sbom", "provenance"})
"""What a build says of itself, which is all that counts of what an index holds. Whoever writes the build's instructions
can put anything there; a scan or a VEX is the judgement of others, and counts if it is attached and signed by them."""

STATEMENT = IN_TOTO.removesuffix("+json")
"""How the media types of statements begin, by themselves or in an envelope."""
PREDICATE = "in-toto.io/predicate-type"
"""The annotation of a layer that says of which predicate type its statement is."""
PREDICATES = (
    ("https://slsa.dev/provenance/", "provenance"),
    ("https://spdx.dev/Document", "sbom"),
    ("https://cyclonedx.org/", "sbom"),
)
"""How predicate types begin, and the kind of document that they are."""


class Held(Struct, frozen=True):
    """An attestation about the manifest with the digest `about`; the innermost of `indexes` lists it as `entry`.

    `indexes` are digests, the outermost first; `claimed` says that one of them has a signature, verified or not.
    """

    entry: Descriptor
    about: str
    indexes: tuple[str, ...]
    claimed: bool = False


class Candidate(Struct, frozen=True):
    """What may be evidence about a manifest: a listed referrer (`hint`), an attestation (`held`), or both."""

    hint: Descriptor | None
    held: Held | None = None

    @property
    def descriptor(self) -> Descriptor:
        """What it is fetched by: the list of referrers goes first, so that no index hides a referrer."""
        return self.hint or self.held.entry  # type: ignore[union-attr] # it is one of the two

    def may_be(self, kinds: frozenset[str], promised: Callable[[str], frozenset[str]]) -> bool:
        """Whether it may be a document; `promised` gives the wanted kinds that an artifact type may hold."""
        untyped = self.hint is not None and not self.hint.artifact_type
        held = self.held is not None and bool(kinds & KINDS)
        return untyped or held or (self.hint is not None and bool(promised(self.hint.artifact_type)))

    def examine(
        self, store: Store, subject: str, relevant: Callable[[str], bool], kinds: frozenset[str]
    ) -> tuple[Found, bool]:
        """What it turns out to be, and whether it is a referrer of the digest `subject`."""
        if self.hint is not None:
            found = referring(store, subject, self.hint, relevant)
            if self.held is None or not isinstance(found, Stray):
                return found, True
        assert self.held is not None
        return examine(store, self.held, kinds), False


def candidates(hints: Sequence[Descriptor], held: Sequence[Held]) -> list[Candidate]:
    """The listed `hints`, and what an index holds beside them."""
    inside = {each.entry.digest: each for each in held}
    listed = [Candidate(hint, inside.pop(hint.digest, None)) for hint in hints]
    return [*listed, *(Candidate(None, each) for each in inside.values())]


def promised(layer: Descriptor) -> frozenset[str]:
    """The kinds of documents that a layer may hold: both where no annotation says it, as under Docker's media types."""
    if not layer.media_type.startswith(STATEMENT):
        return frozenset()
    predicate = layer.annotations.get(PREDICATE, "")
    return frozenset(kind for begin, kind in PREDICATES if predicate.startswith(begin)) if predicate else KINDS


def examine(store: Store, held: Held, kinds: frozenset[str]) -> Found:
    """What the attestation turns out to be, if documents of `kinds` are asked for."""
    entry = _described(held.entry)
    if not kinds & KINDS:
        return Stray(entry, IRRELEVANT)
    try:
        manifest = parse_manifest(store.manifest(held.entry), held.entry.media_type)
    except PolicyEngineError as error:
        return Failure(entry, error)
    if not isinstance(manifest, Manifest):
        return Failure(entry, Malformed(f"the attestation {entry.digest} is an index, which holds no statement"))
    if not any(promised(layer) & kinds for layer in manifest.layers):
        return Stray(entry, "it holds no statement that a rule asks for")
    return Referrer(_described(held.entry, manifest), manifest)


def _described(entry: Descriptor, manifest: Manifest | None = None) -> Descriptor:
    """The entry, with the media type of statements for its artifact type."""
    annotations = manifest.annotations if manifest is not None else {}
    return Descriptor(entry.media_type, entry.digest, entry.size, IN_TOTO, annotations)
