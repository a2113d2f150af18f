import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import START, policyengine
from tests.example import FOLDER
from tests.reports.agents import azure_commands, steering

DOCUMENTS = FOLDER / "documents"


def document(name: str) -> Path:
    """The first document of the example whose name ends so."""
    return next(path for path in sorted(DOCUMENTS.rglob("*")) if path.name.endswith(name))


def test_a_scan_for_people() -> None:
    ran = policyengine("read", document(".sarif.json"))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("scan  ")
    assert "sarif-2.1.0 · trivy 0.69.1" in ran.out


def test_a_scan_for_programs() -> None:
    ran = policyengine("read", "-o", "json", document(".sarif.json"))
    assert ran.code == 0
    found = ran.json
    assert list(found)[:4] == ["schemaVersion", "file", "kind", "format"]
    assert (found["kind"], found["tool"]) == ("scan", "trivy")
    assert sum(found["bySeverity"].values()) == found["findings"]
    assert found["warnings"] == []


def test_an_sbom_and_its_packages() -> None:
    ran = policyengine("read", "-o", "json", "--list", "--as", "sbom", document(".spdx.json"))
    assert ran.code == 0
    assert len(ran.json["list"]) == ran.json["packages"] > 0
    assert "pkg:" in policyengine("read", "--list", document(".spdx.json")).out


def test_a_list_is_a_table_whose_columns_stand_below_each_other() -> None:
    lines = policyengine("read", "--list", document(".sarif.json")).out.splitlines()
    header = next(number for number, line in enumerate(lines) if line.split()[:2] == ["SEVERITY", "ID"])
    rows = lines[header + 1 :]
    assert len(rows) == policyengine("read", "-o", "json", document(".sarif.json")).json["findings"]
    for column in ("ID", "PACKAGE", "VERSION", "FIX", "WHERE"):
        start = lines[header].index(f" {column}") + 1
        assert all(row[start - 1] == " " != row[start] for row in rows), column


def test_licences_of_the_documents_own_are_listed_with_their_names(tmp_path: Path) -> None:
    described = [
        {"licenseId": "LicenseRef-1", "name": "Acme\nInternal"},
        {"licenseId": "LicenseRef-2", "name": "Other"},
    ]
    package = {"name": "a", "SPDXID": "SPDXRef-a", "licenseConcluded": "MIT AND LicenseRef-1"}
    sbom = {"spdxVersion": "SPDX-2.3", "packages": [package], "hasExtractedLicensingInfos": [*described, None, {}]}
    (tmp_path / "sbom.json").write_text(json.dumps(sbom))
    shown = policyengine("read", "--list", tmp_path / "sbom.json").out
    assert "LicenseRef-1  Acme\\nInternal" in shown
    assert "LicenseRef-2" not in shown
    found = policyengine("read", "-o", "json", "--list", tmp_path / "sbom.json").json
    assert found["licenseNames"] == {"LicenseRef-1": "Acme\nInternal"}


def test_a_report_of_tests_shows_what_a_policy_may_ask(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text('<testsuite tests="5" failures="1"><testcase name="a"/></testsuite>')
    ran = policyengine("read", tmp_path / "report.xml")
    assert (ran.code, ran.err) == (0, "")
    assert "tests 1 · failures 1 · errors 0" in ran.out
    assert policyengine("read", "-o", "json", tmp_path / "report.xml").json["facts"]["failures"] == 1


def test_standard_input() -> None:
    command = [sys.executable, "-c", START, "read", "-", "-o", "json"]
    ran = subprocess.run(
        command, input=document(".sarif.json").read_bytes(), capture_output=True, check=True, env=os.environ
    )
    assert json.loads(ran.stdout)["file"] == "-"


def test_several_files(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"version": "2.1.0", "runs": [}')
    ran = policyengine("read", "-o", "json", document(".sarif.json"), tmp_path / "broken.json", document(".spdx.json"))
    assert ran.code == 1
    assert [each["kind"] for each in ran.json["documents"]] == ["scan", "sbom"]
    assert f"error[PE500]: {tmp_path}/broken.json:1:" in ran.err


@pytest.mark.parametrize("content", [
    b"", b"\xff\xfe\x00", b"null", b"{}", b"[" * 100_000, b'{"a":1,"a":2}', b'{"runs":[],"version":"2.1.0"}',
    b"not a document", b'{"version": "2.1.0", "runs": "##vso[task.complete] \\u001b[2J"}',
])  # fmt: skip
def test_what_cannot_be_read_is_one_sentence_with_the_place(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "document"
    path.write_bytes(content)
    ran = policyengine("read", path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error[PE500]: {path}")
    assert len(ran.err.splitlines()) <= 2
    assert azure_commands(ran.err) == steering(ran.err) == []


def test_another_kind_than_demanded() -> None:
    ran = policyengine("read", "--as", "sbom", document(".sarif.json"))
    assert (ran.code, ran.out) == (1, "")
    assert "which is no sbom" in ran.err


@pytest.mark.parametrize("arguments", [[], ["gone.json"], ["--as", "picture", "x"], ["-o", "html", "x"]])
def test_wrong_use(arguments: list[str]) -> None:
    ran = policyengine("read", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error[PE100]: ")


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    ran = policyengine("read", tmp_path)
    assert ran.code == 2
    assert "is a directory" in ran.err
