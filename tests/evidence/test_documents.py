"""Several tools and formats about the same image: they agree, but for what a format cannot say."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyengine.evidence import formats, purls
from policyengine.evidence.model import Finding, Package, Sbom, Scan, Severity
from policyengine.evidence.reading import Reading, Source, summarise

HERE = Path(__file__).parent / "documents"
IMAGE = "sha256:7b9381fe80c121c95fef486d892660d5a71b6ccad0523ec4ab91feb667549109"


def read(name: str) -> Reading:
    return formats.read((HERE / name).read_bytes(), Source("sha256:" + "1" * 64))


def findings(name: str) -> list[Finding]:
    scan = read(name).records[0]
    assert isinstance(scan, Scan)
    assert not scan.findings.gaps
    return list(scan.findings.items)


def packages(name: str) -> list[Package]:
    sbom = read(name).records[0]
    assert isinstance(sbom, Sbom)
    assert not sbom.packages.gaps
    return list(sbom.packages.items)


FORMATS = {
    "trivy.sarif.json": "sarif-2.1.0",
    "trivy.json": "trivy-json-2",
    "sbom.spdx.json": "spdx-json-2.3",
    "sbom.spdx": "spdx-tag-value-2.3",
    "sbom.cdx.json": "cyclonedx-json-1.6",
    "syft.spdx.json": "spdx-json-2.3",
    "syft.spdx": "spdx-tag-value-2.3",
    "syft.cdx.json": "cyclonedx-json-1.6",
}


@pytest.mark.parametrize(("name", "format"), FORMATS.items())
def test_content_decides_the_format(name: str, format: str) -> None:
    assert read(name).format == format
    family = formats.sniff((HERE / name).read_bytes())
    assert family is not None
    assert format.startswith(family.removesuffix("-json"))


def test_trivys_two_scans_hold_the_same_findings() -> None:
    def seen(name: str) -> list[tuple[object, ...]]:
        return [
            (f.ids, f.severity, f.fix, f.package and (f.package.name, f.package.version), f.category, f.title, f.tool)
            for f in findings(name)
        ]

    assert seen("trivy.sarif.json") == seen("trivy.json")
    assert len(findings("trivy.json")) == 7


def test_what_sarif_cannot_say() -> None:
    """The table of differences: package URLs, publication and the time of the scan are in the native JSON only."""
    sarif, native = findings("trivy.sarif.json"), findings("trivy.json")
    assert all(f.package and f.package.purl is None for f in sarif)
    assert all(f.package and f.package.purl for f in native)
    assert all(f.published is None for f in sarif)
    assert all(f.published for f in native)
    assert read("trivy.sarif.json").time is None
    assert read("trivy.json").time is not None
    same = [f.location == g.location for f, g in zip(sarif, native, strict=True)]
    assert same == [False] * 3 + [True] * 4  # for packages of the system SARIF names the repository, JSON the target
    scores = [(f.cvss, g.cvss) for f, g in zip(sarif, native, strict=True)]
    assert all(one == other or one is None for one, other in scores)  # where no vendor has a score, SARIF invents one


def test_every_number_and_name_is_right() -> None:
    first = findings("trivy.sarif.json")[0]
    assert (first.ids, first.severity) == (("CVE-2023-38545",), Severity.CRITICAL)
    assert str(first.cvss) == "9.8"
    assert (str(first.package), first.fix) == ("curl 7.88.1-10", "7.88.1-10+deb12u4")
    summary = summarise(read("trivy.sarif.json"))
    assert summary == {
        "kind": "scan",
        "format": "sarif-2.1.0",
        "tool": "trivy",
        "toolVersion": "0.69.1",
        "findings": 7,
        "bySeverity": {"CRITICAL": 3, "HIGH": 2, "MEDIUM": 2},
        "byCategory": {"VULNERABILITY": 7},
        "fixable": 7,
        "suppressed": 0,
        "warnings": [],
    }


LIBRARIES = ("sbom.spdx.json", "sbom.spdx", "sbom.cdx.json", "syft.spdx.json", "syft.spdx", "syft.cdx.json")


def heads(name: str) -> set[str]:
    """Library packages by type, namespace, name and version, which is what both tools agree on."""
    found = [purls.parse(package.purl) for package in packages(name) if package.kind == "LIBRARY"]
    return {f"{purl.head}@{(purl.version or '').removeprefix('1:')}" for purl in found if purl}


@pytest.mark.parametrize("name", LIBRARIES)
def test_all_sboms_hold_the_same_libraries(name: str) -> None:
    assert heads(name) == heads("sbom.spdx.json")
    assert len(heads(name)) == 10


@pytest.mark.parametrize("name", LIBRARIES)
def test_all_sboms_state_the_same_licences(name: str) -> None:
    """Syft concludes nothing: what it knows is declared. CycloneDX does not say which of the two it is."""

    def licences(name: str) -> dict[str, str | None]:
        return {p.name.lower(): p.license for p in packages(name) if p.kind == "LIBRARY"}

    assert licences(name) == licences("sbom.spdx.json")
    concluded = {p.license_concluded for p in packages(name) if p.kind == "LIBRARY"}
    assert (concluded - {"NOASSERTION", None} == set()) == (name not in {"sbom.spdx.json", "sbom.spdx"})


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("sbom.spdx.json", {"CONTAINER": 1, "OPERATING_SYSTEM": 1, "LIBRARY": 10}),
        ("sbom.spdx", {"CONTAINER": 1, "OPERATING_SYSTEM": 1, "LIBRARY": 10}),
        ("sbom.cdx.json", {"OPERATING_SYSTEM": 1, "LIBRARY": 10}),  # the image is the BOM's own subject
        ("syft.spdx.json", {"CONTAINER": 1, "LIBRARY": 10}),
        ("syft.spdx", {"CONTAINER": 1, "LIBRARY": 10}),
        ("syft.cdx.json", {"OPERATING_SYSTEM": 1, "LIBRARY": 10}),
    ],
)
def test_the_image_and_the_system_are_packages_of_their_own_kind(name: str, kinds: dict[str, int]) -> None:
    found = [package.kind for package in packages(name)]
    assert {kind: found.count(kind) for kind in found} == kinds


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_document_says_about_its_subject(name: str) -> None:
    assert read(name).subjects == (() if name == "syft.cdx.json" else (IMAGE,))


@pytest.mark.parametrize("name", FORMATS)
def test_the_maker_is_named(name: str) -> None:
    reading = read(name)
    tool = "syft" if name.startswith("syft") else "trivy"
    assert (reading.tool, reading.tool_version) == (tool, {"syft": "1.18.1", "trivy": "0.69.1"}[tool])
    assert not reading.warnings


CANNOT = {
    "sbom.cdx.json": "the image is what the BOM is about, and is none of its components",
    "syft.cdx.json": "the same, and the digest of the image is not said at all",
    "syft.spdx.json": "the operating system is no package",
    "syft.spdx": "the operating system is no package",
}
"""Where the SBOMs of one image differ because their formats, or their makers, do not say more."""


@pytest.mark.parametrize("image", ["vulnerable", "copyleft"])
def test_tools_agree_about_the_images_beside_the_checkout(image: str, shared: Path) -> None:
    def of(name: str) -> Reading:
        data = (shared / "fixtures" / "documents" / image / name).read_bytes()
        return formats.read(data, Source("sha256:" + "1" * 64))

    def known(name: str) -> tuple[set[tuple[str, str, str]], set[str]]:
        (sbom,) = of(name).records
        assert isinstance(sbom, Sbom)
        libraries = {
            (purl.name, (purl.version or "").removeprefix("1:"), (each.license or "").strip("()"))
            for each in sbom.packages.items
            if each.kind == "LIBRARY" and (purl := purls.parse(each.purl))
        }
        return libraries, {each.kind for each in sbom.packages.items}

    whole, kinds = known("sbom.spdx.json")
    assert len(whole) == 10
    assert kinds == {"LIBRARY", "CONTAINER", "OPERATING_SYSTEM"}
    for name in LIBRARIES:
        libraries, found = known(name)
        assert libraries == whole
        assert (found == kinds) == (name not in CANNOT)
    seen = [
        [(f.ids, f.severity, f.fix, f.package and (f.package.name, f.package.version)) for f in scanned(of(name))]
        for name in ("trivy.sarif.json", "trivy.json")
    ]
    assert seen[0] == seen[1]
    assert len(seen[0]) == (7 if image == "vulnerable" else 0)


def scanned(reading: Reading) -> list[Finding]:
    (scan,) = reading.records
    assert isinstance(scan, Scan)
    return list(scan.findings.items)
