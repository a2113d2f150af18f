"""Every code of a diagnostic has its title and its page, and nothing else has."""

from __future__ import annotations

import re

import pytest

from policyengine.language.codes import TITLES
from tests.docs import policies
from tests.docs.pages import ROOT, blocks

FOLDER = ROOT / "docs" / "diagnostics"
CODE = re.compile(r"\"([EW]\d{3})\"")
INDEX = re.compile(r"^\| \[(\w+)\]\((\w+)\.md\) \| (.*) \|$", re.MULTILINE)


def emitted() -> set[str]:
    """The codes that stand anywhere in the source, but for the table itself."""
    files = [path for path in (ROOT / "policyengine").rglob("*.py") if path.name != "codes.py"]
    return {code for path in files for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_the_table_has_every_code_that_is_emitted() -> None:
    assert emitted() == set(TITLES)


def test_every_code_has_a_page() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == {*TITLES, "README"}


def test_the_index_has_every_code_with_its_title() -> None:
    rows = INDEX.findall((FOLDER / "README.md").read_text(encoding="utf-8"))

    assert [(code, title) for code, page, title in rows if code == page] == sorted(TITLES.items())


@pytest.mark.parametrize("code", sorted(TITLES))
def test_a_page_shows_its_diagnostic_and_how_to_be_rid_of_it(code: str) -> None:
    page = f"docs/diagnostics/{code}.md"
    cases = [policies.case([block]) for block in blocks(page) if block.kind == "policy"]

    assert (ROOT / page).read_text(encoding="utf-8").startswith(f"# {code}: {TITLES[code]}\n")
    assert any(marked == code for case in cases for _, _, marked, _ in case.marks)
    assert any(not case.marks for case in cases)
