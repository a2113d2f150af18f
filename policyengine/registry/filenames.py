"""Names of files for what comes from a registry: made here, from digests and what is harmless in a title.

A title is somebody else's text. No path, no hidden file, no device and nothing that a shell or a terminal takes for an
order can come of it.
"""

from __future__ import annotations

import re

LONGEST = 100
"""Characters of a name: file systems allow 255 bytes, and people read fewer."""

UNSAFE = re.compile(r"[^A-Za-z0-9._+@=-]+")
DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10)))
)
"""Names that are devices on Windows, whatever follows the first dot."""

SUFFIXES = {
    "application/cose": ".cose",
    "application/jose+json": ".jws",
    "application/json": ".json",
    "application/sarif+json": ".sarif.json",
    "application/spdx+json": ".spdx.json",
    "text/spdx": ".spdx",
    "application/vnd.cyclonedx+json": ".cdx.json",
    "application/vnd.cyclonedx+xml": ".cdx.xml",
    "text/plain": ".txt",
}


def file_name(title: str, digest: str, media_type: str) -> str:
    """A name for a blob by its `title`, else by its digest and type.

    It consists of letters, digits and `._+@=-`, begins with a letter or digit, and has at most `LONGEST` characters.
    """
    return _safe(title) or f"{digest.partition(':')[2][:12]}{suffix(media_type)}"


def _safe(title: str) -> str:
    """What is harmless in the last component of a title; empty where nothing is left."""
    name = UNSAFE.sub("_", re.split(r"[/\\]", title[-4096:])[-1]).strip("._-+@=")
    if len(name) > LONGEST:
        stem, dot, end = name.rpartition(".")
        name = f"{stem[: LONGEST - 20]}{dot}{end}" if dot and len(end) < 20 else name[:LONGEST]
    return f"file-{name}"[:LONGEST] if name.partition(".")[0].lower() in DEVICES else name


def suffix(media_type: str) -> str:
    """How names of files of a media type end."""
    plain = media_type.partition(";")[0].strip().lower()
    return SUFFIXES.get(plain) or (".json" if plain.endswith("+json") else ".xml" if plain.endswith("+xml") else ".bin")
