import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.reports import safe
from tests.reports.agents import HOSTILE, azure_commands, github_commands, steering

PIECES = st.sampled_from(
    [*HOSTILE, "##", "#", "vso[", "[", "::", ":", "]", " ", "\n", "\r", "é", "漢", "a", "%0A", "\\"]
)
TEXT = st.lists(PIECES | st.text(max_size=4), max_size=8).map("".join)
HARMLESS = st.text(st.characters(categories=["L", "N", "P", "S"], max_codepoint=0x17F), max_size=30)


@settings(max_examples=100)
@given(TEXT)
def test_one_text_is_one_line_that_nothing_obeys(text: str) -> None:
    shown = safe.printable(text)
    assert len(shown.splitlines()) <= 1
    assert steering(shown) == []
    assert azure_commands(safe.orderless(shown)) == []
    assert github_commands(safe.orderless(shown)) == []


@settings(max_examples=100)
@given(st.lists(TEXT.map(safe.printable), max_size=6), st.sampled_from(["", " ", "\n", "\x1b[31m", "\n  \x1b[1m"]))
def test_texts_joined_in_any_way_give_no_order_either(texts: list[str], glue: str) -> None:
    output = safe.orderless(glue.join(texts))
    assert azure_commands(output) == []
    assert github_commands(output) == []


@settings(max_examples=100)
@given(st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=3), max_size=4))
def test_json_says_the_same_and_orders_nothing(document: dict[str, object]) -> None:
    for indent in (None, 2):
        shown = safe.json_text(json.dumps(document, ensure_ascii=False, indent=indent))
        assert json.loads(shown) == document
        assert azure_commands(shown) == []
        assert github_commands(shown) == []
        assert steering(shown) == []


@settings(max_examples=100)
@given(TEXT, st.integers(1, 30))
def test_a_limit_holds_after_escaping(text: str, limit: int) -> None:
    shown = safe.printable(text, limit)
    assert len(shown) <= limit
    assert shown == safe.printable(text) or shown.endswith("…")


@settings(max_examples=100)
@given(HARMLESS)
def test_what_harms_nobody_is_left_as_it_is(text: str) -> None:
    assert safe.printable(text) == text


@settings(max_examples=100)
@given(TEXT)
def test_printing_twice_changes_nothing(text: str) -> None:
    once = safe.orderless(safe.printable(text))
    assert safe.orderless(safe.printable(once)) == once


@pytest.mark.parametrize("text", HOSTILE)
def test_every_known_attack_stays_visible(text: str) -> None:
    shown = safe.orderless(safe.printable(text))
    assert shown != text
    assert "\\" in shown


def test_what_is_shown_tells_what_was_there() -> None:
    assert safe.printable("a\nb\tc\x1b[0m\u202e") == r"a\nb\tc\u{1b}[0m\u{202e}"
    assert safe.orderless("x ##vso[task.x]y") == r"x #\#vso[task.x]y"
    assert safe.orderless("ok\n  ::error::x") == "ok\n  \\::error::x"
    assert safe.orderless("std::vector and ## Heading") == "std::vector and ## Heading"


@settings(max_examples=100)
@given(TEXT, TEXT)
def test_a_command_of_ours_stays_one_command(prop: str, data: str) -> None:
    azure = f"##vso[task.logissue type=error;code={safe.azure_property(prop)};]{safe.azure_data(data)}"
    assert azure.lower().count("##vso[") == 1
    assert len(azure.splitlines()) == 1
    head = azure[len("##vso[") : azure.index("]")]
    assert [part.partition("=")[0] for part in head.removeprefix("task.logissue ").split(";")] == ["type", "code", ""]
    github = f"::error file=a,title={safe.github_property(prop)}::{safe.github_data(data)}"
    assert len(github.splitlines()) == 1
    properties = github.removeprefix("::error ").partition("::")[0]
    assert [part.partition("=")[0] for part in properties.split(",")] == ["file", "title"]
