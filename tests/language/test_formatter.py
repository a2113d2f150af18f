"""One canonical form: it means the same, says the same, and stays."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given

from policyengine.errors import PolicyError
from policyengine.language import formatter, layout
from policyengine.language.parser import parse
from policyengine.language.source import Source
from tests.language.generate import policies
from tests.language.trees import bare

CASES = Path(__file__).parent / "cases"


def formatted(text: str) -> str:
    """The canonical form, which was checked to be one."""
    once = formatter.format(Source("p.policy", text))
    assert formatter.format(Source("p.policy", once)) == once
    assert tree(once) == tree(text)
    return once


def tree(text: str) -> object:
    file, problems = parse(Source("p.policy", text))
    assert problems == ()
    return bare(file)


@pytest.mark.parametrize("path", sorted(CASES.glob("format/*.before.policy")), ids=lambda path: path.name.split(".")[0])
def test_each_case_gets_its_form(path: Path) -> None:
    after = path.with_name(path.name.replace("before", "after")).read_text("utf-8")
    assert formatted(path.read_text("utf-8")) == after
    assert formatted(after) == after


@pytest.mark.parametrize("path", sorted(CASES.glob("syntax/ok/*.policy")), ids=lambda path: path.stem)
def test_what_is_right_keeps_its_meaning_and_its_comments(path: Path) -> None:
    text = path.read_bytes().decode()
    comments = re.findall(r"#[^\n\"]*$", formatted(text), re.MULTILINE)
    assert sorted(map(str.strip, comments)) == sorted(map(str.strip, re.findall(r"#[^\n\"]*$", text, re.MULTILINE)))


def test_conformance_files_have_a_form(shared: Path) -> None:
    for path in (shared / "conformance").glob("*/*.policy"):
        text = path.read_text("utf-8")
        if not parse(Source("p", text))[1]:
            assert max(map(len, formatted(text).split("\n"))) < 2 * layout.WIDTH, path


def test_the_example_of_the_language_reference_is_nearly_in_form(shared: Path) -> None:
    example = (shared / "design" / "LANGUAGE.md").read_text("utf-8").split("```\n")[1]
    before, after = example.split("\n"), formatted(example).split("\n")
    assert len(set(before) - set(after)) <= 5


@given(policies())
def test_whatever_can_be_read_can_be_formatted(text: str) -> None:
    if not parse(Source("p", text))[1]:
        once = formatted(text)
        assert once.count("#") == text.count("#")
        assert all(line == line.rstrip() for line in once.split("\n"))
        assert "\n\n\n" not in once
        assert once.endswith("\n")


@pytest.mark.parametrize("text", ["", "policy p\nlet x = == 1", "let x = 1", 'policy p\nlet x = "\\d"'])
def test_a_text_with_mistakes_is_refused_with_them(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        formatter.format(Source("p.policy", text))
    assert caught.value.diagnostics
    assert "p.policy" in caught.value.message


def test_a_large_set_is_formatted_in_bounded_time() -> None:
    ids = ", ".join(f'"CVE-2024-{number:05}"' for number in range(20_000))
    started = time.process_time()
    text = formatter.format(Source("p", f"policy p let x = {{ {ids} }}"))
    assert time.process_time() - started < 30
    assert text.count("\n") == 20_000 + 4
    assert text.endswith(",\n}\n")


@pytest.mark.parametrize(
    "text", ["{ t = every x in least satisfies some x\n# why\n, }", "{ t = { some x where a\n# why\n, } }"]
)
def test_a_comment_before_a_last_comma_ends_no_line_of_what_stands_before(text: str) -> None:
    """Found by `make fuzz`: the group was broken the first time, and joined the second."""
    assert "  # why\n" in formatted(f"policy a environment b {text}")


def test_the_deepest_expression_is_formatted() -> None:
    formatted("policy p\nlet x = " + "f(" * 90 + "a" + ")" * 90)
    formatted("policy p\nlet x = " + "not " * 100 + "a")
    formatted("policy p\nlet x = " + "[ { a: " * 40 + "some x where a and b" + " } ]" * 40)
