"""Images and what is attached to them, made in memory: served by the simulator, or written as a layout."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from policyengine.oci import OCI_INDEX, OCI_MANIFEST, Descriptor, digest_of
from policyengine.registry.referrers import referrers_tag

SIGNATURE = "application/vnd.cncf.notary.signature"
SARIF = "application/sarif+json"
SPDX = "application/spdx+json"


class Content:
    """The blobs, manifests and tags of one repository."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.listed: dict[str, list[dict[str, Any]]] = {}

    def blob(self, data: bytes, media_type: str = "application/octet-stream") -> dict[str, Any]:
        digest = digest_of(data)
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def put(self, document: dict[str, Any], tag: str | None = None) -> dict[str, Any]:
        """Store a manifest or an index; one with a subject is listed as its referrer."""
        entry = self.blob(json.dumps(document).encode(), document["mediaType"])
        return self.register(entry, document, tag)

    def register(self, entry: dict[str, Any], document: dict[str, Any], tag: str | None = None) -> dict[str, Any]:
        """Serve the blob of `entry` as the manifest or index `document`."""
        self.types[entry["digest"]] = entry["mediaType"]
        if tag:
            self.tags[tag] = entry["digest"]
        if "subject" in document:
            kind = document.get("artifactType") or document.get("config", {}).get("mediaType")
            self.listed.setdefault(document["subject"]["digest"], []).append({**entry, "artifactType": kind})
        return entry

    def image(self, name: str = "app", tag: str | None = None, **more: Any) -> dict[str, Any]:
        config = self.blob(json.dumps({"name": name}).encode(), "application/vnd.oci.image.config.v1+json")
        return self.put(manifest(config, [], **more), tag)

    def attach(self, subject: dict[str, Any], data: bytes, kind: str = SARIF, **more: Any) -> dict[str, Any]:
        """A document attached as oras does it: artifact type, empty config, one layer."""
        empty = self.blob(b"{}", "application/vnd.oci.empty.v1+json")
        return self.put(manifest(empty, [self.blob(data, kind)], artifactType=kind, subject=bare(subject), **more))

    def sign(self, subject: dict[str, Any], envelope: bytes = b"signature") -> dict[str, Any]:
        """A signature as Notation attaches it: its type is the config's."""
        layer = self.blob(envelope, "application/cose")
        return self.put(manifest(self.blob(b"{}", SIGNATURE), [layer], subject=bare(subject)))

    def index(self, entries: list[dict[str, Any]], tag: str | None = None, **more: Any) -> dict[str, Any]:
        return self.put({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, **more}, tag)

    def list_by_tag(self, subject: dict[str, Any], entries: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """Write the tag schema's index for `subject`."""
        found = self.listed.get(subject["digest"], []) if entries is None else entries
        return self.index(found, referrers_tag(subject["digest"]))

    def files(self, entries: list[dict[str, Any]] | None = None) -> dict[str, bytes]:
        """The files of an OCI image layout; without `entries` as oras writes it: every manifest, types left out."""
        if entries is None:
            names = {digest: tag for tag, digest in self.tags.items()}
            entries = [
                {
                    "mediaType": kind,
                    "digest": digest,
                    "size": len(self.blobs[digest]),
                    **(
                        {"annotations": {"org.opencontainers.image.ref.name": names[digest]}} if digest in names else {}
                    ),
                }
                for digest, kind in self.types.items()
            ]
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        blobs = {f"blobs/{digest.replace(':', '/')}": data for digest, data in self.blobs.items()}
        return {
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
            "index.json": json.dumps(index).encode(),
            **blobs,
        }

    def write(self, folder: Path, entries: list[dict[str, Any]] | None = None) -> Path:
        for name, data in self.files(entries).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder


def manifest(config: dict[str, Any], layers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers, **more}


def bare(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("mediaType", "digest", "size")}


def descriptor(entry: dict[str, Any]) -> Descriptor:
    return Descriptor(entry["mediaType"], entry["digest"], entry["size"], entry.get("artifactType", ""))


def tar(files: dict[str, bytes], prefix: str = "", form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of `files`, with the folders that docker and skopeo write too."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=form) as archive:
        for folder in ("blobs", "blobs/sha256"):
            member = tarfile.TarInfo(prefix + folder)
            member.type = tarfile.DIRTYPE
            archive.addfile(member)
        for name, data in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return output.getvalue()
