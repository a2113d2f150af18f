"""What `discover` does, and what `tree` shares with it: the graph of artifacts as a tree, a table or JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from policyengine.attestations import PREDICATE, promised
from policyengine.cli.output import outputs, put
from policyengine.cli.places import Place, Reach, kept, place
from policyengine.cli.terminal import Terminal
from policyengine.errors import ContentError, PolicyEngineError, UsageError
from policyengine.evidence.problems import quoted
from policyengine.oci import REFERENCE, Descriptor, Index, Manifest
from policyengine.registry.discovery import Artifact, discover
from policyengine.reports.json import dump, given
from policyengine.reports.look import Page, cells
from policyengine.reports.tree import Line, draw

FORMATS = ("tree", "table", "json")
CREATED = "org.opencontainers.image.created"
MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
"""Type and subtype by RFC 6838, section 4.2, without parameters."""


class Options(Struct, frozen=True, kw_only=True):
    """The options of `discover`, as click reads them."""

    reference: str
    artifact_type: str | None = None
    depth: int | None = None
    oci_layout: bool = False
    no_cache: bool = False
    outputs: tuple[str, ...] = ()


def run(terminal: Terminal, options: Options, reach: Reach) -> int:
    """Show the graph, and say on standard error what of it could not be had."""
    wanted = outputs(options.outputs, FORMATS)
    artifact_type = media_type(options.artifact_type) if options.artifact_type is not None else None
    where = place(options.reference, options.oci_layout)
    with kept(where, reach, options.no_cache) as store:
        root = discover(store, where.target, options.depth)
    empty = root.referrers == [] and not root.platforms
    if artifact_type is not None:
        keep(root, lambda artifact: artifact.descriptor.artifact_type == artifact_type)
    for output in wanted:
        if output.format == "json":
            put(terminal, output, dump({"schemaVersion": "1", **document(root, where)}))
        else:
            put(terminal, output, (_table if output.format == "table" else _tree)(terminal, root, where))
    if artifact_type is not None and not empty and not (root.referrers or root.platforms):
        terminal.warn(f"nothing of the type {quoted(artifact_type)} is attached to it; other things are")
    return tell(terminal, root)


def media_type(text: str) -> str:
    """`text`, if it is a media type; raises `UsageError`."""
    if not MEDIA_TYPE.fullmatch(text):
        raise UsageError(f"{quoted(text)} is not an artifact type", "write a media type, as application/sarif+json")
    return text


def keep(artifact: Artifact, wanted: Callable[[Artifact], bool]) -> bool:
    """Leave only those below `artifact` that are wanted, lead to one that is, or hide whether they do."""
    if artifact.referrers is not None:
        artifact.referrers = [each for each in artifact.referrers if keep(each, wanted)]
    artifact.platforms = [each for each in artifact.platforms if keep(each, wanted)]
    lost = artifact.unlisted is not None or (artifact.error is not None and not artifact.descriptor.artifact_type)
    return bool(wanted(artifact) or artifact.referrers or artifact.platforms or lost)


def tell(terminal: Terminal, root: Artifact) -> int:
    """Say that the graph is not whole, if so; the exit code."""
    problems = root.problems
    if not problems:
        return 0
    worst = next((each for each in problems if not isinstance(each, ContentError)), problems[0])
    count = f" ({len(problems)} times)" if len(problems) > 1 else ""
    told = PolicyEngineError(f"not everything could be had{count}: {worst.message}", worst.help)
    told.code = worst.code
    terminal.error(told)
    return 1 if isinstance(worst, ContentError) else 3


# ---------------------------------------------------------------------------- for people


def kind(artifact: Artifact) -> str:
    """What an artifact calls itself."""
    described = artifact.descriptor
    if described.is_attestation:
        about = described.annotations.get(REFERENCE, "the image")[:19]
        return ": ".join(part for part in (f"attestation of {about}", ", ".join(_kinds(artifact))) if part)
    return described.platform or described.artifact_type or described.media_type


def _kinds(artifact: Artifact) -> list[str]:
    """What documents an attestation says it holds."""
    return sorted(
        {kind for layer in _statements(artifact) if PREDICATE in layer.annotations for kind in promised(layer)}
    )


def _predicates(artifact: Artifact) -> list[str]:
    """The types of the statements in an attestation, as their annotations have them."""
    stated = (layer.annotations.get(PREDICATE, "") for layer in _statements(artifact))
    return [text for text in dict.fromkeys(stated) if text]


def _statements(artifact: Artifact) -> Sequence[Descriptor]:
    held = artifact.descriptor.is_attestation and isinstance(artifact.content, Manifest)
    return artifact.content.layers if held else ()  # type: ignore[union-attr] # a manifest, as was seen


def _tree(terminal: Terminal, root: Artifact, where: Place) -> str:
    page = Page(terminal.look())
    page.line((where.at(root.descriptor.digest), "bold"), wrap=False)
    draw(page, _lines(root))
    if root.referrers == [] and not root.platforms:
        page.line(("nothing", "dim"), indent=2)
    return page.text()


def _lines(artifact: Artifact) -> list[Line]:
    """What stands below an artifact, one line for each."""
    found = [Line("error", "could not be listed", artifact.unlisted.message)] if artifact.unlisted else []
    return found + [_line(each) for each in [*(artifact.referrers or ()), *artifact.platforms]]


def _line(artifact: Artifact) -> Line:
    about = artifact.descriptor.digest
    if artifact.error is not None:
        return Line("error", kind(artifact), f"{about}  {artifact.error.message}")
    if artifact.stray:
        return Line("none", kind(artifact), f"{about}  {artifact.stray}")
    created = artifact.descriptor.annotations.get(CREATED, "")
    told = [about, *([size(artifact.size)] if artifact.size is not None else []), *([created] if created else [])]
    return Line("", kind(artifact), "  ".join(told), tuple(_lines(artifact)))


def size(count: int) -> str:
    """A number of bytes as people read it, in powers of ten."""
    units = iter(("B", "kB", "MB", "GB", "TB"))
    number, unit = float(count), next(units)
    while number >= (1000 if unit == "B" else 999.95) and unit != "TB":
        number, unit = number / 1000, next(units)
    return f"{count} B" if unit == "B" else f"{number:.1f} {unit}"


def _table(terminal: Terminal, root: Artifact, where: Place) -> str:
    """Each artifact on a line, under the one that it is about."""
    page = Page(terminal.look())
    page.line((where.at(root.descriptor.digest), "bold"), wrap=False)
    rows = _rows(root)
    if rows:
        page.blank()
        columns = [
            cells(column, 71) for column in zip(("type", "digest", "size", "created", "about"), *rows, strict=True)
        ]
        for number, row in enumerate(zip(*columns, strict=True)):
            page.line(("  ".join(row), "" if number else "dim"), wrap=False)
    return page.text()


def _rows(root: Artifact) -> list[tuple[str, str, str, str, str]]:
    rows = []
    for artifact in root.walk():
        about = artifact.descriptor.digest[:19] if artifact is not root else "it"
        if artifact.unlisted is not None:
            rows.append(("could not be listed", artifact.unlisted.message, "", "", about))
        for each in [*(artifact.referrers or ()), *artifact.platforms]:
            count = size(each.size) if each.size is not None else "" if each.error is None else "not had"
            created = each.descriptor.annotations.get(CREATED, "")
            rows.append((kind(each), each.descriptor.digest, count, created, about if not each.stray else "another"))
    return rows


# ---------------------------------------------------------------------------- for programs


def document(
    artifact: Artifact, where: Place, more: Callable[[Artifact], dict[str, Any]] | None = None
) -> dict[str, Any]:
    """An artifact with everything below it; `more` adds what is known besides. The names of oras are kept."""
    described = artifact.descriptor
    error = artifact.error
    status = "error" if error is not None else "other-subject" if artifact.stray else None
    return given(
        reference=where.at(described.digest),
        mediaType=described.media_type,
        digest=described.digest,
        size=described.size,
        artifactType=described.artifact_type or None,
        platform=described.platform,
        annotations=dict(described.annotations) or None,
        contentSize=artifact.size,
        predicateTypes=_predicates(artifact) or None,
        created=described.annotations.get(CREATED),
        status=status,
        error=_fault(error),
        **(more(artifact) if more else {}),
        unlisted=_fault(artifact.unlisted),
        referrers=_documents(artifact.referrers, where, more),
        platforms=_documents(artifact.platforms, where, more) if isinstance(artifact.content, Index) else None,
    )


def _documents(artifacts: Sequence[Artifact] | None, where: Place, more: Any) -> list[dict[str, Any]] | None:
    return None if artifacts is None else [document(each, where, more) for each in artifacts]


def _fault(error: PolicyEngineError | None) -> dict[str, Any] | None:
    return None if error is None else {"code": error.code, "message": error.message}
