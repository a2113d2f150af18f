"""What `attach` does: read the files, make an artifact of them, and push it to where its subject is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.cli.discovering import MEDIA_TYPE, media_type, size
from policyengine.cli.instants import moment
from policyengine.cli.output import outputs, put
from policyengine.cli.places import Place, Reach, place, reached, writer
from policyengine.cli.terminal import Terminal
from policyengine.cli.transfer import Transfer
from policyengine.errors import UsageError
from policyengine.evidence import formats
from policyengine.evidence.problems import quoted
from policyengine.oci import Descriptor, Index, parse_manifest
from policyengine.registry.content import of_file
from policyengine.registry.packing import CREATED, File, Packed, pack
from policyengine.registry.store import Store
from policyengine.reports.instant import rfc3339
from policyengine.reports.json import dump
from policyengine.reports.look import Page

FORMATS = ("table", "json")
SNIFFED_BYTES = 64 * 1024 * 1024
"""A file that is looked into for what it is; a larger one needs its type said."""
SLOWEST = 250_000
"""Bytes a second that an upload is given time for, beyond the first minute."""

TYPES = {
    "sarif": "application/sarif+json",
    "spdx": "application/spdx+json",
    "spdx-tag-value": "text/spdx",
    "cyclonedx": "application/vnd.cyclonedx+json",
    "cyclonedx-xml": "application/vnd.cyclonedx+xml",
    "openvex": "application/openvex+json",
    "csaf": "application/csaf+json",
    "in-toto": "application/vnd.in-toto+json",
    "syft": "application/vnd.syft+json",
    "trivy": "application/vnd.aquasec.trivy.report+json",
}
"""The media types by which documents travel, by the family of formats that their content shows."""


class Options(Struct, frozen=True, kw_only=True):
    """The options of `attach`, as click reads them."""

    reference: str
    files: tuple[str, ...] = ()
    artifact_type: str | None = None
    annotations: tuple[str, ...] = ()
    at: str | None = None
    platform: str | None = None
    oci_layout: bool = False
    outputs: tuple[str, ...] = ()


def run(terminal: Terminal, options: Options, reach: Reach) -> int:
    """Attach the files, and say what came of it."""
    wanted = outputs(options.outputs, FORMATS)
    where = place(options.reference, options.oci_layout)
    annotations = _annotations(options.annotations, created(options.at, os.environ))
    files = _files(options.files)
    if not files and not options.annotations:
        raise UsageError("there is nothing to attach", "name a file, or an annotation with -a KEY=VALUE")
    artifact_type = _artifact_type(options.artifact_type, files)
    seconds = 60 + sum(file.content.size for file in files) / SLOWEST
    with reached(where, reach, seconds) as (store, registry):
        subject = _subject(store, where.target, options.platform)
        packed = pack(subject, artifact_type, files, annotations)
        _push(terminal, where, registry, packed)
    for output in wanted:
        told = _document(where, subject, packed, files)
        put(terminal, output, dump(told) if output.format == "json" else _text(terminal, where, subject, packed, files))
    return 0


def _push(terminal: Terminal, where: Place, registry: Any, packed: Packed) -> None:
    transfer = Transfer(terminal, "sent")
    blobs = [transfer.watched(content) for content in packed.blobs]
    try:
        writer(where, registry).attach(packed.manifest, blobs, packed.descriptor)
    finally:
        transfer.clear()


def _subject(store: Store, target: str, platform: str | None) -> Descriptor:
    """What to attach to: the artifact that is named, or a platform of it."""
    found = store.resolve(target)
    if platform is None:
        return found
    content = parse_manifest(store.manifest(found), found.media_type)
    entries = content.manifests if isinstance(content, Index) else ()
    fitting = [entry for entry in entries if entry.runs_on(platform) and not entry.is_attestation]
    if len(fitting) != 1:
        known = ", ".join(quoted(entry.platform) for entry in entries if entry.platform and not entry.is_attestation)
        number = "no manifest" if not fitting else "several manifests"
        help = f"it has {known}" if known else "leave --platform out"
        raise UsageError(f"{quoted(target[:40])} has {number} for {quoted(platform)}", help)
    return Descriptor(fitting[0].media_type, fitting[0].digest, fitting[0].size)


def created(at: str | None, environment: Mapping[str, str]) -> datetime:
    """The instant that an artifact states as that of its creation; raises `UsageError`."""
    epoch = environment.get("SOURCE_DATE_EPOCH", "")
    if at is None and epoch:
        if not (epoch.isascii() and epoch.isdecimal() and len(epoch) < 12):
            raise UsageError(f"SOURCE_DATE_EPOCH is {quoted(epoch)}, which is no number of seconds")
        return datetime.fromtimestamp(int(epoch), UTC)
    return moment(at)


def _annotations(texts: Sequence[str], at: datetime) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (equals and key):
            raise UsageError(f"{quoted(text)} is not an annotation", "write -a KEY=VALUE")
        if key in found:
            raise UsageError(f"the annotation {quoted(key)} is there twice")
        found[key] = value
    return {CREATED: rfc3339(at), **found}


# ---------------------------------------------------------------------------- files


def _files(texts: Sequence[str]) -> list[File]:
    if len(texts) > limits.LAYERS:
        raise UsageError(f"more than {limits.LAYERS} files do not make one artifact", "attach them one by one")
    files = [_file(text) for text in texts]
    titles = [file.title for file in files]
    for title in titles:
        if titles.count(title) > 1:
            raise UsageError(f"two files are called {quoted(title)}", "rename one of them, or attach it by itself")
    return files


def _file(text: str) -> File:
    """The file that `FILE[:TYPE]` names, read once."""
    path, stated = Path(text), ""
    before, colon, after = text.rpartition(":")
    if not os.path.lexists(text) and colon and ("/" in after or os.path.lexists(before)):
        path, stated = Path(before), after
        if not MEDIA_TYPE.fullmatch(stated):
            raise UsageError(f"{quoted(stated)} is not a media type", f"write {before}:application/json")
    if not os.path.lexists(path):
        raise UsageError(f"there is no file {quoted(str(path))}", "name the files to attach after the reference")
    if path.is_dir():
        raise UsageError(f"{quoted(str(path))} is a folder", "name the files in it")
    if not path.is_file():
        raise UsageError(f"{quoted(str(path))} is not a file")
    content = of_file(path)
    if content.size > limits.DOCUMENT_BYTES:
        raise UsageError(f"{quoted(str(path))} is larger than any document that is read ({size(content.size)})")
    return File(path.name, stated or _shown_type(path, content.size) or _default_type(path), content)


def _shown_type(path: Path, count: int) -> str:
    """The media type of what a file is by its content; empty where that is nothing known."""
    if count > SNIFFED_BYTES:
        return ""
    return TYPES.get(formats.sniff(path.read_bytes()) or "", "")


def _default_type(path: Path) -> str:
    return "application/json" if path.suffix == ".json" else "application/octet-stream"


def _artifact_type(stated: str | None, files: Sequence[File]) -> str:
    """The type of the artifact: as stated, or that of its only file where that is a known document."""
    if stated is not None:
        return media_type(stated)
    if len(files) == 1 and files[0].media_type in TYPES.values():
        return files[0].media_type
    what = f"what {quoted(files[0].title)} is cannot be told from it" if len(files) == 1 else "what it is was not said"
    raise UsageError(what, "say it with --artifact-type, as application/vnd.example.report")


# ---------------------------------------------------------------------------- what came of it


def _document(where: Place, subject: Descriptor, packed: Packed, files: Sequence[File]) -> dict[str, Any]:
    artifact = packed.descriptor
    return {
        "schemaVersion": "1",
        "reference": where.at(artifact.digest),
        "mediaType": artifact.media_type,
        "digest": artifact.digest,
        "size": artifact.size,
        "artifactType": artifact.artifact_type,
        "annotations": dict(artifact.annotations),
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
        "files": [
            {"file": f.title, "mediaType": f.media_type, "digest": f.content.digest, "size": f.content.size}
            for f in files
        ],
    }


def _text(terminal: Terminal, where: Place, subject: Descriptor, packed: Packed, files: Sequence[File]) -> str:
    page = Page(terminal.look())
    page.line(page.mark("allow"), (f" {where.at(packed.descriptor.digest)}", "bold"), wrap=False)
    page.line(f"{packed.descriptor.artifact_type} attached to {subject.digest}", indent=2, wrap=False)
    for file in files:
        page.line(f"{file.title}  {file.media_type}  {size(file.content.size)}", indent=2, wrap=False)
    return page.text()
