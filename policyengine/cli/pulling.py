"""What `pull` does: choose the files, name them, and write each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from policyengine import limits
from policyengine.cli.discovering import media_type, size, tell
from policyengine.cli.output import outputs, put
from policyengine.cli.places import Place, Reach, place, reached
from policyengine.cli.terminal import Terminal
from policyengine.cli.transfer import Transfer
from policyengine.errors import PolicyEngineError, TooLarge, UsageError
from policyengine.evidence.problems import quoted
from policyengine.oci import EMPTY_CONFIG, REFERENCE, Descriptor, Index, Manifest
from policyengine.registry.content import Content
from policyengine.registry.discovery import Artifact, discover, fetched
from policyengine.registry.filenames import file_name, suffix
from policyengine.registry.packing import TITLE
from policyengine.registry.store import Whole
from policyengine.registry.writing import checked, write_file
from policyengine.reports.json import dump
from policyengine.reports.look import Page, cells

FORMATS = ("table", "json")
IMAGES = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
"""The media types of configurations that only images have: their layers are no evidence."""
SECONDS = 600.0
"""The time for everything: a gigabyte over a slow line."""


class Options(Struct, frozen=True, kw_only=True):
    """The options of `pull`, as click reads them."""

    reference: str
    to: str = "."
    everything: bool = False
    artifact_type: str | None = None
    depth: int | None = None
    force: bool = False
    oci_layout: bool = False
    outputs: tuple[str, ...] = ()


class File(Struct):
    """One blob with the name that it gets, of one artifact, and whether it was there already."""

    name: str
    blob: Descriptor
    artifact: Artifact
    subject: str
    present: bool = False


def run(terminal: Terminal, options: Options, reach: Reach) -> int:
    """Pull, and say what was pulled."""
    wanted = outputs(options.outputs, FORMATS)
    artifact_type = media_type(options.artifact_type) if options.artifact_type is not None else None
    where, folder = place(options.reference, options.oci_layout), _folder(options.to)
    with reached(where, reach, SECONDS) as (store, _):
        root = fetched(store, where.target)
        if is_image(root) or options.everything:
            root = discover(store, root.descriptor.digest, options.depth)
        files = _files(root, options.everything, artifact_type)
        _check(files, folder, options.force)
        _write(terminal, store, files, folder)
    if artifact_type is not None and not files:
        terminal.warn(f"nothing of the type {quoted(artifact_type)} is attached to it; `discover` shows what is")
    for output in wanted:
        if output.format == "json":
            put(terminal, output, dump(_document(where, root, files, folder)))
        else:
            put(terminal, output, _text(terminal, where, root, files, folder))
    return tell(terminal, root)


def is_image(artifact: Artifact) -> bool:
    """Whether an artifact is a container image, or an index of them."""
    content = artifact.content
    config = content.config if isinstance(content, Manifest) else None
    typed = config is not None and config.media_type in IMAGES and artifact.descriptor.artifact_type in IMAGES
    return isinstance(content, Index) or typed


def _folder(text: str) -> Path:
    folder = Path(text)
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(f"{quoted(text)} is not a folder", "name a folder with --to")
    return folder


# ---------------------------------------------------------------------------- what is pulled


def _files(root: Artifact, everything: bool, artifact_type: str | None) -> list[File]:
    """What to write, each with a name of its own."""
    image = is_image(root)
    if not image and not everything:
        if artifact_type is not None:
            raise UsageError("--artifact-type is for what is attached to an image", "leave it out, or add --all")
        pairs = [(root, "")]
    else:
        pairs = ([] if image else [(root, "")]) + list(_attached(root, artifact_type))
    files: list[File] = []
    taken: dict[str, str] = {}
    for artifact, subject in pairs:
        for blob in _blobs(artifact):
            before = f"{artifact.descriptor.digest.partition(':')[2][:12]}-" if subject else ""
            name = _free(before, blob, taken)
            if taken.setdefault(name.lower(), blob.digest) == blob.digest and name not in {file.name for file in files}:
                files.append(File(name, blob, artifact, subject))
    if sum(file.blob.size for file in files) > limits.TOTAL_BYTES:
        raise TooLarge("what is attached is too large together", "pull one artifact by its digest")
    return files


def _free(before: str, blob: Descriptor, taken: Mapping[str, str]) -> str:
    """A name that no other blob has: by its title, by its digest too, by its whole digest alone."""
    title = file_name(blob.annotations.get(TITLE, ""), blob.digest, blob.media_type)
    hexadecimal = blob.digest.partition(":")[2]
    names = (title, f"{hexadecimal[:12]}-{title}", f"{hexadecimal}{suffix(blob.media_type)}")
    return next(before + name for name in names if taken.get((before + name).lower(), blob.digest) == blob.digest)


def _attached(root: Artifact, artifact_type: str | None) -> Sequence[tuple[Artifact, str]]:
    """What refers to something below the root or is an attestation about it, with the digest of that."""
    pairs = [(each, above.descriptor.digest) for above in root.walk() for each in above.referrers or ()]
    held = (each for each in root.platforms if each.descriptor.is_attestation)
    pairs += [(each, each.descriptor.annotations.get(REFERENCE, root.descriptor.digest)) for each in held]
    real = [(each, subject) for each, subject in pairs if each.content is not None and not each.stray]
    return [pair for pair in real if artifact_type in (None, pair[0].descriptor.artifact_type)]


def _blobs(artifact: Artifact) -> Sequence[Descriptor]:
    """The content of an artifact; the empty layer of one that has none is no content."""
    layers = artifact.content.layers if isinstance(artifact.content, Manifest) else ()
    return [layer for layer in layers if layer.media_type != EMPTY_CONFIG]


def _check(files: Sequence[File], folder: Path, force: bool) -> None:
    """See which files are there; raises `UsageError` for one with another content, and `TooLarge`."""
    for file in files:
        if file.blob.size > limits.DOCUMENT_BYTES:
            raise TooLarge(f"{file.blob.digest} has {file.blob.size} bytes, and the limit is {limits.DOCUMENT_BYTES}")
        path = folder / file.name
        if os.path.lexists(path):
            file.present = _is(path, file.blob)
            if not file.present and (not force or path.is_dir()):
                what = "a folder" if path.is_dir() else "a file with another content"
                raise UsageError(f"{quoted(str(path))} is there: {what}", "pull to another folder, or add --force")


def _is(path: Path, blob: Descriptor) -> bool:
    """Whether a file, which is no link, has the bytes of a blob."""
    from policyengine.registry.content import of_file

    return not path.is_symlink() and path.is_file() and of_file(path).digest == blob.digest


def _write(terminal: Terminal, store: Whole, files: Sequence[File], folder: Path) -> None:
    """Write what is not there, each file when all of its bytes have been checked."""
    transfer = Transfer(terminal, "pulled")

    def write(file: File) -> None:
        content = Content(file.blob.digest, file.blob.size, lambda: store.pieces(file.blob))
        try:
            write_file(folder / file.name, checked(transfer.watched(content)))
        except OSError as fault:
            why = (fault.strerror or "no reason given").lower()
            raise UsageError(f"cannot write {quoted(str(folder / file.name))}: {why}") from None

    try:
        folder.mkdir(parents=True, exist_ok=True)
        results = store.each(write, [file for file in files if not file.present])
    except OSError as fault:
        raise UsageError(f"cannot make the folder {quoted(str(folder))}: {(fault.strerror or '').lower()}") from None
    finally:
        transfer.clear()
    for result in results:
        if isinstance(result, PolicyEngineError):
            raise result


# ---------------------------------------------------------------------------- what came of it


def _document(where: Place, root: Artifact, files: Sequence[File], folder: Path) -> dict[str, Any]:
    return {
        "schemaVersion": "1",
        "reference": where.at(root.descriptor.digest),
        "digest": root.descriptor.digest,
        "files": [
            {
                "file": str(folder / file.name),
                "mediaType": file.blob.media_type,
                "digest": file.blob.digest,
                "size": file.blob.size,
                "present": file.present,
                "artifact": {
                    "digest": file.artifact.descriptor.digest,
                    "artifactType": file.artifact.descriptor.artifact_type,
                    "subject": file.subject or None,
                },
            }
            for file in files
        ],
    }


def _text(terminal: Terminal, where: Place, root: Artifact, files: Sequence[File], folder: Path) -> str:
    page = Page(terminal.look())
    page.line((where.at(root.descriptor.digest), "bold"), wrap=False)
    for file, name in zip(files, cells((str(folder / file.name) for file in files), 200), strict=True):
        there = "  (there already)" if file.present else ""
        about = f"  {file.artifact.descriptor.artifact_type}  {size(file.blob.size)}{there}"
        page.line(page.mark("allow"), f" {name}", about, indent=2, wrap=False)
    if not files:
        page.line(("nothing", "dim"), indent=2)
    return page.text()
