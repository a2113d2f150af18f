"""Everything that stands in a fence in the documentation is true."""

from __future__ import annotations

import ast
import json
import re
from itertools import groupby
from pathlib import Path

import pytest
import yaml

from tests.docs import policies, sessions
from tests.docs.pages import ROOT, Block, blocks, pages

ALL = [block for page in pages() for block in blocks(page)]
KINDS = ("policy", "console", "output", "sh", "json", "yaml", "python", "text")
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")


def named(group: list[Block]) -> str:
    return group[0].name


def sets() -> list[list[Block]]:
    """The policy sets of the documentation, each as its blocks."""
    own = [block for block in ALL if block.kind == "policy" and not block.info.startswith("policy file ")]
    parts = [block for block in own if block.info.startswith("policy set ")]
    parts.sort(key=lambda block: (block.page, block.info, block.line))
    together = [list(group) for _, group in groupby(parts, key=lambda block: (block.page, block.info))]
    return [[block] for block in own if block not in parts] + together


def of(kind: str) -> list[Block]:
    return [block for block in ALL if block.kind == kind]


def test_there_is_documentation() -> None:
    assert len(pages()) > 10
    assert len(sets()) > 10


def test_every_block_says_what_it_is() -> None:
    forms = (
        r"policy( fragment| set [\w-]+| conditions \w+| file [\w-]+\.policy)?|console|output|sh|json|yaml|python|text"
    )
    assert [block.name for block in ALL if not re.fullmatch(forms, block.info)] == []


@pytest.mark.parametrize("group", sets(), ids=named)
def test_policies(group: list[Block]) -> None:
    complaints = policies.complaints(policies.case(group))
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("block", of("output"), ids=lambda block: block.name)
def test_what_check_says(block: Block) -> None:
    before = [other for other in blocks(block.page) if other.kind == "policy" and other.line < block.line]
    text = policies.said(policies.case(before[-1:]))
    if sessions.UPDATE and text != block.text:
        sessions.update(block, text)
    else:
        assert block.text == text


@pytest.mark.parametrize("page", sorted({block.page for block in of("console")}))
def test_commands_print_what_stands_there(page: str, tmp_path: Path) -> None:
    session = sessions.Session(tmp_path)
    for block in blocks(page):
        if block.kind == "console" or block.info.startswith("policy file "):
            text = session.play(block)
            if sessions.UPDATE and text != block.text:
                sessions.update(block, text)
            else:
                assert block.text == text, block.name


@pytest.mark.parametrize("block", of("sh"), ids=lambda block: block.name)
def test_commands_are_right(block: Block) -> None:
    assert sessions.wrong_commands(block.text) == []


@pytest.mark.parametrize("block", of("python"), ids=lambda block: block.name)
def test_python_is_python(block: Block) -> None:
    tree = ast.parse(block.text)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module([*imports], []), block.name, "exec"), {})
    assert tree.body


def test_json_is_json() -> None:
    for block in of("json"):
        assert json.loads(block.text) is not None, block.name


GIVEN = {
    "integrations/azure-pipelines/policyengine.yml": lambda text: {
        each["name"] for each in yaml.safe_load(text)["parameters"]
    },
    "integrations/github/action.yml": lambda text: set(yaml.safe_load(text)["inputs"]),
    "integrations/gitlab/templates/gate.yml": lambda text: set(next(yaml.safe_load_all(text))["spec"]["inputs"]),
}
"""The pipelines that pages show how to call, and what they take."""


def test_yaml_is_yaml_and_calls_our_pipelines_rightly() -> None:
    called = dict(zip(("template", "uses", "component"), GIVEN, strict=True))
    for block in of("yaml"):
        document = yaml.safe_load(block.text)
        for call in [*document.get("steps", []), *document.get("include", [])]:
            path = next(called[key] for key in called if key in call)
            given = call.get("parameters") or call.get("with") or call.get("inputs")
            assert given.keys() <= GIVEN[path]((ROOT / path).read_text(encoding="utf-8")), block.name


def test_the_map_of_the_documentation_names_every_page() -> None:
    named = {target for target, _ in LINK.findall((ROOT / "docs/README.md").read_text(encoding="utf-8"))}

    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= named


def test_every_accident_that_is_told_has_a_test_of_its_name() -> None:
    told = re.findall(r"^## (?!Three)(.*)$", (ROOT / "docs/accidents.md").read_text(encoding="utf-8"), re.MULTILINE)
    names = [re.sub(r"[^a-z ]", "", heading.lower().replace("-", " ")).replace(" ", "_") for heading in told]
    tests = (ROOT / "tests/language/test_accidents.py").read_text(encoding="utf-8")

    assert len(names) == 12
    assert [name for name in names if f"def test_{name}(" not in tests] == []


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    local = [found for found in LINK.findall(text) if "://" not in found[0]]
    targets = [((ROOT / page).parent / target if target else ROOT / page, anchor) for target, anchor in local]
    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [f"{target}{anchor}" for target, anchor in targets if anchor and anchor[1:] not in anchors(target)] == []


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
