"""Copies of the example's layout in which one thing is changed: attacked, attached or signed by somebody else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from policyengine.oci import digest_of
from tests import example

Descriptor = dict[str, Any]
SIGNATURE = "application/vnd.cncf.notary.signature"
KINDS = {SIGNATURE: "signature", "application/sarif+json": "scan", "application/spdx+json": "sbom"}
EMPTY = digest_of(b"{}")


def copied(folder: Path) -> Path:
    """A copy of the example's layout that may be changed."""
    return Path(shutil.copytree(example.LAYOUT, folder))


def entries(folder: Path) -> list[Descriptor]:
    """What `index.json` lists."""
    return list(json.loads((folder / "index.json").read_bytes())["manifests"])


def relist(folder: Path, listed: list[Descriptor]) -> None:
    """Write an `index.json` that lists `listed`."""
    example.build.Layout(folder, listed).close()


def blob(folder: Path, digest: str) -> Path:
    """The file of a blob."""
    return folder / "blobs" / digest.replace(":", "/")


def manifest(folder: Path, digest: str) -> Any:
    return json.loads(blob(folder, digest).read_bytes())


def bare(entry: Descriptor) -> Descriptor:
    """The descriptor of an entry, without what only the listing says."""
    return {key: entry[key] for key in ("mediaType", "digest", "size")}


@contextmanager
def opened(folder: Path) -> Iterator[Any]:
    """The layout in `folder` for `example.build` to write more into it."""
    layout = example.build.Layout(folder, entries(folder))
    yield layout
    layout.close()


@contextmanager
def changed(path: Path, content: bytes | None) -> Iterator[None]:
    """The file `path` with other `content`, or without it, for as long as this lasts."""
    before = path.read_bytes()
    try:
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        yield
    finally:
        path.write_bytes(before)


def truncated(content: bytes, at: int) -> bytes:
    """`content`, cut off."""
    return content[: at % len(content)]


def flipped(content: bytes, bit: int) -> bytes:
    """`content` with one bit changed."""
    place, shift = divmod(bit % (8 * len(content)), 8)
    return content[:place] + bytes([content[place] ^ (1 << shift)]) + content[place + 1 :]


def image(tag: str) -> Descriptor:
    """The example's image `tag`."""
    return next(bare(entry) for entry in entries(example.LAYOUT) if entry["digest"] == example.digest(tag))


def roles() -> dict[str, str]:
    """What each blob of the example is, by its digest: `clean`, `clean/scan`, `clean/scan/signature/envelope`…"""
    found = {EMPTY: "empty"}
    for tag in ("clean", "vulnerable"):
        _roles(found, example.digest(tag), tag, "layer")
    return found


CONTENT = {"signature": "envelope", "scan": "document", "sbom": "document"}


def _roles(found: dict[str, str], digest: str, name: str, content: str) -> None:
    value = manifest(example.LAYOUT, digest)
    found[digest] = name
    found.setdefault(value["config"]["digest"], f"{name}/config")
    found.setdefault(value["layers"][0]["digest"], f"{name}/{content}")
    for entry in entries(example.LAYOUT):
        referrer = manifest(example.LAYOUT, entry["digest"])
        if referrer.get("subject", {}).get("digest") == digest:
            kind = KINDS[referrer.get("artifactType") or referrer["config"]["mediaType"]]
            _roles(found, entry["digest"], f"{name}/{kind}", CONTENT[kind])
