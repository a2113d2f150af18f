"""Notation accepts what the example's script signs."""

from __future__ import annotations

import json

import pytest

from tests import example
from tests.interop import peers


def signed(tag: str) -> list[str]:
    """The digests of the example's image `tag` and of what is attached to it, without the signatures."""
    image, found = example.digest(tag), []
    for entry in json.loads((example.LAYOUT / "index.json").read_bytes())["manifests"]:
        manifest = json.loads(example.blob(entry["digest"]))
        if entry["digest"] == image or ("artifactType" in manifest and manifest["subject"]["digest"] == image):
            found.append(entry["digest"])
    return found


@pytest.mark.parametrize("tag", ["clean", "vulnerable"])
def test_notation_verifies_every_signature_of_the_example(tag: str) -> None:
    digests = signed(tag)

    assert len(digests) == 3
    for digest in digests:
        how = ["--oci-layout", f"{example.LAYOUT}@{digest}", "--scope", example.REPOSITORY]
        out = peers.run("notation", "verify", *how, XDG_CONFIG_HOME=str(example.FOLDER), NOTATION_EXPERIMENTAL="1")
        assert "Successfully verified" in out
