"""Build provenance: the predicates of SLSA 0.1, 0.2 and 1."""

from __future__ import annotations

from policyengine.evidence.fields import Record, Unreadable, index, member, records, required, text
from policyengine.evidence.instants import instant
from policyengine.evidence.model import Provenance
from policyengine.evidence.reading import Reading, Source
from policyengine.strictjson import quoted

TYPE = "slsa.dev/provenance/v"

BUILDKIT = "https://github.com/moby/buildkit/"
"""How the type of BuildKit's builds begins."""


def read(predicate: Record, version: str, source: Source) -> Reading:
    """The predicate of a provenance statement; `version` is what follows `…/provenance/v` in its type."""
    if version.startswith("1"):
        record = _current(predicate, source)
    elif version in {"0.1", "0.2"}:
        record = _older(predicate, version, source)
    else:
        raise Unreadable(f"the version {quoted(version)} of SLSA provenance is not known")
    return Reading("provenance", f"slsa-provenance-{version}", (record,), None, None, record.finished)


def _current(predicate: Record, source: Source) -> Provenance:
    definition, details = member(predicate, "buildDefinition"), member(predicate, "runDetails")
    metadata = member(details, "metadata")
    origin = _origin(definition)
    return _provenance(
        _builder(details),
        required(definition, "buildType"),
        origin,
        text(metadata, "startedOn"),
        text(metadata, "finishedOn"),
        source,
    )


def _origin(definition: Record) -> Record:
    """What was built: the source that is stated, else the repository of the workflow, else the first from git."""
    parameters = member(definition, "externalParameters")
    stated = parameters.get("source")
    if type(stated) is dict:
        return stated
    dependencies = records(definition, "resolvedDependencies")
    if type(stated) is str:
        return next((each for each in dependencies if text(each, "uri") == stated), {"uri": stated})
    if (text(definition, "buildType") or "").startswith(BUILDKIT):  # elsewhere whoever builds may name such a parameter
        built = member(parameters, "configSource")
        if text(built, "uri") is not None:  # of a local folder it states the path alone
            return built
    workflow = parameters.get("workflow")
    repository = text(workflow, "repository") if type(workflow) is dict else None
    if repository is not None:
        near = (each for each in dependencies if f"{text(each, 'uri')}@".startswith(f"git+{repository}@"))
        return next(near, {"uri": f"git+{repository}"})
    return next((each for each in dependencies if (text(each, "uri") or "").startswith("git+")), {})


def _older(predicate: Record, version: str, source: Source) -> Provenance:
    recipe = member(predicate, "recipe")
    materials = records(predicate, "materials")
    position = index(recipe, "definedInMaterial") or 0
    origin = member(member(predicate, "invocation"), "configSource")
    if not origin and position < len(materials):
        origin = materials[position]
    metadata = member(predicate, "metadata")
    return _provenance(
        _builder(predicate),
        required(recipe, "type") if version == "0.1" else required(predicate, "buildType"),
        origin,
        text(metadata, "buildStartedOn"),
        text(metadata, "buildFinishedOn"),
        source,
    )


def _builder(holder: Record) -> str:
    """Who built it. BuildKit leaves the text empty unless it is told (`--provenance=builder-id=…`)."""
    builder = member(holder, "builder")
    name = text(builder, "id")
    if name is None:
        raise Unreadable("it names no builder", builder, "id")
    return name


def _provenance(
    builder: str, build_type: str, origin: Record, started: str | None, finished: str | None, source: Source
) -> Provenance:
    return Provenance(
        builder=builder,
        build_type=build_type,
        digest=source.digest,
        artifact_type=source.artifact_type,
        source=text(origin, "uri"),
        source_digest=_digest(member(origin, "digest")),
        started=instant(started),
        finished=instant(finished) or source.created,
        signatures=source.signatures,
    )


def _digest(stated: Record) -> str | None:
    """One of the digests, that of the commit first."""
    for name in ("gitCommit", "sha1", "sha256", *stated):
        value = text(stated, name)
        if value:
            return f"{name}:{value}"
    return None
