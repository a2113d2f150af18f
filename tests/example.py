"""The embedded example, for tests that need real documents or test keys."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "order-api"
LAYOUT = FOLDER / "layout"
POLICIES = FOLDER / "policies"
REPOSITORY = "registry.example.com/prod/order-api"
AT = "2026-11-22T20:00:00Z"


def load(path: Path, name: str) -> ModuleType:
    """The script at `path` as a module; its folder is no package."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load(FOLDER / "build.py", "order_api_build")


def blob(digest: str) -> bytes:
    """The bytes of `digest` in the example's layout."""
    return (LAYOUT / "blobs" / digest.replace(":", "/")).read_bytes()


def digest(tag: str) -> str:
    """The digest of the example's image `tag`: `clean` or `vulnerable`."""
    entries = json.loads((LAYOUT / "index.json").read_bytes())["manifests"]
    names = {
        entry.get("annotations", {}).get("org.opencontainers.image.ref.name"): entry["digest"] for entry in entries
    }
    return str(names[tag])


def documents(tag: str) -> dict[str, bytes]:
    """The scan and the SBOM of the image `tag`, by file name."""
    found = {}
    for entry in json.loads((LAYOUT / "index.json").read_bytes())["manifests"]:
        manifest = json.loads(blob(entry["digest"]))
        if "artifactType" in manifest and manifest["subject"]["digest"] == digest(tag):
            layer = manifest["layers"][0]
            found[layer["annotations"]["org.opencontainers.image.title"]] = blob(layer["digest"])
    return found
