"""One image on its way through a pipeline, step by step, with the real tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests import example
from tests.command import Finished, policyengine
from tests.interop import peers
from tests.interop.peers import Notation, Referrers, Registry

POLICY = Path(__file__).parent / "order-api.policy"
TYPES = {"trivy.sarif.json": "application/sarif+json", "sbom.spdx.json": "application/spdx+json"}
SCAN, SBOM = TYPES

Verdict = tuple[int, str, set[str], set[str]]
"""Exit code, decision, and the rules that are violated and undetermined."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """An image in a repository of the registry, and what is attached to it so far."""

    registry: Registry
    notation: Notation
    repository: str
    folder: Path
    tag: str = "clean"
    attached: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(
        cls, registry: Registry, notation: Notation, repository: str, folder: Path, tag: str = "clean"
    ) -> Pipeline:
        """Push the example's image `tag` into `repository`."""
        peers.push(example.LAYOUT, tag, f"{registry.host}/{repository}:{tag}")
        return cls(registry, notation, repository, folder, tag)

    def named(self, digest: str) -> str:
        """The reference of `digest` in this repository."""
        return f"{self.registry.host}/{self.repository}@{digest}"

    @property
    def image(self) -> str:
        """The image's reference, by digest."""
        return self.named(example.digest(self.tag))

    def attach(self, name: str, content: bytes | None = None) -> str:
        """Attach the example's document `name`, or `content` in its place; the reference of the artifact."""
        path = self.folder / name
        path.write_bytes(example.documents(self.tag)[name] if content is None else content)
        self.attached[name] = self.named(peers.attach(self.image, TYPES[name], path))
        return self.attached[name]

    def attach_all(self) -> Pipeline:
        """Attach the scan and the SBOM."""
        for name in TYPES:
            self.attach(name)
        return self

    def sign_all(
        self, release: str = "release", ci: str = "ci", envelope: str = "cose", referrers: Referrers = "tag"
    ) -> Pipeline:
        """Sign the image with the key `release`, and what is attached with the key `ci`."""
        self.notation.sign(self.image, release, envelope, referrers)
        for reference in self.attached.values():
            self.notation.sign(reference, ci, envelope, referrers)
        return self

    def tamper(self, artifact: str) -> None:
        """Change one byte of the only blob of the artifact that this reference names, in the registry's storage."""
        layer = peers.fetch(artifact)["layers"][0]
        path = self.registry.blob(self.repository, layer["digest"])
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    def evaluate(self, *more: str, reference: str = "") -> Finished:
        """Run `policyengine eval` on the image, with Notation's own trust policy and stores."""
        folder = self.notation.folder
        trust = ["--trust-policy", folder / "trustpolicy.json", "--trust-store", folder / "truststore"]
        return policyengine("eval", reference or self.image, POLICY, *trust, "-o", "json", *more)

    def verdict(self, *more: str) -> Verdict:
        """What `evaluate` decides, and by which rules."""
        finished = self.evaluate(*more)
        report = finished.json
        states = {rule["id"].removeprefix("order-api."): rule["status"] for rule in report["rules"]}
        violated = {rule for rule, status in states.items() if status == "violated"}
        undetermined = {rule for rule, status in states.items() if status == "undetermined"}
        return finished.code, report["decision"], violated, undetermined
