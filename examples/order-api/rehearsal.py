"""What `pipeline.sh` needs and a real pipeline has: `python rehearsal.py TAG REPOSITORY FOLDER`.

Writes into FOLDER what Trivy wrote about the image TAG, the test keys `release` and `ci` with a
Notation configuration that trusts their root for REPOSITORY, and the policies with REPOSITORY for
the one that they are written for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import build  # noqa: E402 # the script beside this one

LAYOUT = HERE / "layout"


def blob(digest: str) -> bytes:
    """A blob of the layout."""
    return (LAYOUT / "blobs" / digest.replace(":", "/")).read_bytes()


def documents(tag: str, folder: Path) -> None:
    """Write the scan and the SBOM of the image `tag`."""
    entries = json.loads((LAYOUT / "index.json").read_bytes())["manifests"]
    image = next(e["digest"] for e in entries if tag in e.get("annotations", {}).values())
    for manifest in (json.loads(blob(entry["digest"])) for entry in entries):
        if "artifactType" in manifest and manifest["subject"]["digest"] == image:
            layer = manifest["layers"][0]
            (folder / layer["annotations"]["org.opencontainers.image.title"]).write_bytes(blob(layer["digest"]))


def keys(repository: str, folder: Path) -> None:
    """Write the keys, Notation's list of them, and the trust policy and trust store."""
    signers = {name: build.signer(name, "order-api test root") for name in ("release", "ci")}
    build.trust(folder, signers["release"])
    policy = json.loads((folder / "trustpolicy.json").read_bytes())
    policy["trustPolicies"][0]["registryScopes"] = [repository]
    (folder / "trustpolicy.json").write_text(json.dumps(policy))
    listed = [_key(name, signer, folder) for name, signer in signers.items()]
    (folder / "signingkeys.json").write_text(json.dumps({"keys": listed}))


def _key(name: str, signer: Any, folder: Path) -> dict[str, str]:
    key, chain = folder / f"{name}.key", folder / f"{name}.crt"
    key.touch(mode=0o600)
    key.write_bytes(signer.key_pem())
    chain.write_bytes(signer.pem())
    return {"name": name, "keyPath": str(key), "certPath": str(chain)}


def policies(repository: str, folder: Path) -> None:
    """Write the policies, applying to `repository`."""
    folder.mkdir()
    for path in (HERE / "policies").glob("*.policy"):
        text = path.read_text()
        assert '"registry.example.com/prod/*"' in text, path
        (folder / path.name).write_text(text.replace('"registry.example.com/prod/*"', json.dumps(repository)))


def main(tag: str, repository: str, target: str) -> None:
    """Write everything."""
    folder = Path(target)
    (folder / "notation").mkdir()
    documents(tag, folder)
    keys(repository, folder / "notation")
    policies(repository, folder / "policies")


if __name__ == "__main__":
    main(*sys.argv[1:])
