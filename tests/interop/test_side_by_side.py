"""Our verdict beside that of the real Notation: the same, or different for a reason that is written down.

Each case is an image in a layout of its own, with one signature and one statement of the trust policy. Every
case is judged by `notation verify` and by our whole engine; `differences` has those on which the two disagree,
with the clause that decides, and docs/verification.md shows that list.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from policyengine import Layout, PolicySet, Trust, evaluate
from policyengine.errors import TrustError
from policyengine.oci import Descriptor, digest_of
from policyengine.registry.writing import LayoutWriter
from policyengine.verification import revocation
from policyengine.verification.notation.manifest import ARTIFACT_TYPE, EMPTY_CONFIG, MANIFEST_TYPE, THUMBPRINTS
from tests.interop import differences, peers
from tests.interop.differences import Difference
from tests.verification.signing import COSE, Signing, payload
from tests.verification.test_trustpolicy import BAD, GOOD

SIGNED = PolicySet.parse('policy p "p"\nrule signed deny "signed"\n  require image is signed\n')
CONFIG = "application/vnd.oci.image.config.v1+json"


class Stage:
    """Images in layouts of their own, and a Notation configuration; both verdicts about an image.

    One layout for all would be read as a whole, by both, for every image.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "config"
        self.notation = self.home / "notation"
        self.notation.mkdir(parents=True)
        self.images: list[Descriptor] = []

    def layout(self, target: Descriptor) -> Path:
        """Where an image is."""
        return self.folder / target.digest.removeprefix("sha256:")[:16]

    def image(self) -> Descriptor:
        """A new image, which is told from the others by its number."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "number": len(self.images)}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": described(config, CONFIG),
            "layers": [],
        }
        content = json.dumps(manifest).encode()
        found = Descriptor(MANIFEST_TYPE, digest_of(content), len(content))
        place = self.layout(found)
        (place / "blobs" / "sha256").mkdir(parents=True)
        (place / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        (place / "index.json").write_text('{"schemaVersion":2,"manifests":[]}')
        LayoutWriter(place).attach(content, [config], found)
        self.images.append(found)
        return found

    def sign(self, target: Descriptor, envelope: bytes, media_type: str, **changes: Any) -> None:
        """Attach an envelope as Notation does; `changes` are members of the manifest, `None` removes one."""
        members: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": described(b"{}", ARTIFACT_TYPE),
            "layers": [described(envelope, media_type)],
            "subject": {"mediaType": target.media_type, "digest": target.digest, "size": target.size},
            "annotations": {THUMBPRINTS: json.dumps(["00" * 32])},
        }
        kept = {name: value for name, value in (members | changes).items() if value is not None}
        content = json.dumps(kept).encode()
        listed = Descriptor(MANIFEST_TYPE, digest_of(content), len(content), ARTIFACT_TYPE)
        LayoutWriter(self.layout(target)).attach(content, [b"{}", envelope], listed)

    def store(self, name: str, *certificates: bytes) -> None:
        """Write a trust store `kind:name`."""
        folder = self.notation.joinpath("truststore", "x509", *name.split(":"))
        folder.mkdir(parents=True, exist_ok=True)
        for number, certificate in enumerate(certificates):
            (folder / f"{number}.crt").write_bytes(certificate)

    def trust(self, document: Any) -> Trust | TrustError:
        """Write the trust policy; what we make of it."""
        file = self.notation / "trustpolicy.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        try:
            return Trust.load(file, self.notation / "truststore")
        except TrustError as fault:
            return fault

    def ours(self, trust: Trust | TrustError, target: Descriptor, repository: str, at: datetime) -> bool:
        """Whether our engine lets the image pass under a policy that asks for a signature."""
        if isinstance(trust, TrustError):
            return False
        reference = f"{repository}@{target.digest}"
        decision = evaluate(
            reference, SIGNED, trust=trust, registry=Layout(self.layout(target)), at=at, revoked=revocation.check
        )
        return decision.allowed

    def theirs(self, target: Descriptor, repository: str) -> bool:
        """Whether the real Notation accepts the image."""
        command = ("verify", "--oci-layout", f"{self.layout(target)}@{target.digest}")
        return self.notation_runs(*command, "--scope", repository).returncode == 0

    def notation_runs(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the real Notation with this configuration; it either succeeds, or refuses in order."""
        environment = {**os.environ, "XDG_CONFIG_HOME": str(self.home), "XDG_CACHE_HOME": str(self.home / "cache")}
        command = [str(peers.BIN / "notation"), *arguments]
        ran = subprocess.run(
            command,
            env=environment | {"NOTATION_EXPERIMENTAL": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode in (0, 1), ran.stderr
        assert not any(word in ran.stderr for word in ("panic", "unknown flag", "unknown command")), ran.stderr
        return ran


def described(content: bytes, media_type: str) -> Mapping[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def repository(number: int) -> str:
    return f"registry.example.com/case/n{number}"


def statement(number: int, **changes: Any) -> dict[str, Any]:
    """The statement for the image of this number."""
    members: dict[str, Any] = {"name": str(number), "registryScopes": [repository(number)]}
    members |= {"signatureVerification": {"level": "strict"}, "trustedIdentities": ["*"]}
    return members | changes


def compared(stage: Stage, names: Iterable[str], statements: list[dict[str, Any]], at: datetime) -> dict[str, bool]:
    """Our verdicts on those images of the stage, by name, on which Notation's is the other one."""
    trust = stage.trust({"version": "1.0", "trustPolicies": statements})
    assert isinstance(trust, Trust), trust
    judged = [(image, repository(number)) for number, image in enumerate(stage.images)]
    ours = [stage.ours(trust, image, scope, at) for image, scope in judged]
    with ThreadPoolExecutor(2) as threads:
        theirs = list(threads.map(lambda each: stage.theirs(*each), judged))
    assert any(ours)
    assert any(theirs)
    return {name: we for name, we, they in zip(names, ours, theirs, strict=True) if we != they}


def listed(differences: Iterable[Difference]) -> dict[str, bool]:
    """Our verdicts by case."""
    return {case: each.accepted for each in differences for case in each.cases}


def test_envelopes(stage: Stage) -> None:
    from tests.interop.cases import CASES, NOW

    statements = []
    for number, case in enumerate(CASES.values()):
        stage.sign(target := stage.image(), case.envelope(target), case.media_type)
        stores = {name.replace(":", f":{number}-"): roots for name, roots in case.stores.items()}
        for name, roots in stores.items():
            stage.store(name, *(holder.pem for holder in roots))
        statements.append(statement(number, trustStores=list(stores), **case.statement))
    assert compared(stage, CASES, statements, NOW) == listed(differences.ENVELOPES)


def test_manifests(stage: Stage) -> None:
    from tests.interop import cases

    other = {"mediaType": MANIFEST_TYPE, "digest": "sha256:" + "00" * 32, "size": 7}
    manifests: dict[str, dict[str, Any]] = {
        "of OCI 1.0": {},
        "of OCI 1.1": {"artifactType": ARTIFACT_TYPE, "config": described(b"{}", EMPTY_CONFIG)},
        "of both forms": {"artifactType": ARTIFACT_TYPE},
        "of OCI 1.1 with another type": {"artifactType": "x/y", "config": described(b"{}", EMPTY_CONFIG)},
        "with another config": {"config": described(b"{}", CONFIG)},
        "without thumbprints": {"annotations": {}},
        "with thumbprints of nonsense": {"annotations": {THUMBPRINTS: "x"}},
        "with another subject": {"subject": other},
        "without a subject": {"subject": None},
        "without layers": {"layers": []},
        "with a layer of another type": {"layers": [described(b"{}", "application/json")]},
        "with its layer twice": {},
        "with a layer that is not there": {"layers": [{**described(b"gone", COSE)}]},
    }
    for name, changes in manifests.items():
        target = stage.image()
        envelope = Signing(chain=cases.good(), payload=payload(target), signed_at=cases.NOW).cose()
        more = {"layers": [described(envelope, COSE)] * 2} if name == "with its layer twice" else {}
        stage.sign(target, envelope, COSE, **changes | more)
    stage.store("ca:acme", cases.root().pem)
    statements = [statement(number, trustStores=["ca:acme"]) for number in range(len(manifests))]
    found = compared(stage, (f"manifest {name}" for name in manifests), statements, cases.NOW)
    assert found == listed(differences.MANIFESTS)


def test_good_ones_among_bad_ones(stage: Stage) -> None:
    """One good signature suffices, whatever else is attached."""
    from tests.interop import cases

    def signed(number: int, bad: int) -> None:
        target = stage.image()
        for place in range(bad + 1):
            chain = cases.good() if place == number else cases.pair(start=cases.BEGAN, end=cases.ENDED)
            stage.sign(target, Signing(chain=chain, payload=payload(target), signed_at=cases.NOW).cose(), COSE)

    signed(0, 3)
    signed(3, 3)
    signed(-1, 3)
    stage.store("ca:acme", cases.root().pem)
    statements = [statement(number, trustStores=["ca:acme"]) for number in range(3)]
    assert compared(stage, ("first", "last", "none"), statements, cases.NOW) == {}


def test_trust_policies(stage: Stage) -> None:
    found = {}
    for name, document in {**GOOD, **{name: document for name, (document, _) in BAD.items()}}.items():
        file = stage.folder / "trustpolicy.json"
        file.write_text(json.dumps(document))
        ran = stage.notation_runs("policy", "import", "--force", str(file))
        if (name in GOOD) != (ran.returncode == 0):
            found[f"policy: {name}"] = name in GOOD
    assert found == listed(differences.POLICIES)
