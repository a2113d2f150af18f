"""SBOMs: licences as their generators mean them, kinds, nesting, and what must not be lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from policyengine.errors import EvidenceError
from policyengine.evidence import formats, licenses
from policyengine.evidence.model import Package, Sbom, Scan
from policyengine.evidence.reading import Reading, Source

Json = dict[str, Any]
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(document: Json | str | bytes, created: datetime | None = None) -> Reading:
    data = document if isinstance(document, bytes) else document.encode() if isinstance(document, str) else None
    return formats.read(json.dumps(document).encode() if data is None else data, Source("sha256:d", created=created))


def sbom(document: Json | str | bytes) -> Sbom:
    record = read(document).records[0]
    assert isinstance(record, Sbom)
    return record


def packages(document: Json | str | bytes) -> tuple[Package, ...]:
    return sbom(document).packages.items


def spdx(*listed: Any, tool: str = "syft-1.0", **others: Any) -> Json:
    creation = {"created": "2026-01-01T00:00:00Z", "creators": ["Organization: X", f"Tool: {tool}"]}
    return {"spdxVersion": "SPDX-2.3", "name": "x", "creationInfo": creation, "packages": list(listed), **others}


def cdx(*listed: Any, **others: Any) -> Json:
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": list(listed), **others}


def tag_value(*blocks: str, tool: str = "trivy-0.69.1") -> str:
    head = f"SPDXVersion: SPDX-2.3\nDocumentName: x\nCreator: Tool: {tool}\nCreated: 2026-01-01T00:00:00Z\n"
    return "\n\n".join([head, *blocks]) + "\n"


# SPDX -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "concluded", "effective"),
    [
        ("MIT", "Apache-2.0", "Apache-2.0"),
        ("MIT", "NOASSERTION", "MIT"),
        ("MIT", None, "MIT"),
        ("MIT", "NONE", "NONE"),
        ("NOASSERTION", "NOASSERTION", "NOASSERTION"),
        (None, "NOASSERTION", "NOASSERTION"),
        (None, None, None),
        ("", "", None),
    ],
)
def test_the_effective_licence(declared: str | None, concluded: str | None, effective: str | None) -> None:
    package = {"name": "a", "licenseDeclared": declared, "licenseConcluded": concluded}
    (found,) = packages(spdx(package))
    assert (found.license, found.license_declared, found.license_concluded) == (
        effective,
        declared or None,
        concluded or None,
    )
    lines = [
        f"PackageLicense{name}: {word}" for name, word in (("Declared", declared), ("Concluded", concluded)) if word
    ]
    (found,) = packages(tag_value("\n".join(["PackageName: a", *lines]), tool="syft-1.0"))
    assert found.license == effective


@pytest.mark.parametrize(
    ("tool", "effective"), [("trivy-0.54.1", "NOASSERTION"), ("trivy-0.55.0", "NONE"), ("syft-0.1", "NONE")]
)
def test_none_from_an_old_trivy_is_no_statement(tool: str, effective: str) -> None:
    (found,) = packages(spdx({"name": "a", "licenseConcluded": "NONE", "licenseDeclared": "NONE"}, tool=tool))
    assert found.license == effective


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "LIBRARY"),
        ({"primaryPackagePurpose": "CONTAINER"}, "CONTAINER"),
        ({"primaryPackagePurpose": "OPERATING-SYSTEM"}, "OPERATING_SYSTEM"),
        ({"primaryPackagePurpose": "OPERATING_SYSTEM"}, "OPERATING_SYSTEM"),
        ({"primaryPackagePurpose": "FRAMEWORK"}, "LIBRARY"),
        ({"primaryPackagePurpose": "FIRMWARE"}, "OTHER"),
        ({"SPDXID": "SPDXRef-OperatingSystem-1"}, "OPERATING_SYSTEM"),
        ({"SPDXID": "SPDXRef-DocumentRoot-Image-x"}, "CONTAINER"),
        ({"SPDXID": "SPDXRef-Application-1"}, "APPLICATION"),
    ],
)
def test_kinds_of_packages(fields: Json, kind: str) -> None:
    (found,) = packages(spdx({"name": "a", **fields}))
    assert found.kind == kind


def test_a_package_url_is_found_whatever_its_category_is_called() -> None:
    references = [
        {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x"},
        {"referenceType": "http://spdx.org/rdf/references/purl", "referenceLocator": "pkg:npm/a@1"},
    ]  # fmt: skip
    (found,) = packages(spdx({"name": "a", "externalRefs": references}))
    assert (found.purl, found.ecosystem) == ("pkg:npm/a@1", "npm")


@pytest.mark.parametrize(
    "package",
    [
        None,
        "text",
        {},
        {"name": ""},
        {"name": 5},
        {"name": "a", "versionInfo": 5},
        {"name": "a", "licenseConcluded": ["MIT"]},
        {"name": "a", "externalRefs": {}},
        {"name": "a", "externalRefs": [{"referenceType": "purl"}]},
    ],
)
def test_a_package_that_cannot_be_read_is_a_gap(package: Any) -> None:
    found = sbom(spdx({"name": "b"}, package)).packages
    assert [p.name for p in found.items] == ["b"]
    assert len(found.gaps) == 1


def test_a_document_without_a_list_of_packages_says_nothing_of_them() -> None:
    document = spdx()
    del document["packages"]
    assert sbom(document).packages.gaps[0].many
    assert not sbom(spdx()).packages.gaps
    assert read(spdx()).warnings == ("its list of packages is empty",)
    with pytest.raises(EvidenceError):
        read(spdx(packages={}))


def test_versions_that_are_not_known_are_refused() -> None:
    for document in (
        {**spdx(), "spdxVersion": "SPDX-4.0"},
        {**cdx(), "specVersion": "2.0"},
        {**cdx(), "specVersion": 1.6},
    ):
        with pytest.raises(EvidenceError):
            read(document)


def test_the_time_of_a_document_is_its_own_else_the_artifacts() -> None:
    own = datetime(2026, 1, 1, tzinfo=UTC)
    assert read(spdx(), LATER).time == own
    assert read({**spdx(), "creationInfo": {}}, LATER).time == LATER
    broken = read({**spdx({"name": "a"}), "creationInfo": {"created": "yesterday"}}, LATER)
    assert (broken.time, broken.warnings) == (LATER, ("the time of its creation cannot be read",))
    assert read(cdx({"name": "a"}, metadata={"timestamp": "2026-01-01T00:00:00.5+00:00"}), LATER).time != LATER


@pytest.mark.parametrize(
    ("tool", "name", "version"),
    [
        ("trivy-0.69.1", "trivy", "0.69.1"),
        ("syft-1.18.1", "syft", "1.18.1"),
        ("Microsoft.SBOMTool-0.0.0-preview.0", "microsoft.sbomtool", "0.0.0-preview.0"),
        ("apko (v0.8.0-53-gfaa1b37)", "apko", "v0.8.0-53-gfaa1b37"),
        ("github.com-dependency-graph", "github.com-dependency-graph", None),
        ("ko 0.12.0", "ko", "0.12.0"),
        ("Open Source Console", "open source console", None),
    ],
)
def test_the_tool_of_a_document(tool: str, name: str, version: str | None) -> None:
    assert (read(spdx(tool=tool)).tool, read(spdx(tool=tool)).tool_version) == (name, version)


def test_a_supplier_is_named_without_its_kind() -> None:
    texts = ["Organization: Debian", "Person: Jane (j@x)", "NOASSERTION", None]
    found = packages(spdx(*({"name": "a", "supplier": text} for text in texts)))
    assert [package.supplier for package in found] == ["Debian", "Jane (j@x)", None, None]


# Tag-value --------------------------------------------------------------------------------------------


def test_tags_of_files_and_texts_of_many_lines_are_not_the_packages() -> None:
    text = tag_value(
        "PackageName: a\nSPDXID: SPDXRef-Package-a\nPackageLicenseDeclared: MIT\n"
        "PackageComment: <text>PackageName: not me\nPackageLicenseDeclared: GPL-2.0-only\n</text>",
        "FileName: ./f\nSPDXID: SPDXRef-File-f\nLicenseConcluded: GPL-3.0-only\nLicenseInfoInFile: GPL-3.0-only",
        "PackageName: b\nSPDXID: SPDXRef-OperatingSystem-b\nPackageVersion: 1:2",
        "LicenseID: LicenseRef-1\nExtractedText: <text>x</text>\nLicenseName: PackageName: c",
        "Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Package-a",
    )
    found = packages(text)
    assert [(p.name, p.version, p.license, p.kind) for p in found] == [
        ("a", None, "MIT", "LIBRARY"),
        ("b", "1:2", None, "OPERATING_SYSTEM"),
    ]


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ("PackageName: a\nPackageVersion: 1\nPackageVersion: 2", 9),
        ("PackageName: a\nPackageLicenseConcluded: MIT\nPackageLicenseConcluded: MIT", 9),
        ("PackageName: a\nSPDXID: SPDXRef-1\nSPDXID: SPDXRef-2", 9),
        ("PackageVersion: 1", 7),
        ("PackageName: a\nthis is no tag", 8),
        ("PackageName: a\nPackageComment: <text>never closed\n", 8),
        ("PackageName: a\nPackageComment: <text>x</text> PackageVersion: 1", 8),
        ("PackageName: a\nExternalRef: PACKAGE-MANAGER purl", 8),
        ("SPDXVersion: SPDX-2.3", 7),
    ],
)
def test_a_broken_line_is_told(block: str, line: int) -> None:
    with pytest.raises(EvidenceError) as caught:
        read(tag_value(block))
    assert caught.value.line == line


def test_tag_value_without_a_package_says_nothing_of_them() -> None:
    assert sbom(tag_value()).packages.gaps[0].many
    assert len(sbom(tag_value("PackageName:\nPackageVersion: 1", "PackageName: b")).packages.gaps) == 1


def test_line_ends_of_other_systems_are_read() -> None:
    text = tag_value("PackageName: a\nPackageVersion: 1")
    assert packages(text.replace("\n", "\r\n").encode()) == packages(text)


# CycloneDX --------------------------------------------------------------------------------------------


def test_a_tool_without_its_array_is_the_tool() -> None:
    assert read(cdx(metadata={"tools": {"vendor": "x", "name": "Old-Tool", "version": "1"}})).tool == "old-tool"


def test_nested_components_are_packages_once() -> None:
    inner = {"name": "inner", "components": [{"name": "deepest"}]}
    pedigree = {"ancestors": [{"name": "ancestor"}]}
    found = packages(
        cdx({"name": "outer", "components": [inner, {"name": "second"}], "pedigree": pedigree}, {"name": "last"})
    )
    assert [package.name for package in found] == ["outer", "inner", "deepest", "second", "last"]


def test_components_within_the_subject_count_and_the_subject_does_not() -> None:
    root = {"type": "container", "name": "image", "components": [{"name": "part"}]}
    assert [package.name for package in packages(cdx({"name": "a"}, metadata={"component": root}))] == ["a", "part"]


@pytest.mark.parametrize("components", [5, {"name": "x"}, "x", [None], [{"name": 5}], [{}]])
def test_what_is_nested_and_broken_is_a_gap(components: Any) -> None:
    found = sbom(cdx({"name": "a", "components": components})).packages
    assert [package.name for package in found.items] == ["a"]
    assert len(found.gaps) == 1


def test_a_bom_without_components_says_nothing_of_them() -> None:
    document = cdx()
    del document["components"]
    assert sbom(document).packages.gaps[0].many
    assert read(cdx()).warnings == ("its list of components is empty",)


@pytest.mark.parametrize(
    ("entries", "license"),
    [
        ([{"license": {"id": "MIT"}}], "MIT"),
        ([{"license": {"name": "Expat or so"}}], "Expat or so"),
        ([{"expression": "MIT OR Apache-2.0"}], "MIT OR Apache-2.0"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "ISC"}}], "MIT AND ISC"),
        ([{"expression": "MIT OR Apache-2.0"}, {"license": {"id": "ISC"}}], "(MIT OR Apache-2.0) AND ISC"),
        ([{"license": {"id": "MIT"}}, {"license": {"name": "foo (bar) licence"}}], "MIT AND foo-bar-licence"),
        ([{"license": {"id": "MIT"}}, {"license": {"name": "#"}}], "MIT AND NOASSERTION"),
        ([{"license": {"name": "", "text": {"content": "All rights reserved"}}}], "a licence given as text only"),
        ([], None),
        (None, None),
    ],
)
def test_several_licences_all_hold(entries: Any, license: str | None) -> None:
    (found,) = packages(cdx({"name": "a", "licenses": entries}))
    assert (found.license, found.license_declared, found.license_concluded) == (license, license, None)


def test_free_text_beside_a_known_licence_does_not_hide_it() -> None:
    entries = [{"license": {"id": "AGPL-3.0-only"}}, {"license": {"name": "ZPL 2.1 (or so)"}}]
    (found,) = packages(cdx({"name": "a", "licenses": entries}))
    assert licenses.requires_any(licenses.parse(found.license), licenses.license_set(["AGPL-3.0-only"])) is True
    free = [{"license": {"id": "MIT"}}, {"license": {"name": "GNU Affero GPL, version 3"}}]
    (found,) = packages(cdx({"name": "a", "licenses": free}))
    assert licenses.requires_any(licenses.parse(found.license), licenses.license_set(["AGPL-3.0-only"])) is None


def test_an_acknowledged_licence_is_concluded() -> None:
    entries = [
        {"license": {"id": "MIT", "acknowledgement": "declared"}},
        {"expression": "ISC", "acknowledgement": "concluded"},
    ]
    (found,) = packages(cdx({"name": "a", "licenses": entries}))
    assert (found.license, found.license_declared, found.license_concluded) == ("ISC", "MIT", "ISC")


def test_a_bom_names_the_image_by_its_digest() -> None:
    """In a package URL, as Trivy writes it; as Syft's version; as Xray's version, which is Artifactory's folder."""
    digest = "a" * 64
    for fields in (
        {"purl": f"pkg:oci/a@sha256%3A{digest}"},
        {"version": f"sha256:{digest}"},
        {"version": f"sha256__{digest}"},
    ):
        metadata = {"component": {"type": "container", "name": "a", **fields}}
        assert read(cdx(metadata=metadata)).subjects == (f"sha256:{digest}",)


def test_groups_belong_to_names() -> None:
    maven = {"group": "org.x", "name": "a", "purl": "pkg:maven/org.x/a@1"}
    found = packages(cdx({"group": "@scope", "name": "a"}, maven))
    assert [package.name for package in found] == ["@scope/a", "org.x:a"]


def vulnerable(*listed: Json, components: tuple[Json, ...] = ({"name": "a", "bom-ref": "c1"},)) -> Reading:
    tools = {"components": [{"name": "Trivy", "version": "0.69.1"}]}
    metadata = {"timestamp": "2026-01-01T00:00:00Z", "tools": tools}
    return read(cdx(*components, metadata=metadata, vulnerabilities=list(listed)))


def packages_of(reading: Reading) -> tuple[Package, ...]:
    (found,) = [record for record in reading.records if isinstance(record, Sbom)]
    return found.packages.items


def scan_in(reading: Reading) -> Scan:
    (found,) = [record for record in reading.records if isinstance(record, Scan)]
    return found


def test_vulnerabilities_that_a_bom_lists_are_a_scan_beside_the_sbom() -> None:
    affects = [{"ref": "c1"}, {"ref": "urn:cdx:x/1#c1"}, {"ref": "pkg:npm/b@2"}, {"ref": "elsewhere"}]
    reading = vulnerable({"id": "CVE-2024-0001", "affects": affects}, {"id": "CVE-2024-0002"})
    assert reading.kind == "sbom"
    scan = scan_in(reading)
    assert (scan.tool, scan.tool_version, scan.finished) == ("trivy", "0.69.1", datetime(2026, 1, 1, tzinfo=UTC))
    assert [str(each.package) for each in scan.findings.items] == ["a", "a", "pkg:npm/b@2", "elsewhere", "None"]
    assert {each.severity for each in scan.findings.items} == {None}


def test_a_bom_of_vulnerabilities_alone_is_a_scan() -> None:
    reading = vulnerable({"id": "CVE-2024-0001"}, components=())
    assert (reading.kind, [type(record) for record in reading.records]) == ("scan", [Scan])
    assert not [record for record in vulnerable(components=()).records if isinstance(record, Scan)]


@pytest.mark.parametrize(
    ("ratings", "severity", "score"),
    [
        ([{"severity": "low", "source": {"name": "debian"}}, {"severity": "critical", "score": 9.8}], 1, None),
        ([{"severity": "unknown", "source": {"name": "debian"}}, {"severity": "high"}], 3, None),
        ([{"severity": "low"}, {"severity": "critical", "score": 9.8}, {"severity": "none"}], 4, "9.8"),
        ([{"score": 7.5}, {"score": 0}], 3, "7.5"),
        ([{"severity": "terrible"}], None, None),
        ([], None, None),
    ],
)
def test_the_rating_of_the_source_counts_else_the_worst(ratings: Any, severity: int | None, score: str | None) -> None:
    listed = {"id": "CVE-2024-0001", "source": {"name": "debian"}, "ratings": ratings}
    (found,) = scan_in(vulnerable(listed)).findings.items
    assert (found.severity, found.cvss) == (severity, Decimal(score) if score else None)


def test_an_analysis_takes_no_finding_away() -> None:
    analysed = {"id": "CVE-2024-0001", "analysis": {"state": "not_affected"}, "affects": [{"ref": "c1"}]}
    scan = scan_in(vulnerable(analysed, {"id": "CVE-2024-0002"}))
    assert [each.ids for each in scan.findings.items] == [("CVE-2024-0001",), ("CVE-2024-0002",)]
    assert not [record for record in vulnerable(analysed).records if isinstance(record, Scan)]


def test_a_vulnerability_in_a_bom_that_cannot_be_read_leaves_a_gap() -> None:
    scan = scan_in(vulnerable({"id": "CVE-2024-0001"}, {"id": "CVE-2024-0002", "ratings": [{"severity": 5}]}, {}))
    assert len(scan.findings.items) == 1
    assert [gap.reason for gap in scan.findings.gaps] == [
        'vulnerability 2 cannot be read: "severity" is a number, not a text',
        'vulnerability 3 cannot be read: "id" is missing',
    ]


def test_vulnerabilities_in_xml_say_the_same() -> None:
    reading = read(
        """<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component type="library" bom-ref="c1">
        <name>a</name></component></components><vulnerabilities><vulnerability><id>CVE-2024-0001</id>
        <ratings><rating><score>9.8</score><severity>critical</severity></rating></ratings>
        <affects><target><ref>c1</ref></target></affects></vulnerability></vulnerabilities></bom>"""
    )
    (found,) = scan_in(reading).findings.items
    assert (found.severity, found.cvss, str(found.package)) == (4, Decimal("9.8"), "a")


def test_vulnerabilities_of_the_extension_before_1_4_are_findings() -> None:
    """Grype wrote them within components until 0.22, with ids of their own; others beside the components."""
    one = """<v:vulnerability{ref}><v:id>{id}</v:id><v:source name="nvd"/><v:ratings><v:rating><v:score><v:base>{score}
        </v:base></v:score><v:severity>{severity}</v:severity></v:rating></v:ratings></v:vulnerability>"""
    within = one.format(ref=' ref="urn:uuid:1"', id="CVE-2024-0001", score="9.8", severity="Critical")
    within += one.format(ref=' ref="urn:uuid:2"', id="CVE-2024-0002", score="0", severity="Low")
    beside = one.format(ref=' ref="c2"', id="CVE-2024-0003", score="7.5", severity="")
    beside += one.format(ref="", id="CVE-2024-0004", score="1", severity="Low")
    reading = read(
        f"""<bom xmlns="http://cyclonedx.org/schema/bom/1.2" xmlns:v="http://cyclonedx.org/schema/ext/vulnerability/1.0">
        <components><component><name>a</name><v:vulnerabilities>{within}</v:vulnerabilities></component>
        <component bom-ref="c2"><name>b</name><v:name>other</v:name></component></components>
        <v:vulnerabilities>{beside}</v:vulnerabilities></bom>"""
    )
    found = [(each.ids[0][-1], each.severity, each.cvss, str(each.package)) for each in scan_in(reading).findings.items]
    assert found == [("1", 4, Decimal("9.8"), "a"), ("2", 1, None, "a"), ("3", 3, Decimal("7.5"), "b")]
    assert len(scan_in(reading).findings.gaps) == 1
    assert (reading.kind, len(packages_of(reading))) == ("sbom", 2)


# XML ------------------------------------------------------------------------------------------------

XML = """<?xml version="1.0"?>
<c:bom xmlns:c="http://cyclonedx.org/schema/bom/1.4" xmlns:v="http://example.com/other">
 <c:metadata><c:timestamp>2026-01-01T00:00:00Z</c:timestamp><c:tools><c:tool><c:name>Gen</c:name></c:tool></c:tools></c:metadata>
 <c:components>
  <c:component type="library"><c:group>g</c:group><c:name>a</c:name><c:version>1</c:version>
   <c:licenses><c:license><c:id>MIT</c:id></c:license><c:expression>ISC OR 0BSD</c:expression></c:licenses>
   <c:purl>pkg:npm/%40g/a@1</c:purl>
   <c:components><c:component type="file"><c:name>inner</c:name></c:component></c:components>
   <c:pedigree><c:ancestors><c:component><c:name>old</c:name></c:component></c:ancestors></c:pedigree>
   <v:components><v:component><v:name>foreign</v:name></v:component></v:components>
  </c:component>
 </c:components>
</c:bom>"""


def test_xml_is_read_like_json() -> None:
    found = packages(XML)
    assert [(p.name, p.kind, p.license) for p in found] == [
        ("g/a", "LIBRARY", "MIT AND (ISC OR 0BSD)"),
        ("inner", "FILE", None),
    ]
    assert (read(XML).tool, read(XML).format, str(read(XML).time)) == (
        "gen",
        "cyclonedx-xml-1.4",
        "2026-01-01 00:00:00+00:00",
    )


@pytest.mark.parametrize(
    ("written", "declared", "concluded"),
    [
        ('<expression-detailed expression="ISC"><details><text>x</text></details></expression-detailed>', "ISC", None),
        ('<expression-detailed expression="ISC" acknowledgement="concluded"/>', None, "ISC"),
        ('<license acknowledgement="concluded"><id>MIT</id></license>', None, "MIT"),
        ("<license><text>All rights reserved</text></license>", "a licence given as text only", None),
        ("<license></license>", "NOASSERTION", None),
    ],
)
def test_licences_in_xml(written: str, declared: str | None, concluded: str | None) -> None:
    """An expression with details since CycloneDX 1.7; an empty licence by retire.js."""
    (found,) = packages(
        f"""<bom xmlns="http://cyclonedx.org/schema/bom/1.7"><components><component><name>a</name>
        <licenses>{written}</licenses></component></components></bom>"""
    )
    assert (found.license_declared, found.license_concluded) == (declared, concluded)


def test_a_tool_in_xml_may_be_a_service() -> None:
    reading = read(
        """<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><metadata><tools><services><service><name>Gen</name>
        <version>1</version></service></services></tools></metadata><components/></bom>"""
    )
    assert (reading.tool, reading.tool_version) == ("gen", "1")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<c:name>a</c:name>", "<c:name>a</c:name><c:name>b</c:name>"),
        ("<c:purl>", "<c:purl>pkg:npm/b@1</c:purl><c:purl>"),
        ("</c:metadata>", "</c:metadata><c:components/>"),
        ("<c:group>", "<c:group>&unknown;"),
        ("<?xml version=\"1.0\"?>", "<!DOCTYPE bom SYSTEM \"http://example.com/x.dtd\">"),
        (" <c:components>", "<c:x>" * 200 + "</c:x>" * 200 + " <c:components>"),
        ("</c:bom>", ""),
    ],
)  # fmt: skip
def test_xml_that_says_two_things_or_nests_too_deep_is_refused(old: str, new: str) -> None:
    with pytest.raises(EvidenceError):
        read(XML.replace(old, new, 1))


def test_a_billion_laughs_are_not_heard() -> None:
    bomb = "<!DOCTYPE b [" + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10)) + "]>"
    with pytest.raises(EvidenceError, match="document type"):
        read(bomb + XML.partition("?>")[2].replace("<c:name>a", "<c:name>&l9;", 1))


# SPDX 3 ---------------------------------------------------------------------------------------------


def spdx3(*elements: Any) -> Json:
    info = {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "2026-01-01T00:00:00Z"}
    return {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [info, *elements]}


def related(kind: str, start: str, *to: Any) -> Json:
    return {
        "type": "Relationship",
        "spdxId": f"r-{start}-{kind}",
        "relationshipType": kind,
        "from": start,
        "to": list(to),
    }


def test_the_same_bill_in_spdx_2_and_3_holds_the_same(shared: Path) -> None:
    folder = shared / "data" / "evidence" / "spdx"
    two = packages((folder / "spdx-examples-example9-2.2.spdx.json").read_bytes())
    three = packages((folder / "spdx-examples-example9-3.0.spdx3.json").read_bytes())

    def seen(found: tuple[Package, ...]) -> set[tuple[Any, ...]]:
        written = {"(LicenseRef-1 AND Apache-2.0)": "(Apache-2.0 AND LicenseRef-1)"}
        return {(p.name, p.version, p.purl, written.get(str(p.license), p.license)) for p in found}

    assert seen(two) == seen(three)


@pytest.mark.parametrize(
    ("target", "license"),
    [
        ("https://spdx.org/licenses/MIT", "MIT"),
        ("https://spdx.org/rdf/3.0.1/terms/Licensing/NoAssertion", "NOASSERTION"),
        ("https://spdx.org/rdf/3.0.1/terms/Licensing/None", "NONE"),
        ({"type": "simplelicensing_LicenseExpression", "simplelicensing_licenseExpression": "ISC"}, "ISC"),
        ("set", "MIT AND (ISC OR 0BSD)"),
        ("nowhere", "NOASSERTION"),
        ("http://spdx.org/licenses/NoAssertionLicense", "NOASSERTION"),
        ({"type": "expandedlicensing_NoneLicense", "spdxId": "urn:x"}, "NONE"),
        (
            {"type": "expandedlicensing_ListedLicense", "spdxId": "https://spdx.org/licenses/MIT", "name": "The MIT"},
            "MIT",
        ),
    ],
)
def test_licences_of_spdx_3(target: Any, license: str) -> None:
    inner = {
        "type": "expandedlicensing_DisjunctiveLicenseSet", "spdxId": "inner",
        "expandedlicensing_member": ["https://spdx.org/licenses/ISC", "https://spdx.org/licenses/0BSD"],
    }  # fmt: skip
    outer = {
        "type": "expandedlicensing_ConjunctiveLicenseSet", "spdxId": "set",
        "expandedlicensing_member": ["https://spdx.org/licenses/MIT", "inner"],
    }  # fmt: skip
    package = {"type": "software_Package", "spdxId": "p", "name": "a", "software_packageUrl": "pkg:npm/a@1"}
    for kind in ("hasDeclaredLicense", "HAS_DECLARED_LICENSE"):
        (found,) = packages(spdx3(package, related(kind, "p", target), inner, outer))
        assert (found.license, found.license_declared) == (license, license)


def test_tool_and_supplier_in_spdx_3_are_written_as_in_spdx_2() -> None:
    """As Microsoft's sbom-tool writes them."""
    supplier = {"type": "Organization", "spdxId": "s", "name": "Organization: Microsoft"}
    reading = read(spdx3(
        {"type": "Tool", "spdxId": "t", "name": "Microsoft.SBOMTool-3.0.1"}, supplier,
        {"type": "software_Package", "spdxId": "p", "name": "a", "suppliedBy": "s"},
    ))  # fmt: skip
    assert (reading.tool, reading.tool_version) == ("microsoft.sbomtool", "3.0.1")
    assert packages_of(reading)[0].supplier == "Microsoft"
    assert (read(spdx3()).tool, read(spdx3()).tool_version) == (None, None)


def test_statements_in_spdx_3_are_not_read_and_said_not_to_be() -> None:
    """As lib4vex writes them."""
    reading = read(spdx3({"type": "security_VexNotAffectedVulnAssessmentRelationship"}, {"type": "software_Package"}))
    assert reading.warnings == ("its 1 statements about vulnerabilities are not read",)


def test_a_document_names_licences_of_its_own() -> None:
    json_names: Json = {"hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-1", "name": "Acme"}]}
    tags = "LicenseID: LicenseRef-1\nExtractedText: <text>LicenseName: x</text>\nLicenseName: Acme"
    unnamed = "LicenseID: LicenseRef-2\nLicenseName: NOASSERTION"
    yaml = "spdxVersion: SPDX-2.3\nhasExtractedLicensingInfos:\n- {licenseId: LicenseRef-1, name: Acme}\npackages: []"
    entries = [
        {"type": "DictionaryEntry", "key": "LicenseRef-1", "value": "l"},
        {"key": "LicenseRef-2", "value": []},
        5,
    ]
    graph = spdx3(
        {"type": "simplelicensing_LicenseExpression", "spdxId": "e", "simplelicensing_customIdToUri": entries},
        {"type": "simplelicensing_SimpleLicensingText", "spdxId": "l", "name": "Acme"},
    )
    for document in (spdx(**json_names), tag_value("PackageName: a", tags, unnamed), yaml, graph):
        assert read(document).license_names == {"LicenseRef-1": "Acme"}


def test_licence_sets_that_hold_each_other_are_a_gap_and_take_no_time() -> None:
    loop = [
        {
            "type": "expandedlicensing_ConjunctiveLicenseSet",
            "spdxId": f"s{n}",
            "expandedlicensing_member": [f"s{n + 1}"] * 10,
        }
        for n in range(30)
    ]
    loop[-1]["expandedlicensing_member"] = ["s0"]
    package = {"type": "software_Package", "spdxId": "p", "name": "a"}
    found = sbom(spdx3(package, related("hasDeclaredLicense", "p", "s0"), *loop)).packages
    assert (len(found.items), len(found.gaps)) == (0, 1)


def test_packages_of_special_kinds_and_elements_without_type() -> None:
    found = sbom(
        spdx3({"type": "ai_AIPackage", "name": "model"}, {"type": "software_File", "name": "f"}, {"name": "x"}, None)
    ).packages
    assert [package.name for package in found.items] == ["model"]
    assert len(found.gaps) == 2
    assert sbom(spdx3()).packages.gaps[0].many


# Syft and GitHub --------------------------------------------------------------------------------------


def test_syfts_own_json() -> None:
    licences = [
        {"value": "GPL", "spdxExpression": "", "type": "declared"},
        {"value": "x", "spdxExpression": "MIT", "type": "concluded"},
    ]
    artifacts = [
        {"name": "a", "version": "1", "purl": "pkg:deb/debian/a@1", "licenses": licences},
        {"name": "b", "licenses": ["MIT", "ISC"]},
        {"name": "c", "licenses": [5]},
    ]
    report = {
        "artifacts": artifacts, "descriptor": {"name": "syft", "version": "1.18.1"}, "schema": {"version": "16.0.0"},
        "source": {"type": "image", "metadata": {"repoDigests": ["r.example/x@sha256:" + "a" * 64]}},
    }  # fmt: skip
    found = sbom(report)
    assert [(p.name, p.license, p.license_declared) for p in found.packages.items] == [
        ("a", "MIT", "GPL"),
        ("b", "MIT AND ISC", "MIT AND ISC"),
    ]
    assert len(found.packages.gaps) == 1
    assert (read(report).format, read(report).subjects) == ("syft-json-16.0.0", ("sha256:" + "a" * 64,))
    with pytest.raises(EvidenceError):
        read({**report, "artifacts": None})


def test_githubs_answer_and_snapshot() -> None:
    assert [package.name for package in packages({"sbom": spdx({"name": "a"})})] == ["a"]
    resolved = {"a": {"package_url": "pkg:npm/%40s/a@1"}, "b": {"package_url": None}}
    snapshot = {
        "version": 0, "detector": {"name": "syft", "version": "1"}, "scanned": "2026-01-01T00:00:00Z",
        "manifests": {"x": {"name": "x", "resolved": resolved}},
    }  # fmt: skip
    found = sbom(snapshot).packages
    assert ([package.name for package in found.items], len(found.gaps)) == (["a"], 1)
    assert sbom({**snapshot, "manifests": {}}).packages.gaps[0].many
    assert sbom({**snapshot, "manifests": {"x": 5}}).packages.gaps[0].many


@pytest.mark.parametrize("listed", [{}, {"components": None}, {"components": []}])
def test_statements_without_a_component_are_no_sbom_that_could_supersede_one(listed: Json) -> None:
    analysis = {"state": "not_affected", "justification": "code_not_reachable"}
    vulnerability = {"id": "CVE-2024-0001", "analysis": analysis, "affects": [{"ref": "pkg:npm/a@1"}]}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", **listed, "vulnerabilities": [vulnerability]}
    found = read(document)

    assert (found.kind, [record.kind for record in found.records]) == ("vex", ["vex"])
    assert read({**document, "components": [{"name": "a"}]}).kind == "sbom"


# YAML -----------------------------------------------------------------------------------------------

YAML = b"""\
# written by hand
SPDXID: "SPDXRef-DOCUMENT"
creationInfo:
  created: 2026-01-01T00:00:00Z
  creators:
  - 'Tool: bom-v0.5.1'
name: x
packages:
- SPDXID: SPDXRef-a
  name: a
  versionInfo: 1.10
  filesAnalyzed: false
  licenseConcluded: NOASSERTION
  licenseDeclared: >-
    MIT OR
    Apache-2.0
  supplier: ~
  externalRefs:
  - {referenceCategory: PACKAGE_MANAGER, referenceType: purl, referenceLocator: "pkg:npm/a@1.10"}
- name: no
  versionInfo: "null"
spdxVersion: SPDX-2.2
"""


def test_yaml_is_read_as_its_json() -> None:
    reading = formats.read(YAML, Source("sha256:d"))
    assert (reading.format, reading.tool, reading.tool_version) == ("spdx-yaml-2.2", "bom", "v0.5.1")
    assert not reading.warnings
    (sbom,) = reading.records
    assert isinstance(sbom, Sbom)
    first, second = sbom.packages.items
    assert (first.name, first.version, first.purl) == ("a", "1.10", "pkg:npm/a@1.10")
    assert (first.license, first.supplier) == ("MIT OR Apache-2.0", None)
    assert (second.name, second.version) == ("no", "null")


@pytest.mark.parametrize("value", ["5", "{x: y}", "[x]", "[null]", "null"])
def test_a_package_of_another_shape_is_a_gap(value: str) -> None:
    text = YAML.replace(b"- name: no\n", f"- {value}\n- name: no\n".encode())
    (sbom,) = formats.read(text, Source("sha256:d")).records
    assert isinstance(sbom, Sbom)
    assert (len(sbom.packages.items), len(sbom.packages.gaps)) == (2, 1)
