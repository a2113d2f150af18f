"""The image as rules see it: from its manifest, its place in an index, and its configuration if a rule asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policyengine.errors import Malformed, PolicyEngineError
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Collection, Image, Signature
from policyengine.gathering import Gathered
from policyengine.oci import Manifest, Reference, parse_json
from policyengine.oci.fields import folded, json_object, text_field

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
CREATED = "org.opencontainers.image.created"

WHAT = "the image's configuration"
CONFIGURATION = folded("architecture", "os", "variant", "created", "config")
SETTINGS = folded("User", "Labels")
"""The names that are read here; another spelling of one is what a container runtime might take instead."""


def image(reference: Reference, gathered: Gathered, platform: str | None, signatures: Collection[Signature]) -> Image:
    """The facts about the image manifest `gathered`; `platform` is what the entry of the index states for it.

    Raises why the configuration could not be had, where a rule asks for it: its fields are then neither there nor
    missing. What it does not say is missing.
    """
    descriptor, content = gathered.descriptor, gathered.content
    configuration = _configuration(gathered)
    annotations = dict(content.annotations) if isinstance(content, Manifest) else {}
    settings = json_object(configuration.get("config") or {}, f"config in {WHAT}", SETTINGS)
    return Image(
        digest=descriptor.digest,
        reference=str(reference),
        registry=reference.registry,
        repository=reference.name,
        media_type=descriptor.media_type,
        size=descriptor.size,
        tag=reference.tag if reference.digest is None else None,  # beside a digest it is only what somebody typed
        platform=platform or _platform(configuration),
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
    return _platform(_configuration(gathered))


def _configuration(gathered: Gathered) -> Mapping[str, Any]:
    """The image's configuration, read as strictly as its manifest; empty where it was not asked for."""
    if gathered.configuration is None:
        return {}
    if isinstance(gathered.configuration, PolicyEngineError):
        raise gathered.configuration
    return json_object(parse_json(gathered.configuration, WHAT), WHAT, CONFIGURATION)


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    """A text; blank is missing, as Docker writes the user of an image that says nothing of one."""
    return text_field(fields, name, WHAT, required=False).strip() or None


def _platform(configuration: Mapping[str, Any]) -> str | None:
    system, architecture = _text(configuration, "os"), _text(configuration, "architecture")
    if not system or not architecture:
        return None
    return "/".join(part for part in (system, architecture, _text(configuration, "variant")) if part)


def _labels(settings: Mapping[str, Any]) -> dict[str, str]:
    """The labels; one without a value is an empty text, as runtimes read it."""
    labels = settings.get("Labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(text, str | None) for text in labels.values()):
        raise Malformed(f"the labels in {WHAT} are not texts")
    return {name: text or "" for name, text in labels.items()}
