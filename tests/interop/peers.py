"""The real peers: oras, Notation and a registry, as their users run them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.example import build

BIN = Path(__file__).resolve().parents[2] / ".tools" / "bin"
NAMES = ("oras", "notation", "olareg")

Referrers = Literal["api", "tag"]
"""Where a signature is listed: by the registry's API, or under the tag `sha256-…` of its subject."""


def built(name: str) -> str:
    """The path of a further peer, which is built where that succeeds; skips where it is not there."""
    if not (BIN / name).is_file():
        pytest.skip(f"{name} is not built")
    return str(BIN / name)


def missing() -> list[str]:
    """The peers that are not built."""
    return [name for name in NAMES if not (BIN / name).is_file()]


def run(name: str, *arguments: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """Run the peer `name`; its standard output. A failure shows what it said."""
    command = [str(BIN / name), *map(str, arguments)]
    env = os.environ | environment
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=env, cwd=cwd)
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


class Registry:
    """olareg on a free port of the loopback address, storing below `root`."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        port = self.host.rpartition(":")[2]
        serve = [str(BIN / "olareg"), "serve", "--addr", "127.0.0.1", "--port", port, "--dir", str(root), *options]
        self.process = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()

    def wait(self) -> None:
        """Return once the registry answers."""
        for _ in range(200):
            try:
                with urlopen(f"http://{self.host}/v2/", timeout=5):
                    return
            except URLError:
                assert self.process.poll() is None, "olareg ended at once"
                time.sleep(0.02)
        raise AssertionError("olareg does not answer")

    def stop(self) -> None:
        """End the registry; nothing listens on its port afterwards."""
        self.process.terminate()
        self.process.wait(timeout=20)

    def blob(self, repository: str, digest: str) -> Path:
        """The file in which the registry keeps `digest`."""
        return self.root / repository / "blobs" / digest.replace(":", "/")


@dataclass(frozen=True, slots=True)
class Notation:
    """A Notation configuration: test keys to sign with, and who is trusted."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "notation"

    def write(self, trusted: str, keys: dict[str, Any]) -> None:
        """Write the `keys` by name, and a trust policy that trusts the root of the key `trusted`."""
        build.trust(self.folder, keys[trusted])
        policy = json.loads((self.folder / "trustpolicy.json").read_bytes())
        policy["trustPolicies"][0]["registryScopes"] = ["*"]
        (self.folder / "trustpolicy.json").write_text(json.dumps(policy))
        listed = [self.key(name, signer) for name, signer in keys.items()]
        (self.folder / "signingkeys.json").write_text(json.dumps({"keys": listed}))

    def key(self, name: str, signer: Any) -> dict[str, str]:
        """Write one key; its entry in Notation's list."""
        key, chain = self.folder / f"{name}.key", self.folder / f"{name}.crt"
        key.write_bytes(signer.key_pem())
        chain.write_bytes(signer.pem())
        key.chmod(0o600)
        return {"name": name, "keyPath": str(key), "certPath": str(chain)}

    def sign(self, reference: str, key: str, envelope: str = "cose", referrers: Referrers = "tag") -> None:
        """Sign what `reference` names; `envelope` is `cose` or `jws`."""
        tag = f"--force-referrers-tag={str(referrers == 'tag').lower()}"
        how = ["--insecure-registry", "--key", key, "--signature-format", envelope, tag]
        run("notation", "sign", *how, reference, XDG_CONFIG_HOME=str(self.home))

    def verify(self, reference: str) -> None:
        """Fail the test unless Notation itself accepts `reference`."""
        run("notation", "verify", "--insecure-registry", reference, XDG_CONFIG_HOME=str(self.home))


def push(layout: Path, tag: str, target: str) -> None:
    """Copy the image `tag` of `layout`, without what refers to it, to the reference `target`."""
    run("oras", "cp", "--from-oci-layout", f"{layout}:{tag}", "--to-plain-http", target)


def attach(reference: str, artifact_type: str, document: Path) -> str:
    """Attach `document` to what `reference` names; the digest of the new artifact."""
    how = ["--plain-http", "--artifact-type", artifact_type, "--format", "json"]
    answer = json.loads(
        run("oras", "attach", *how, reference, f"{document.name}:application/json", cwd=document.parent)
    )
    return str(answer["digest"])


def discover(reference: str, artifact_type: str) -> list[str]:
    """The digests of what oras finds attached to `reference` with this artifact type."""
    how = ["--plain-http", "--depth", "1", "--format", "json", "--artifact-type", artifact_type]
    return [found["digest"] for found in json.loads(run("oras", "discover", *how, reference)).get("referrers") or ()]


def fetch(reference: str) -> Any:
    """The manifest that `reference` names."""
    return json.loads(run("oras", "manifest", "fetch", "--plain-http", reference))


def size(reference: str) -> int:
    """The size of the manifest that `reference` names, in bytes."""
    return int(json.loads(run("oras", "manifest", "fetch", "--plain-http", "--descriptor", reference))["size"])


def push_manifest(repository: str, manifest: Any, folder: Path) -> None:
    """Push `manifest` to `repository` without a tag, by way of a file in `folder`."""
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest))
    run("oras", "manifest", "push", "--plain-http", "--media-type", manifest["mediaType"], repository, path)
