"""VEX, in-toto statements and declared kinds: what helps an artifact must be certain."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from policyengine.errors import EvidenceError
from policyengine.evidence import formats, pieces
from policyengine.evidence.custom import read_custom
from policyengine.evidence.model import Provenance, Sbom, Scan, Severity, Vex
from policyengine.evidence.reading import Reading, Source

Json = dict[str, Any]
IMAGE = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOURCE = Source("sha256:d", image=(IMAGE,))


def read(document: Any, source: Source = SOURCE) -> Reading:
    return formats.read(json.dumps(document).encode(), source)


def statements(document: Any, source: Source = SOURCE) -> list[Vex]:
    return [record for record in read(document, source).records if isinstance(record, Vex)]


def refusal(document: Any, source: Source = SOURCE) -> str:
    with pytest.raises(EvidenceError) as caught:
        read(document, source)
    return caught.value.message


# OpenVEX --------------------------------------------------------------------------------------------


def openvex(*listed: Json, **others: Any) -> Json:
    return {"@context": "https://openvex.dev/ns/v0.2.0", "author": "A", "statements": list(listed), **others}


def statement(*products: Any, status: str = "not_affected", **others: Any) -> Json:
    reason = {"justification": "component_not_present"} if status == "not_affected" else {}
    return {
        "vulnerability": {"name": "CVE-2024-0001"},
        "products": list(products),
        "status": status,
        **reason,
        **others,
    }


LIBRARY = {"@id": "pkg:npm/a@1"}
HERE = {"@id": f"pkg:oci/app@{IMAGE.replace(':', '%3A')}"}


@pytest.mark.parametrize(
    ("product", "covered"),
    [
        (LIBRARY, {"pkg:npm/a@1"}),
        ({"@id": "urn:x", "identifiers": {"purl": "pkg:npm/a@1"}}, {"pkg:npm/a@1"}),
        ({**HERE, "subcomponents": [LIBRARY]}, {"pkg:npm/a@1"}),
        ({"@id": "x", "hashes": {"sha-256": "a" * 64}, "subcomponents": [LIBRARY]}, {"pkg:npm/a@1"}),
        ({"@id": f"pkg:oci/app@{OTHER}", "subcomponents": [LIBRARY]}, set()),
        ({"@id": "pkg:oci/app", "subcomponents": [LIBRARY]}, set()),
        ({"@id": "pkg:npm/parent@1", "subcomponents": [LIBRARY]}, set()),
        ({**HERE, "subcomponents": [{"@id": "urn:no-purl"}]}, set()),
        (HERE, set()),
        ({"@id": "nginx"}, set()),
        ({"@id": "pkg:broken"}, set()),
        ({}, set()),
    ],
)
def test_only_a_certain_product_is_covered(product: Json, covered: set[str]) -> None:
    (found,) = statements(openvex(statement(product)))
    assert found.products == covered


def test_without_knowing_the_image_nothing_in_it_is_covered() -> None:
    (found,) = statements(openvex(statement({**HERE, "subcomponents": [LIBRARY]})), Source("sha256:d"))
    assert found.products == frozenset()


def test_a_statement_without_a_reason_has_no_status() -> None:
    bare = {**statement(LIBRARY), "justification": None}
    assert [s.status for s in statements(openvex(bare, {**bare, "impact_statement": "x"}))] == [None, "NOT_AFFECTED"]
    assert "without a reason" in read(openvex(bare)).warnings[0]


def test_ids_aliases_and_addresses_name_the_vulnerability() -> None:
    named = {
        "name": "GHSA-c5q2-7r4c-mv6g",
        "@id": "https://nvd.nist.gov/vuln/detail/CVE-2024-28180",
        "aliases": ["GO-2024-2631"],
    }
    (found,) = statements(openvex({**statement(LIBRARY), "vulnerability": named}))
    assert found.ids == ("CVE-2024-28180", "GHSA-C5Q2-7R4C-MV6G", "GO-2024-2631")


def test_openvex_under_the_empty_context_of_vexctl_merge() -> None:
    merged = openvex(statement(LIBRARY, status="affected"), **{"@context": ""})
    (found,) = statements(merged)
    assert (found.status, found.products) == ("AFFECTED", frozenset({LIBRARY["@id"]}))
    assert read(merged).format == "openvex-unknown"
    assert read(merged).warnings == ("it does not state its OpenVEX version",)
    assert refusal({"@context": "", "statements": [{"vulnerability": "CVE-2024-0001"}]})


def test_the_first_version_of_openvex() -> None:
    listed = {"vulnerability": "CVE-2024-0001", "products": ["pkg:npm/a@1"], "status": "fixed"}
    document = {"@context": "https://openvex.dev/ns", "statements": [listed]}
    (found,) = statements(document)
    assert (found.ids, found.status, found.products) == (("CVE-2024-0001",), "FIXED", frozenset({"pkg:npm/a@1"}))
    inside = {**listed, "products": [HERE["@id"]], "subcomponents": ["pkg:npm/b@2"]}
    assert statements({**document, "statements": [inside]})[0].products == {"pkg:npm/b@2"}


def test_times_come_from_the_statement_the_document_the_artifact() -> None:
    def time(document: Json) -> str:
        return str(statements(document, Source("sha256:d", created=LATER))[0].timestamp)

    assert (
        time(openvex(statement(LIBRARY, timestamp="2026-01-01T00:00:00Z"), timestamp="2026-02-01T00:00:00Z"))[:7]
        == "2026-01"
    )
    assert time(openvex(statement(LIBRARY), timestamp="2026-02-01T00:00:00")) == "2026-02-01 00:00:00+00:00"
    assert time(openvex(statement(LIBRARY))) == str(LATER)


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "unaffected"},
        {"status": None},
        {"vulnerability": {}},
        {"vulnerability": None},
        {"vulnerability": {"name": 5}},
        {"products": {}},
        {"products": [{"subcomponents": 5}]},
    ],
)
def test_a_statement_that_cannot_be_read_spoils_its_document(broken: Json) -> None:
    assert refusal(openvex(statement(LIBRARY), {**statement(LIBRARY, status="affected"), **broken}))


# CSAF -----------------------------------------------------------------------------------------------


def csaf(*vulnerabilities: Json, status: str = "final", tree: Json | None = None) -> Json:
    helper = {"product_id": "P", "name": "x", "product_identification_helper": {"purl": "pkg:npm/a@1"}}
    branches = {"branches": [{"branches": [{"category": "product_version", "name": "1", "product": helper}]}]}
    document = {
        "category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "V"},
        "tracking": {"status": status, "current_release_date": "2026-01-01T00:00:00Z"},
    }  # fmt: skip
    return {"document": document, "product_tree": tree or branches, "vulnerabilities": list(vulnerabilities)}


FLAG = {"label": "component_not_present", "product_ids": ["P"]}


@pytest.mark.parametrize(
    ("vulnerability", "statuses"),
    [
        ({"product_status": {"known_not_affected": ["P"]}, "flags": [FLAG]}, ["NOT_AFFECTED"]),
        (
            {"product_status": {"known_not_affected": ["P"]}, "threats": [{"category": "impact", "details": "x"}]},
            ["NOT_AFFECTED"],
        ),
        ({"product_status": {"known_not_affected": ["P"]}, "flags": [{**FLAG, "product_ids": ["Q"]}]}, [None]),
        ({"product_status": {"known_not_affected": ["P"]}}, [None]),
        ({"product_status": {"known_affected": ["P"]}}, ["AFFECTED"]),
        ({"product_status": {"first_fixed": ["P"]}}, ["FIXED"]),
        ({"product_status": {"recommended": ["P"]}}, []),
        ({"product_status": {"unknown": ["P"]}}, ["UNDER_INVESTIGATION"]),
        ({"product_status": {"unknown": ["P"], "known_not_affected": ["P"]}, "flags": [FLAG]}, ["AFFECTED"]),
        ({"product_status": {"fixed": ["P"], "known_affected": ["P"]}}, ["AFFECTED"]),
        ({}, []),
    ],
)
def test_statuses_of_csaf(vulnerability: Json, statuses: list[str | None]) -> None:
    reading = read(csaf({"cve": "CVE-2024-0001", **vulnerability}))
    found = [record for record in reading.records if isinstance(record, Vex)]
    assert [each.status for each in found] == statuses
    assert all(each.products == {"pkg:npm/a@1"} and each.author == "V" for each in found)
    assert statuses or "no status" in reading.warnings[-1]


def test_no_product_of_csaf_has_the_justification_of_another() -> None:
    known = [{"product_id": name, "product_identification_helper": {"purl": f"pkg:npm/{name}@1"}} for name in "abcd"]
    flags = [
        {"label": "component_not_present", "product_ids": ["a", "d"]},
        {"label": "inline_mitigations_already_exist", "product_ids": ["b"]},
        {"label": "vulnerable_code_not_present", "group_ids": ["G"]},
    ]
    groups = [{"group_id": "G", "product_ids": ["c", "d"]}]
    vulnerability = {"cve": "CVE-2024-0001", "product_status": {"known_not_affected": list("abcd")}, "flags": flags}
    found = statements(csaf(vulnerability, tree={"full_product_names": known, "product_groups": groups}))
    assert {each.status for each in found} == {"NOT_AFFECTED"}
    assert {(each.justification, *each.products) for each in found} == {
        ("component_not_present", "pkg:npm/a@1"),
        ("inline_mitigations_already_exist", "pkg:npm/b@1"),
        ("vulnerable_code_not_present", "pkg:npm/c@1"),
        (None, "pkg:npm/d@1"),
    }


def test_a_draft_says_nothing_yet_and_a_product_without_a_purl_covers_nothing() -> None:
    affected = {"cve": "CVE-2024-0001", "product_status": {"fixed": ["P"]}}
    assert "draft" in refusal(csaf(affected, status="draft"))
    (found,) = statements(csaf(affected, tree={"full_product_names": [{"product_id": "P", "name": "x"}]}))
    assert found.products == frozenset()
    assert refusal({**csaf(), "vulnerabilities": None})


# CycloneDX VEX --------------------------------------------------------------------------------------


def cdx(state: str, *affects: Json, **others: Any) -> Json:
    listed = {"id": "CVE-2024-0001", "analysis": {"state": state}, "affects": list(affects)}
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "vulnerabilities": [listed], **others}


@pytest.mark.parametrize(
    ("state", "target", "covered"),
    [
        ("not_affected", {"ref": "pkg:npm/a@1"}, {"pkg:npm/a@1"}),
        ("false_positive", {"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:npm/a@1"}, {"pkg:npm/a@1"}),
        ("not_affected", {"ref": "pkg:npm/a", "versions": [{"version": "1", "status": "unaffected"}]}, {"pkg:npm/a@1"}),
        ("not_affected", {"ref": "pkg:npm/a@1", "versions": [{"version": "2"}]}, set()),
        ("not_affected", {"ref": "pkg:npm/a", "versions": [{"version": "1", "status": "affected"}]}, set()),
        ("not_affected", {"ref": "pkg:npm/a", "versions": [{"range": "vers:npm/<2"}]}, set()),
        ("exploitable", {"ref": "pkg:npm/a@1", "versions": [{"range": "vers:npm/<2"}]}, {"pkg:npm/a"}),
        ("exploitable", {"ref": "pkg:npm/%40s/a@1", "versions": [{"range": "vers:npm/<2"}]}, {"pkg:npm/%40s/a"}),
        ("exploitable", {"ref": "pkg:npm/a", "versions": [{"version": "1", "status": "unaffected"}]}, set()),
        ("not_affected", {"ref": "some-component"}, set()),
        ("not_affected", {"ref": "pkg:npm/a", "versions": {"version": "1", "status": "unaffected"}}, {"pkg:npm/a@1"}),
        ("resolved", {"ref": "pkg:npm/a@1", "versions": {"version": "1", "status": "affected"}}, set()),
    ],
)
def test_what_a_cyclonedx_vex_covers(state: str, target: Json, covered: set[str]) -> None:
    reading = read(cdx(state, target))
    assert reading.kind == "vex"
    (found,) = statements(cdx(state, target))
    assert found.products == covered


@pytest.mark.parametrize(
    ("link", "covered"),
    [("own/1#c1", {"pkg:npm/a@1"}), ("other/1#c1", set()), ("other/1#pkg:npm/b@1", {"pkg:npm/b@1"})],
)
def test_a_link_to_another_bom_means_no_component_of_this_one(link: str, covered: set[str]) -> None:
    components = [{"bom-ref": "c1", "name": "a", "purl": "pkg:npm/a@1"}]
    document = cdx("not_affected", {"ref": f"urn:cdx:{link}"}, components=components, serialNumber="urn:uuid:own")
    assert statements(document)[0].products == covered


def test_two_components_of_one_name_leave_no_statement_about_it_to_chance() -> None:
    twins = [{"bom-ref": "c1", "name": name, "purl": f"pkg:npm/{name}@1"} for name in ("a", "b")]
    assert "two of its components are called" in refusal(cdx("not_affected", {"ref": "c1"}, components=twins))
    assert read(cdx("not_affected", {"ref": "c2"}, components=twins)).kind == "sbom"
    assert statements(cdx("not_affected", {"ref": "c1"}, components=[twins[0], twins[0]]))[0].products


def test_an_analysis_without_an_outcome_is_none() -> None:
    listed = {"id": "CVE-2024-0001", "analysis": {"justification": "code_not_present"}, "affects": [{"ref": "x"}]}
    reading = read({"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": [listed]})
    assert (reading.kind, [type(record) for record in reading.records]) == ("scan", [Scan])


def test_components_are_named_by_their_reference() -> None:
    components = [{"bom-ref": "c1", "name": "a", "purl": "pkg:npm/a@1"}]
    reading = read(cdx("resolved", {"ref": "c1"}, components=components))
    assert reading.kind == "sbom"
    assert [type(record) for record in reading.records] == [Sbom, Vex]
    assert statements(cdx("resolved", {"ref": "c1"}, components=components))[0].products == {"pkg:npm/a@1"}
    assert refusal(cdx("harmless", {"ref": "c1"}))


# In-toto ----------------------------------------------------------------------------------------------


def intoto(kind: str, predicate: Any, digest: str = IMAGE) -> Json:
    subject = [{"name": "app", "digest": {"sha256": digest.partition(":")[2]}}]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": kind,
        "predicate": predicate,
    }


def dsse(payload: Any, kind: str = "application/vnd.in-toto+json") -> Json:
    data = base64.b64encode(json.dumps(payload).encode()).decode()
    return {"payloadType": kind, "payload": data, "signatures": []}


SLSA = {
    "buildDefinition": {
        "buildType": "t",
        "externalParameters": {"workflow": {"repository": "https://github.com/acme/app"}},
        "resolvedDependencies": [
            {"uri": "git+https://github.com/acme/other@x", "digest": {"gitCommit": "2"}},
            {"uri": "git+https://github.com/acme/app@refs/heads/main", "digest": {"gitCommit": "1"}},
        ],
    },
    "runDetails": {"builder": {"id": "b"}, "metadata": {"finishedOn": "2026-01-01T00:00:00Z"}},
}
SPDX = {"spdxVersion": "SPDX-2.3", "packages": [{"name": "a"}]}


def test_provenance_names_builder_and_source() -> None:
    (found,) = read(intoto("https://slsa.dev/provenance/v1", SLSA)).records
    assert isinstance(found, Provenance)
    assert (found.builder, found.build_type, str(found.finished)) == ("b", "t", "2026-01-01 00:00:00+00:00")
    assert (found.source, found.source_digest) == ("git+https://github.com/acme/app@refs/heads/main", "gitCommit:1")


def test_a_repository_is_not_one_that_only_begins_alike() -> None:
    predicate = json.loads(json.dumps(SLSA).replace("acme/app@refs", "acme/app-evil@refs"))
    (found,) = read(intoto("https://slsa.dev/provenance/v1", predicate)).records
    assert isinstance(found, Provenance)
    assert (found.source, found.source_digest) == ("git+https://github.com/acme/app", None)


@pytest.mark.parametrize("build_type", ["https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md", "t"])  # fmt: skip # noqa: E501
def test_only_buildkit_states_its_source_under_a_name_of_its_own(build_type: str) -> None:
    """Whoever starts another builder may choose the names of the parameters, and so would choose the source."""
    definition = {
        "buildType": build_type,
        "externalParameters": {"configSource": {"uri": "https://github.com/acme/stated"}},
        "resolvedDependencies": [{"uri": "git+https://github.com/acme/cloned@x"}],
    }
    (found,) = read(intoto("https://slsa.dev/provenance/v1", {**SLSA, "buildDefinition": definition})).records
    assert isinstance(found, Provenance)
    own = build_type != "t"
    assert found.source == ("https://github.com/acme/stated" if own else "git+https://github.com/acme/cloned@x")


@pytest.mark.parametrize("wrap", [lambda s: s, dsse, lambda s: {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": dsse(s)}, lambda s: [s], lambda s: {"attestations": [{"bundle": {"dsseEnvelope": dsse(s)}}]}])  # fmt: skip # noqa: E501
def test_statements_come_out_of_what_they_travel_in(wrap: Any) -> None:
    reading = read(wrap(intoto("https://spdx.dev/Document/v2.3", SPDX)))
    assert (reading.kind, reading.format, reading.subjects) == ("sbom", "in-toto/spdx-json-2.3", (IMAGE,))
    assert isinstance(reading.records[0], Sbom)


LARGE = 4_000  # packages, which is more than a document has that is decoded at once


def large() -> str:
    """A statement that holds an SBOM as large as those that are read in pieces."""
    listed = [
        {"name": f"p{n}", "versionInfo": "1", "licenseDeclared": "MIT", "comment": "x" * 60} for n in range(LARGE)
    ]
    related = [{"spdxElementId": f"e{n}", "relationshipType": "CONTAINS", "comment": "x" * 60} for n in range(LARGE)]
    document = {"spdxVersion": "SPDX-2.3", "packages": listed, "relationships": related}
    written = json.dumps(intoto("https://spdx.dev/Document", document))
    assert len(written) > 2 * pieces.SMALL
    return written


def enveloped(written: str) -> str:
    return json.dumps({**dsse({}), "payload": base64.b64encode(written.encode()).decode()})


@pytest.mark.parametrize("wrap", [str, enveloped])
def test_large_statements_are_read_in_pieces_and_whole(wrap: Any) -> None:
    (found,) = formats.read(wrap(large()).encode(), SOURCE).records
    assert isinstance(found, Sbom)
    assert [package.name for package in found.packages.items] == [f"p{n}" for n in range(LARGE)]
    assert not found.packages.gaps
    for old, new in (
        ('"name": "p3000"', '"name": "p", "name": "p3000"'),
        ('"spdxElementId": "e3000"', '"spdxElementId": "e", "spdxElementId": "e3000"'),
        ('"subject"', '"subject": [], "subject"'),
        ('"p3999"', "p3999"),
    ):
        with pytest.raises(EvidenceError):
            formats.read(wrap(large().replace(old, new)).encode(), SOURCE)


@pytest.mark.parametrize(
    "broken",
    [
        {**dsse({}), "payload": "%%%"},
        {**dsse({}), "payload": base64.b64encode(b'{"a":1,"a":2}').decode()},
        {**dsse({}), "payload": None},
        dsse({"_type": "https://in-toto.io/Other"}),
        dsse(intoto("https://spdx.dev/Document", SPDX), "text/plain"),
        {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "messageSignature": {}},
        {"attestations": []},
        intoto("https://spdx.dev/Document", {"no": "document"}),
        intoto("https://spdx.dev/Document", intoto("https://spdx.dev/Document", SPDX)),
        intoto("https://spdx.dev/Document", None),
        intoto("https://slsa.dev/provenance/v9", SLSA),
        intoto("https://slsa.dev/provenance/v1", {}),
        {**intoto("x", {}), "predicateType": None},
    ],
)
def test_broken_envelopes_and_predicates_are_refused(broken: Any) -> None:
    assert refusal(broken)


def test_what_syft_attests_in_its_own_form() -> None:
    artifacts = [{"type": "apk", "name": "busybox", "version": "1.34.1-r5", "licenses": ["GPL-2.0-only"]}]
    document = {"artifacts": artifacts, "descriptor": {"name": "syft", "version": "0.44.1"}}
    reading = read(intoto("https://syft.dev/bom", document))
    (found,) = reading.records
    assert isinstance(found, Sbom)
    assert (reading.subjects, found.tool) == ((IMAGE,), "syft")
    assert [each.name for each in found.packages.items] == ["busybox"]


def test_predicates_as_texts() -> None:
    tag_value = "SPDXVersion: SPDX-2.3\nPackageName: a\n"
    for predicate in (json.dumps(SPDX), tag_value, {"Data": json.dumps(SPDX), "Timestamp": "x"}, {"Data": tag_value}):
        (found,) = read(intoto("https://spdx.dev/Document", predicate)).records
        assert isinstance(found, Sbom)
        assert [package.name for package in found.packages.items] == ["a"]
    assert refusal(intoto("https://spdx.dev/Document", '{"a":1,"a":2}'))


def test_vulnerabilities_of_intoto_without_a_result_are_no_clean_scan() -> None:
    def predicate(result: Any) -> Json:
        scanner = {"uri": "Scanner.example", "version": "1", "result": result}
        return intoto(
            "https://in-toto.io/attestation/vulns/v0.2",
            {"scanner": scanner, "metadata": {"scanFinishedOn": "2026-01-01T00:00:00Z"}},
        )

    missing: Any
    for missing in (None, {}, "none"):
        assert refusal(predicate(missing))
    severities = [{"method": "nvd", "score": "high"}, {"method": "CVSSv31", "score": "9.8"}]
    (scan,) = read(predicate([{"id": "CVE-2024-0001", "severity": severities}, {"id": "X"}])).records
    assert isinstance(scan, Scan)
    assert [f.severity for f in scan.findings.items] == [Severity.HIGH, None]
    assert (scan.tool, str(scan.finished)) == ("scanner.example", "2026-01-01 00:00:00+00:00")


@pytest.mark.parametrize("keys", [("scanMetadata", "scanFinishedOn"), ("scan_metadata", "scan_finished_on")])
def test_the_end_of_a_scan_as_programs_made_from_the_schema_write_it(keys: tuple[str, str]) -> None:
    scanner = {"uri": "Scanner.example", "result": []}
    predicate = {"scanner": scanner, keys[0]: {keys[1]: "2026-01-01T00:00:00Z"}}
    (scan,) = read(intoto("https://in-toto.io/attestation/vulns/v0.2", predicate)).records
    assert isinstance(scan, Scan)
    assert str(scan.finished) == "2026-01-01 00:00:00+00:00"


def test_cosigns_vulnerability_predicate_holds_the_scanners_own_report() -> None:
    report = {"SchemaVersion": 2, "ArtifactName": "x", "Results": [], "CreatedAt": "2020-01-01T00:00:00Z"}
    kind = "https://cosign.sigstore.dev/attestation/vuln/v1"
    predicate = {"scanner": {"result": report}, "metadata": {"scanFinishedOn": "2026-01-01T00:00:00Z"}}
    (scan,) = read(intoto(kind, predicate)).records
    assert isinstance(scan, Scan)
    assert (scan.tool, str(scan.finished)) == ("trivy", "2026-01-01 00:00:00+00:00")
    assert refusal(intoto(kind, {"scanner": {"result": None}}))
    assert refusal(intoto(kind, {"scanner": {"result": SPDX}}))


WITNESS = "https://witness.dev/attestations"


def collection(*attestations: tuple[str, Any], host: str = "witness.testifysec.com") -> Json:
    ended = {"endtime": "2026-01-01T00:00:00-05:00"}
    listed = [{"type": kind, "attestation": said, **ended} for kind, said in attestations]
    return intoto(f"https://{host}/attestation-collection/v0.1", {"name": "scan", "attestations": listed})


@pytest.mark.parametrize("host", ["witness.testifysec.com", "aflock.ai"])
def test_a_collection_of_witness_says_what_its_attestations_say(host: str) -> None:
    sarif = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Grype"}}, "results": []}]}
    said = [
        (f"{WITNESS}/material/v0.1", {"a": {"sha256": "1"}}),
        (f"{WITNESS}/sarif/v0.1", {"report": sarif, "reportFileName": "a.sarif"}),
        (f"{WITNESS}/vex/v0.1", {"vexDocument": openvex(statement(LIBRARY))}),
        ("https://spdx.dev/Document", SPDX),
    ]
    reading = read(dsse(collection(*said, host=host)))
    scan, vex, sbom = reading.records
    assert isinstance(scan, Scan)
    assert isinstance(vex, Vex)
    assert isinstance(sbom, Sbom)
    assert (reading.subjects, scan.tool, str(scan.finished)) == ((IMAGE,), "grype", "2026-01-01 05:00:00+00:00")


def test_what_a_collection_holds_is_read_whole_or_not_at_all() -> None:
    link = (f"{WITNESS}/command-run/v0.1", {"cmd": ["true"], "exitcode": 0})
    reading = read(collection(link))
    assert (reading.kind, reading.format) == ("other", "in-toto/witness.testifysec.com/attestation-collection/v0.1")
    assert read(collection(link, (collection()["predicateType"], collection(link)["predicate"]))).kind == "other"
    broken: Any
    for broken in ({}, {"report": None}, {"report": {"runs": "x", "version": "2.1.0"}}, []):
        assert refusal(collection(link, (f"{WITNESS}/sarif/v0.1", broken)))
    assert "more than 1000 attestations" in refusal(collection(*[link] * 1001))


def test_statements_about_something_else_do_not_count() -> None:
    mine, foreign = intoto("https://spdx.dev/Document", SPDX), intoto("https://slsa.dev/provenance/v1", SLSA, OTHER)
    reading = read([mine, foreign])
    assert [type(record) for record in reading.records] == [Sbom]
    assert "about something else" in reading.warnings[0]
    assert "different subjects" in refusal([mine, foreign], Source("sha256:d"))
    assert read([foreign]).subjects == (OTHER,)


def test_lines_of_statements() -> None:
    lines = b"\n".join(json.dumps(dsse(intoto("https://slsa.dev/provenance/v1", SLSA))).encode() for _ in range(3))
    assert len(formats.read(lines + b"\n", SOURCE).records) == 3
    with pytest.raises(EvidenceError):
        formats.read(b'{"runs": []}\n{"runs": []}', SOURCE)


def test_other_predicates_are_read_and_say_nothing() -> None:
    reading = read(intoto("https://slsa.dev/verification_summary/v1", {"verificationResult": "PASSED"}))
    assert (reading.kind, reading.records) == ("other", ())
    names = {
        "https://slsa.dev/verification_summary/v1": "slsa-verification-summary-1",
        "https://slsa.dev/verification_summary/v0.2": "slsa-verification-summary-0.2",
        "https://in-toto.io/attestation/scai/attribute-report/v0.2": "scai-0.2",
        "https://in-toto.io/attestation/scai/v0.3": "scai-0.3",
        "https://in-toto.io/attestation/test-result/v0.1": "test-result-0.1",
        "https://in-toto.io/attestation/test-result/\nx": "unknown",
        "https://example.com/x": "example.com/x",
    }
    assert {kind: read(intoto(kind, {})).format for kind in names} == {k: f"in-toto/{v}" for k, v in names.items()}
    assert read({**intoto("x", {}), "subject": []}).warnings == ("its statement names no subject by digest",)


# Declared kinds ---------------------------------------------------------------------------------------


def field(word: str, value: Any, optional: bool = False) -> Any:
    found = read_custom(f'{{"a": {{"b": {value}}}}}'.encode(), "coverage", [("x", word, optional, "a.b")], SOURCE)
    assert (found.kind, found.digest) == ("coverage", "sha256:d")
    return found.fields["x"]


@pytest.mark.parametrize(
    ("word", "text", "value"),
    [
        ("text", '""', ""),
        ("int", "7", 7),
        ("int", "7.0", 7),
        ("decimal", "87.10", Decimal("87.10")),
        ("decimal", "0.1", Decimal("0.1")),
        ("decimal", "7", Decimal(7)),
        ("bool", "false", False),
        ("time", '"2026-01-01T01:00:00+01:00"', datetime(2026, 1, 1, tzinfo=UTC)),
        ("date", '"2026-01-01"', date(2026, 1, 1)),
        ("severity", '"High"', Severity.HIGH),
        ("severity", '"unknown"', None),
        ("purl", '"pkg:npm/a@1"', "pkg:npm/a@1"),
        ("license", '"MIT or so"', "MIT or so"),
        ("digest", f'"{IMAGE}"', IMAGE),
        ("vulnerability", '"cve-2024-0001"', "CVE-2024-0001"),
    ],
)
def test_values_of_declared_fields(word: str, text: str, value: Any) -> None:
    found = field(word, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("text", "5"),
        ("int", "7.5"),
        ("int", "true"),
        ("int", '"7"'),
        ("decimal", '"87"'),
        ("decimal", "true"),
        ("bool", "0"),
        ("time", '"2026-01-01T00:00:00"'),
        ("time", '"2026-01-01"'),
        ("date", '"2026-13-01"'),
        ("date", '"20260101"'),
        ("severity", '"terrible"'),
        ("purl", '"npm/a"'),
        ("license", '" "'),
        ("digest", '"sha256:abc"'),
        ("vulnerability", '""'),
        ("text", "[]"),
    ],
)
@pytest.mark.parametrize("optional", [True, False])
def test_a_value_of_another_type_makes_the_document_unreadable(word: str, text: str, optional: bool) -> None:
    with pytest.raises(EvidenceError, match=f"is not a {word}"):
        field(word, text, optional)


def test_missing_fields() -> None:
    def found(data: str, optional: bool) -> Any:
        return read_custom(data.encode(), "coverage", [("x", "int", optional, "a.b.0")], SOURCE).fields["x"]

    assert found('{"a": {"b": [4]}}', False) == 4
    for missing in ("{}", '{"a": null}', '{"a": {}}', '{"a": {"b": []}}', '{"a": {"b": [null]}}'):
        assert found(missing, True) is None
        with pytest.raises(EvidenceError, match="has no"):
            found(missing, False)
    for strange in ('{"a": 5}', "[]", '{"a": {"b": "x"}}', '{"a": {"b": 1, "b": 2}}', ""):
        with pytest.raises(EvidenceError):
            found(strange, True)


def test_a_declared_kind_in_a_statement() -> None:
    envelope = json.dumps(dsse(intoto("https://example.com/coverage", {"percent": 80}))).encode()
    found = read_custom(envelope, "coverage", [("x", "int", False, "predicate.percent")], SOURCE)
    assert found.fields == {"x": 80}
    with pytest.raises(EvidenceError):
        read_custom(b"[" + envelope + b"," + envelope + b"]", "coverage", [], SOURCE)
