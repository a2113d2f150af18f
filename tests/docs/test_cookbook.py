"""The recipes are worth copying: canonical, and each rule is shown denying and each policy allowing something."""

from __future__ import annotations

import re

import pytest

from policyengine.language import formatter
from policyengine.language.checked import Program
from policyengine.language.policyset import check
from policyengine.language.source import Source
from tests.docs import policies
from tests.docs.pages import ROOT, Block, blocks

COOKBOOK = "docs/cookbook.md"
AGAINST = ("deny by", "warn by", "undetermined by")
RECIPES = sorted({block.info if block.info != "policy" else block.name for block in blocks(COOKBOOK)})


def recipe(name: str) -> list[Block]:
    """The files of one recipe."""
    return [block for block in blocks(COOKBOOK) if name in (block.info, block.name)]


def program(name: str) -> Program:
    return check(policies.case(recipe(name)).sources)[0]


def test_there_are_more_than_twenty() -> None:
    assert len(RECIPES) > 20


def test_the_contents_name_every_recipe() -> None:
    text = (ROOT / COOKBOOK).read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    contents = text.partition("\n## ")[0]

    assert [heading for heading in headings if f"(#{_anchor(heading)})" not in contents] == []


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", RECIPES)
def test_every_rule_is_shown_denying_and_every_policy_allowing(name: str) -> None:
    found = program(name)
    expected = {(test.policy, each.rule) for test in found.tests for each in test.expectations if each.kind in AGAINST}
    rules = {(policy.name, rule.name) for policy in found.policies for rule in policy.rules}
    allowing = {test.policy for test in found.tests for each in test.expectations if each.kind in ("allow", "waived")}

    assert rules <= expected
    assert allowing
    if "scope" not in name:
        assert allowing == {policy.name for policy in found.policies}


CANONICAL = [block for page in (COOKBOOK, "docs/tutorial.md") for block in blocks(page) if block.kind == "policy"]


@pytest.mark.parametrize("block", CANONICAL, ids=lambda block: block.name)
def test_is_in_the_canonical_form(block: Block) -> None:
    assert formatter.format(Source(block.name, block.text)) == block.text
