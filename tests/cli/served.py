"""The embedded example as a registry in this process serves it, for tests of what goes over the wire."""

from __future__ import annotations

import json
from pathlib import Path

from tests.example import FOLDER, LAYOUT, blob
from tests.simulator.content import Content

REF_NAME = "org.opencontainers.image.ref.name"
STORE = FOLDER / "notation/truststore"


def example() -> Content:
    """Everything in the example's layout, with its tags and what refers to what."""
    content = Content()
    for entry in json.loads((LAYOUT / "index.json").read_bytes())["manifests"]:
        document = json.loads(blob(entry["digest"]))
        digest, kind = entry["digest"], document["mediaType"]
        content.blobs[digest], content.types[digest] = blob(digest), kind
        for part in [document["config"], *document["layers"]]:
            content.blobs[part["digest"]] = blob(part["digest"])
        if REF_NAME in entry.get("annotations", {}):
            content.tags[entry["annotations"][REF_NAME]] = digest
        if "subject" in document:
            artifact = document.get("artifactType") or document["config"]["mediaType"]
            described = {"mediaType": kind, "digest": digest, "size": entry["size"], "artifactType": artifact}
            content.listed.setdefault(document["subject"]["digest"], []).append(described)
    return content


def trusting(folder: Path, *scopes: str) -> tuple[str, ...]:
    """Options that trust the example's signers in the repositories `scopes`."""
    policy = json.loads((FOLDER / "notation/trustpolicy.json").read_bytes())
    policy["trustPolicies"][0]["registryScopes"] = list(scopes)
    file = folder / "trustpolicy.json"
    file.write_text(json.dumps(policy))
    return ("--trust-policy", str(file), "--trust-store", str(STORE))
