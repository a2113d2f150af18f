"""A layout's content, for the simulator to serve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.simulator.content import Content, bare

REF_NAME = "org.opencontainers.image.ref.name"


def loaded(layout: Path) -> Content:
    """Everything that the layout in a folder holds, its tags included."""
    content = Content()
    for path in sorted((layout / "blobs/sha256").iterdir()):
        content.blobs[f"sha256:{path.name}"] = path.read_bytes()
    for entry in json.loads((layout / "index.json").read_bytes())["manifests"]:
        _load(content, entry)
    return content


def _load(content: Content, entry: dict[str, Any]) -> None:
    document = json.loads(content.blobs[entry["digest"]])
    content.register(bare(entry), document, entry.get("annotations", {}).get(REF_NAME))
    for child in document.get("manifests", []):
        _load(content, child)
