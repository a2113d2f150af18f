"""What deciding about an image in a registry takes: against the shell stage that it replaces, and as evidence grows.

Every figure is taken in one run: the first as the ratio of two times through a proxy that makes each request 30 ms
longer, the others in rounds, the time divided by that delay.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.test_cold_start import surroundings
from policyengine import PolicySet, Registry, Trust, evaluate
from policyengine.registry.blobcache import BlobCache
from policyengine.registry.kept import Kept
from tests import example
from tests.example import build
from tests.interop import peers
from tests.interop.peers import BIN, Notation
from tests.interop.pipeline import POLICY, Pipeline
from tests.simulator.content import SARIF, SIGNATURE, SPDX, Content
from tests.simulator.latency import Far
from tests.simulator.loading import loaded
from tests.simulator.registry import Simulator

DELAY = 0.03
JUNK = "application/vnd.example.junk"
GOAL = 0.4
ROUNDS = 5


def say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        print(f"\n{text}")


# ---------------------------------------------------------------------------- the shell stage

SHELL = """
set -eu
verify() { notation verify --insecure-registry "$1" >/dev/null; }
attached() {
    oras discover --plain-http --format json --artifact-type "$1" "$image" | jq -er '.referrers[0].digest' >/dev/null
}
verify "$image"
attached application/sarif+json
verify "$scan"
attached application/spdx+json
verify "$sbom"
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    if peers.missing():
        pytest.skip("the peers are not built")
    keys = {name: build.signer(name, "order-api test root") for name in ("release", "ci")}
    notation = Notation(tmp_path / "configuration")
    notation.write("release", keys)
    serving = peers.Registry(tmp_path / "registry")
    yield Pipeline.start(serving, notation, "prod/order-api", tmp_path).attach_all().sign_all(referrers="api")
    serving.stop()


def ratify(pipeline: Pipeline, folder: Path) -> list[str]:
    """The command of Ratify that verifies the same; none where it is not on the PATH, with its plugins beside it.

    It keeps what it fetched below `folder / "ratify"`.
    """
    found = shutil.which("ratify")
    if not found:
        return []
    documents = {"sbom": "application/spdx+json", "vulnerabilityreport": "application/sarif+json"}
    statement = json.loads((pipeline.notation.folder / "trustpolicy.json").read_bytes())
    statement["trustPolicies"][0]["trustStores"] = ["ca:certs"]
    certificates = str(pipeline.notation.folder / "truststore/x509/ca/order-api")
    signatures = {"name": "notation", "artifactTypes": SIGNATURE, "verificationCerts": [certificates]}
    plugins = [{"name": n, "artifactTypes": kind, "nestedReferences": SIGNATURE} for n, kind in documents.items()]
    verifiers = [{**signatures, "trustPolicyDoc": statement}, *plugins]
    policy = {"name": "configPolicy", "artifactVerificationPolicies": {SIGNATURE: "any", "default": "all"}}
    configuration = {
        "store": {
            "version": "1.0.0",
            "plugins": [{"name": "oras", "useHttp": True, "localCachePath": str(folder / "ratify")}],
        },
        "policy": {"version": "1.0.0", "plugin": policy},
        "verifier": {"version": "1.0.0", "pluginBinDirs": [str(Path(found).parent)], "plugins": verifiers},
    }
    (folder / "ratify.json").write_text(json.dumps(configuration))
    return [found, "verify", "-c", str(folder / "ratify.json"), "-s"]


def stages(pipeline: Pipeline, host: str, folder: Path) -> dict[str, Callable[[], None]]:
    """The shell stage, Ratify if it is there, and `eval` in two ways, each as a process of its own."""
    names = ["image", "scan", "sbom"]
    references = [pipeline.image, *pipeline.attached.values()]
    far = {name: text.replace(pipeline.registry.host, host) for name, text in zip(names, references, strict=True)}
    home = {
        "XDG_CONFIG_HOME": str(pipeline.notation.home),
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    environment = surroundings(folder) | home | far | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    command = [str(Path(sys.executable).with_name("policyengine")), "eval", far["image"], str(POLICY), "-o", "json"]

    def run(*what: str) -> Callable[[], None]:
        return lambda: succeed(what, environment)

    command += ["--trust-policy", str(pipeline.notation.folder / "trustpolicy.json")]
    command += ["--trust-store", str(pipeline.notation.folder / "truststore")]
    own = {"eval, cold": run(*command, "--no-cache"), "eval, warm": run(*command)}
    peer = ratify(pipeline, folder)
    if peer:
        forgetful = ["sh", "-c", 'rm -r "$0"; "$@"', str(folder / "ratify")]
        own |= {"ratify, cold": run(*forgetful, *peer, far["image"]), "ratify, warm": run(*peer, far["image"])}
    return {"shell": run("sh", "-c", SHELL), **own}


def succeed(command: Sequence[str], environment: dict[str, str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}"


def processor() -> float:
    """Seconds of processor time that finished child processes took."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_against_the_shell_stage(pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Far(pipeline.registry.host, DELAY) as far:
        ways = stages(pipeline, far.host, tmp_path)
        for way in ways.values():  # compiles the policies, fills the cache
            way()
        taken: dict[str, list[float]] = {name: [] for name in ways}
        requests: dict[str, int] = {}
        computed: dict[str, float] = {}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                far.paths.clear()
                begin, before = time.perf_counter(), processor()
                way()
                taken[name].append(time.perf_counter() - begin)
                computed[name] = min(computed.get(name, 60.0), processor() - before)
                requests[name] = len(far.paths)
    shell = taken["shell"]
    for name in [name for name in taken if name != "shell"]:
        ratio = statistics.median(own / stage for own, stage in zip(taken[name], shell, strict=True))
        say(capsys, f"{name}, through {DELAY * 1000:.0f} ms: {requests[name]} requests, "
            f"{statistics.median(taken[name]) * 1000:.0f} ms; shell stage: {requests['shell']} requests, "
            f"{statistics.median(shell) * 1000:.0f} ms; ratio {ratio:.2f} (goal {GOAL}); processor time "
            f"{computed[name] * 1000:.0f} and {computed['shell'] * 1000:.0f} ms")  # fmt: skip


# ---------------------------------------------------------------------------- in rounds, as evidence grows


def evaluated(registry: Simulator, digest: str, cache: BlobCache | None = None) -> tuple[float, int]:
    """Rounds and requests of one evaluation, by the example's policies."""
    policies = PolicySet.load(example.POLICIES)
    trust = Trust.load(example.FOLDER / "notation/trustpolicy.json", example.FOLDER / "notation/truststore")
    with Far(registry.host, DELAY) as far, Registry(environment={}, timeout=600, workers=16) as client:
        name = f"{far.host}/a/b"
        store = client.repository(name)
        source = Source(store if cache is None else Kept(store, "registry.example.com/a/b", cache))
        begin = time.perf_counter()
        reference = f"{example.REPOSITORY}@{digest}"
        evaluate(reference, policies, trust=trust, registry=source, at=example_instant())
        taken = time.perf_counter() - begin
        return taken / DELAY, len(far.paths)


def traced(registry: Simulator, digest: str) -> float:
    """The memory in MiB that one evaluation takes at its peak, the registry in the same process with it."""
    tracemalloc.start()
    try:
        evaluated(registry, digest)
        return tracemalloc.get_traced_memory()[1] / 1024**2
    finally:
        tracemalloc.stop()


class Source:
    """One store that stands for every repository."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def repository(self, _name: str) -> Any:
        return self._store


def example_instant() -> Any:
    from datetime import datetime

    return datetime.fromisoformat(example.AT)


def many(content: Content, digest: str, number: int, kind: str) -> str:
    """Attach `number` documents of a kind that no rule asks for, or of one that it does."""
    subject = {"mediaType": content.types[digest], "digest": digest, "size": len(content.blobs[digest])}
    for each in range(number):
        content.attach(subject, json.dumps({"n": each}).encode(), kind)
    return digest


def index_of(content: Content, digest: str, number: int) -> str:
    """An index of `number` platforms, the first the example's image; each has an SBOM that nobody signed."""
    entry = {"mediaType": content.types[digest], "digest": digest, "size": len(content.blobs[digest])}
    images = [entry, *(content.image(f"image {each}") for each in range(1, number))]
    for each in images[1:]:
        content.attach(each, each["digest"].encode(), SPDX)
    listed = [{**each, "platform": {"os": "linux", "architecture": f"a{n}"}} for n, each in enumerate(images)]
    return str(content.index(listed)["digest"])


SHAPES: Sequence[tuple[str, Callable[[Content, str], str]]] = [
    ("the example", lambda _, digest: digest),
    ("fifty referrers that no rule asks for", lambda content, digest: many(content, digest, 50, JUNK)),
    ("fifty unsigned scans", lambda content, digest: many(content, digest, 50, SARIF)),
    (
        "ten thousand referrers that no rule asks for",
        lambda content, digest: many(content, digest, 9_990, JUNK),
    ),
    ("an index of twelve platforms", lambda content, digest: index_of(content, digest, 12)),
]


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=[name for name, _ in SHAPES])
def test_rounds(
    name: str, shape: Callable[[Content, str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = loaded(example.LAYOUT)
    digest = shape(content, example.digest("clean"))
    (tmp_path / "cache").mkdir(mode=0o700)
    with Simulator(content) as registry:
        evaluated(registry, digest)  # imports
        cold = evaluated(registry, digest)
        evaluated(registry, digest, BlobCache(tmp_path / "cache"))
        warm = evaluated(registry, digest, BlobCache(tmp_path / "cache"))
        memory = traced(registry, digest)
    say(capsys, f"{name}: {cold[1]} requests in the time of {cold[0]:.1f} rounds; "
        f"warm {warm[1]} in {warm[0]:.1f}; {memory:.0f} MiB at its peak, the registry with it")  # fmt: skip
