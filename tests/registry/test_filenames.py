"""Names of files for what comes from a registry: whatever a title says, they stay in their folder."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine.registry.filenames import DEVICES, LONGEST, file_name

DIGEST = "sha256:" + "ab" * 32
TYPE = "application/sarif+json"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("trivy.sarif", "trivy.sarif"),
        ("reports/trivy.sarif", "trivy.sarif"),
        ("../../etc/passwd", "passwd"),
        ("/etc/cron.d/job", "job"),
        ("..\\..\\autoexec.bat", "autoexec.bat"),
        ("C:\\x\\y.txt", "y.txt"),
        (".bashrc", "bashrc"),
        ("..", "abababababab.sarif.json"),
        ("a/", "abababababab.sarif.json"),
        ("", "abababababab.sarif.json"),
        ("-rf", "rf"),
        ("nul", "file-nul"),
        ("CON.txt", "file-CON.txt"),
        ("a b\n\x1b[31m$(rm).json", "a_b_31m_rm_.json"),
        ("größe.json", "gr_e.json"),
        ("x" * 300 + ".json", "x" * 80 + ".json"),
    ],
)
def test_a_title_becomes_a_name(title: str, name: str) -> None:
    assert file_name(title, DIGEST, TYPE) == name


@given(st.text() | st.text(alphabet="./\\:~con1 \x00-"))
def test_no_title_leaves_the_folder(title: str) -> None:
    name = file_name(title, DIGEST, TYPE)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+@=-]*", name)
    assert len(name) <= LONGEST
    assert ".." not in name.split("/")
    assert name.partition(".")[0].lower() not in DEVICES


@pytest.mark.parametrize(
    ("media_type", "end"),
    [("application/cose", ".cose"), ("a/b+json; charset=utf-8", ".json"), ("A/B+XML", ".xml"), ("a/b", ".bin")],
)
def test_what_has_no_title_ends_by_its_type(media_type: str, end: str) -> None:
    assert file_name("", DIGEST, media_type) == f"abababababab{end}"
