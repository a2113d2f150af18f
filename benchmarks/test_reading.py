"""Reading a scan of ten thousand findings and an SBOM of fifty thousand packages, against the least that it could take.

The least is msgspec with types of just the fields that rules ask for, a loop over what it decodes, and the digest of
the bytes. It looks at a fifth of each text and sees no repeated key, where a reader has to look through all of it.
Also for information: `json` with pydantic models of the same fields. Figures are ratios taken in one run.
"""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from time import process_time
from typing import Any

import msgspec
import pydantic
import pytest

from policyengine.evidence import formats
from policyengine.evidence.reading import Source

FINDINGS, PACKAGES = 10_000, 50_000
TARGET = 1.5
ROUNDS = 5
SOURCE = Source("sha256:" + "1" * 64)


# ---------------------------------------------------------------------------- documents in the shape of Trivy's


def sarif(count: int) -> bytes:
    rules = [rule(number) for number in range(count // 2)]
    run = {"tool": {"driver": {"name": "Trivy", "version": "0.69.1", "rules": rules}}}
    results = [result(number, rules[number % len(rules)]["id"], number % len(rules)) for number in range(count)]
    return json.dumps({"version": "2.1.0", "runs": [{**run, "results": results}]}, indent=1).encode()


def rule(number: int) -> dict[str, Any]:
    return {
        "id": f"CVE-2024-{number:05}",
        "name": "OsPackageVulnerability",
        "shortDescription": {"text": "a flaw in a library that many use"},
        "fullDescription": {"text": "what goes wrong, for whom, and since when. " * 8},
        "help": {"text": "Vulnerability …", "markdown": "| Severity | Package | Fixed Version |\n" * 8},
        "properties": {"security-severity": "7.5", "tags": ["vulnerability", "security", "HIGH"]},
    }


def result(number: int, name: str, index: int) -> dict[str, Any]:
    message = (
        f"Package: package-{number}\nInstalled Version: 1.{number}\nVulnerability {name}\nSeverity: HIGH\n"
        f"Fixed Version: 1.{number}.1\nLink: [{name}](https://avd.example.com/nvd/{name})"
    )
    place = {"artifactLocation": {"uri": "library/app", "uriBaseId": "ROOTPATH"}, "region": {"startLine": 1}}
    return {
        "ruleId": name,
        "ruleIndex": index,
        "level": "error",
        "message": {"text": message},
        "locations": [{"physicalLocation": place, "message": {"text": "library/app: package"}}],
    }


def spdx(count: int) -> bytes:
    document = {
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "creationInfo": {"creators": ["Tool: trivy-0.69.1"], "created": "2026-01-01T00:00:00Z"},
        "packages": [package(number) for number in range(count)],
        "relationships": [
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relatedSpdxElement": f"SPDXRef-Package-{number:016x}",
                "relationshipType": "CONTAINS",
            }
            for number in range(count)
        ],
    }
    return json.dumps(document, indent=1).encode()


def package(number: int) -> dict[str, Any]:
    purl = f"pkg:deb/debian/package-{number}@1.{number}.0?arch=amd64&distro=debian-12"
    return {
        "name": f"package-{number}",
        "SPDXID": f"SPDXRef-Package-{number:016x}",
        "versionInfo": f"1.{number}.0",
        "supplier": "Organization: Debian",
        "downloadLocation": "NONE",
        "filesAnalyzed": False,
        "sourceInfo": "built package from: a source",
        "licenseConcluded": "MIT",
        "licenseDeclared": "MIT",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
        "primaryPackagePurpose": "LIBRARY",
        "annotations": [{"annotator": "Tool: trivy-0.69.1", "annotationType": "OTHER", "comment": "LayerDiffID: x"}],
    }


# ---------------------------------------------------------------------------- the least that it could take


class Message(msgspec.Struct, frozen=True):
    text: str


class Result(msgspec.Struct):
    ruleId: str  # noqa: N815 - the format's name
    message: Message


class Run(msgspec.Struct):
    results: list[Result]


class Log(msgspec.Struct):
    runs: list[Run]


class Reference(msgspec.Struct):
    referenceType: str  # noqa: N815 - the format's name
    referenceLocator: str  # noqa: N815 - the format's name


class Part(msgspec.Struct):
    name: str
    versionInfo: str = ""  # noqa: N815 - the format's name
    licenseConcluded: str = ""  # noqa: N815 - the format's name
    licenseDeclared: str = ""  # noqa: N815 - the format's name
    externalRefs: list[Reference] = []  # noqa: N815 - the format's name


class Bill(msgspec.Struct):
    packages: list[Part]


def findings_at_least(data: bytes) -> list[tuple[str, ...]]:
    sha256(data).hexdigest()
    log = msgspec.json.decode(data, type=Log)
    return [finding(each) for run in log.runs for each in run.results]


def finding(each: Any) -> tuple[str, ...]:
    said = dict(line.split(": ", 1) for line in each.message.text.split("\n") if ": " in line)
    return each.ruleId, said["Severity"], said["Fixed Version"], said["Package"], said["Installed Version"]


def packages_at_least(data: bytes) -> list[tuple[str | None, ...]]:
    sha256(data).hexdigest()
    return [fields(each) for each in msgspec.json.decode(data, type=Bill).packages]


def fields(each: Any) -> tuple[str | None, ...]:
    purl = next((other.referenceLocator for other in each.externalRefs if other.referenceType == "purl"), None)
    concluded = each.licenseConcluded
    return each.name, each.versionInfo, concluded if concluded != "NOASSERTION" else each.licenseDeclared, purl


# ---------------------------------------------------------------------------- json and pydantic, for information


class PartModel(pydantic.BaseModel):
    name: str
    versionInfo: str = ""  # noqa: N815 - the format's name
    licenseConcluded: str = ""  # noqa: N815 - the format's name
    licenseDeclared: str = ""  # noqa: N815 - the format's name
    externalRefs: list[dict[str, str]] = []  # noqa: N815 - the format's name


class BillModel(pydantic.BaseModel):
    packages: list[PartModel]


def packages_by_pydantic(data: bytes) -> object:
    sha256(data).hexdigest()
    return BillModel.model_validate(json.loads(data))


# ---------------------------------------------------------------------------- the figures


def whole(data: bytes) -> object:
    sha256(data).hexdigest()
    return formats.read(data, SOURCE)


def fastest(run: Callable[[bytes], object], data: bytes, rounds: int = ROUNDS) -> float:
    """The least CPU time of several runs, in seconds."""
    times = []
    for _ in range(rounds):
        gc.collect()
        begin = process_time()
        run(data)
        times.append(process_time() - begin)
    return min(times)


def peak(run: Callable[[bytes], object], data: bytes) -> int:
    """The most memory that a run holds at once, the bytes of the document included."""
    gc.collect()
    tracemalloc.start()
    run(data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most + len(data)


@pytest.mark.parametrize("name", ["scan", "sbom"])
def test_against_the_least(name: str) -> None:
    data = sarif(FINDINGS) if name == "scan" else spdx(PACKAGES)
    least: Callable[[bytes], object] = findings_at_least if name == "scan" else packages_at_least
    time, memory = fastest(whole, data), peak(whole, data)
    times = f"{time / fastest(least, data):.1f} times the time and {memory / peak(least, data):.1f} times the memory"
    print(f"{name}: {times} of the least (target {TARGET})")
    if name == "sbom":
        model, held = fastest(packages_by_pydantic, data, rounds=2), peak(packages_by_pydantic, data)
        print(f"      {time / model:.2f} and {memory / held:.2f} times those of pydantic")


def test_memory_and_time_grow_with_the_document() -> None:
    """Up to 200 MB: the time for each MB stays, and what is held beside the bytes stays below the bytes twice over."""
    small, large = spdx(20_000), spdx(220_000)
    size = len(large) / len(small)
    growth = fastest(whole, large, rounds=2) / fastest(whole, small) / size
    held = peak(whole, large)
    print(f"{len(large) / 1e6:.0f} MB: {growth:.2f} times the time for each MB, {held / 1e6:.0f} MB held")
    assert growth < 3
    assert held < 3 * len(large)
