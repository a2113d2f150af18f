"""Images as `docker buildx build -o type=oci --sbom=true --provenance=true` exports them, attestations inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from policyengine import Decision, Layout, PolicySet
from tests.engine import attaching
from tests.engine.attaching import CI, RELEASE
from tests.engine.deciding import decided
from tests.example import build

Descriptor = dict[str, Any]
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
SPDX, SLSA_02, SLSA_1 = (
    "https://spdx.dev/Document",
    "https://slsa.dev/provenance/v0.2",
    "https://slsa.dev/provenance/v1",
)
BOTH = PolicySet.parse(
    'policy p rule r deny "no leftpad" forbid package where package.name is "leftpad" '
    'rule s deny "built" require some provenance where provenance.builder matches "https://github.com/acme/**"'
)
RUN = "https://github.com/acme/app/actions/runs/1"


class BuildKit:
    """A layout that is being written as BuildKit writes one: `index.json` lists the index alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = build.Layout(folder)

    def image(self, name: str = "amd64") -> Descriptor:
        """An image of one layer."""
        config = {"architecture": name, "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
        layer = self.written.blob("application/vnd.oci.image.layer.v1.tar+gzip", f"layer of {name}".encode())
        return self.manifest({"config": self.written.blob(CONFIG, build.compact(config)), "layers": [layer]})

    def manifest(self, value: dict[str, Any]) -> Descriptor:
        """Store a manifest that nothing lists yet."""
        described: Descriptor = self.written.manifest(value)
        self.written.entries.remove(described)
        return described

    def layer(self, statement: Any, **more: Any) -> Descriptor:
        """A layer that is a statement, with the annotation that Docker's media types leave out."""
        layer: Descriptor = self.written.blob(IN_TOTO, build.compact(statement))
        return {**layer, "annotations": {"in-toto.io/predicate-type": statement["predicateType"]}, **more}

    def attestation(self, about: Descriptor, layers: Sequence[Descriptor], artifact: bool = False) -> Descriptor:
        """The entry of an attestation manifest; as an OCI artifact, BuildKit's default since 0.32, it has a subject."""
        if artifact:
            more = {"artifactType": "application/vnd.docker.attestation.manifest.v1+json", "subject": about}
            config = self.written.blob("application/vnd.oci.empty.v1+json", b"{}")
        else:
            more = {}
            config = self.written.blob(CONFIG, b'{"architecture":"unknown","os":"unknown"}')
        return held(self.manifest({"config": config, "layers": list(layers), **more}), about["digest"])

    def index(self, entries: Sequence[Descriptor], tag: str = "1.4", kind: str = INDEX) -> Descriptor:
        """The index, listed under its tag."""
        value = {"schemaVersion": 2, "mediaType": kind, "manifests": list(entries)}
        described: Descriptor = self.written.blob(kind, build.compact(value))
        self.written.entries.append(described | {"annotations": {"org.opencontainers.image.ref.name": tag}})
        self.written.close()
        return described

    def sign(self, target: Descriptor, by: Any = RELEASE) -> None:
        """Sign a manifest or the index."""
        build.sign(self.written, {key: target[key] for key in ("mediaType", "digest", "size")}, by)
        self.written.close()

    def attach(self, target: Descriptor, kind: str, document: Any, by: Any = CI) -> Descriptor:
        """Attach a document to a platform as oras does, and sign it."""
        attached: Descriptor = attaching.attach(self.written, target, kind, build.compact(document))
        self.sign(attached, by)
        return attached

    def blob(self, digest: str) -> Path:
        """The file of a blob."""
        return self.folder / "blobs" / digest.replace(":", "/")


class Image:
    """An image for one platform with an SBOM and provenance in its index, or other `statements`; nobody signed it yet.

    A statement may be a function of the platform's digest.
    """

    def __init__(self, folder: Path, *statements: Any, artifact: bool = False) -> None:
        self.kit = BuildKit(folder)
        self.platform = self.kit.image()
        about = self.platform["digest"]
        stated = statements or (sbom(about, "curl"), provenance(about))
        made = [each(about) if callable(each) else each for each in stated]
        self.entry = self.kit.attestation(self.platform, [self.kit.layer(each) for each in made], artifact)
        self.index = self.kit.index([on(self.platform), self.entry])

    def sign(self, by: Any = RELEASE) -> Image:
        """The same, its index signed."""
        self.kit.sign(self.index, by)
        return self

    def decided(self, policies: PolicySet = BOTH, **more: Any) -> Decision:
        """The decision about the index; without `policies` about a package and the builder."""
        return decided(Layout(self.kit.folder), self.index["digest"], policies=policies, **more)


def on(image: Descriptor, platform: str = "linux/amd64") -> Descriptor:
    """The entry of a platform."""
    system, architecture = platform.split("/")
    return {**image, "platform": {"architecture": architecture, "os": system}}


def held(manifest: Descriptor, about: str, **more: Any) -> Descriptor:
    """The entry of an attestation manifest."""
    annotations = {"vnd.docker.reference.digest": about, "vnd.docker.reference.type": "attestation-manifest"}
    return on({**manifest, "annotations": annotations | more}, "unknown/unknown")


def statement(kind: str, predicate: Any, *digests: str) -> dict[str, Any]:
    """A statement about the manifests `digests`, named as BuildKit names them."""
    name = "pkg:docker/registry.example.com/prod/order-api@1.4?platform=linux%2Famd64"
    subjects = [{"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}} for digest in digests]
    return {
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": kind, "subject": subjects, "predicate": predicate
    }  # fmt: skip


def sbom(about: str, *packages: str) -> dict[str, Any]:
    """The SBOM that BuildKit's scanner writes."""
    listed = [
        {"SPDXID": f"SPDXRef-Package-{name}", "name": name, "versionInfo": "1.0", "downloadLocation": "NOASSERTION"}
        for name in packages
    ]
    created = {"created": "2026-11-22T15:00:00Z", "creators": ["Organization: Anchore, Inc", "Tool: syft-v1.18.1"]}
    document = {
        "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "name": "sbom", "dataLicense": "CC0-1.0",
        "documentNamespace": "https://anchore.com/syft/image/sbom", "creationInfo": created, "packages": listed,
    }  # fmt: skip
    return statement(SPDX, document, about)


def provenance(about: str, builder: str = RUN, version: str = SLSA_1) -> dict[str, Any]:
    """What BuildKit states of a build from a repository."""
    source = {"uri": "https://github.com/acme/app.git#refs/heads/main", "digest": {"sha1": "c" * 40}}
    began, ended = "2026-11-22T14:58:00.5Z", "2026-11-22T14:59:00Z"
    if version == SLSA_02:
        predicate: dict[str, Any] = {
            "builder": {"id": builder},
            "buildType": "https://mobyproject.org/buildkit@v1",
            "invocation": {"configSource": {**source, "entryPoint": "Dockerfile"}, "environment": {}},
            "metadata": {"buildStartedOn": began, "buildFinishedOn": ended, "reproducible": False},
        }
    else:
        definitions = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
        inputs = {"configSource": {**source, "path": "Dockerfile"}, "request": {"frontend": "dockerfile.v0"}}
        predicate = {
            "buildDefinition": {"buildType": definitions, "externalParameters": inputs, "resolvedDependencies": []},
            "runDetails": {"builder": {"id": builder}, "metadata": {"startedOn": began, "finishedOn": ended}},
        }
    return statement(version, predicate, about)
