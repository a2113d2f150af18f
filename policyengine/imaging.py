"""The image as rules see it: from its manifest, its place in an index, and its configuration if a rule asks for it."""

from __future__ import annotations

from typing import Any

from policyengine.errors import PolicyEngineError
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Image, Signature
from policyengine.gathering import Gathered
from policyengine.oci import Manifest, Reference
from policyengine.strictjson import JsonError, loads

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
CREATED = "org.opencontainers.image.created"


def image(
    reference: Reference, gathered: Gathered, parent: Gathered | None, signatures: Collection[Signature]
) -> Image:
    """The facts about the image manifest `gathered`; `parent` is the index that it was taken from."""
    descriptor, content = gathered.descriptor, gathered.content
    configuration = _configuration(gathered)
    annotations = dict(content.annotations) if isinstance(content, Manifest) else {}
    settings = configuration.get("config")
    return Image(
        digest=descriptor.digest,
        reference=str(reference),
        registry=reference.registry,
        repository=reference.name,
        media_type=descriptor.media_type,
        size=descriptor.size,
        tag=reference.tag,
        platform=(_entry(descriptor.digest, parent) if parent is not None else None) or _platform(configuration),
        user=_text(settings, "User"),
        base_name=annotations.get(BASE_NAME),
        base_digest=annotations.get(BASE_DIGEST),
        created=instant(_text(configuration, "created") or annotations.get(CREATED) or ""),
        labels=_labels(settings),
        annotations=annotations,
        signatures=signatures,
    )


def stated_platform(gathered: Gathered) -> str | None:
    """`os/architecture[/variant]` as the image's configuration states it; raises why that could not be had."""
    if isinstance(gathered.configuration, PolicyEngineError):
        raise gathered.configuration
    return _platform(_configuration(gathered))


def _entry(digest: str, parent: Gathered) -> str | None:
    """The platform that the index states for one of its manifests."""
    entries = () if isinstance(parent.content, Manifest) else parent.content.manifests
    return next((entry.platform for entry in entries if entry.digest == digest), None)


def _configuration(gathered: Gathered) -> dict[str, Any]:
    """The image's configuration; empty where it was not asked for or is not readable: its fields are unknown then."""
    if not isinstance(gathered.configuration, bytes):
        return {}
    try:
        found = loads(gathered.configuration)
    except JsonError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(fields: Any, name: str) -> str | None:
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, str) else None


def _platform(configuration: dict[str, Any]) -> str | None:
    system, architecture = _text(configuration, "os"), _text(configuration, "architecture")
    if not system or not architecture:
        return None
    return "/".join(part for part in (system, architecture, _text(configuration, "variant")) if part)


def _labels(settings: Any) -> dict[str, str]:
    labels = settings.get("Labels") if isinstance(settings, dict) else None
    return {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}
