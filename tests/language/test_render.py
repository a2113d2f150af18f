"""Diagnostics as people, scripts and pipelines read them."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine.language import render
from policyengine.language.diagnostics import Diagnostic
from policyengine.language.parser import parse
from policyengine.language.source import Source
from policyengine.language.syntax import Span


def shown(text: str, color: bool = False) -> str:
    source = Source("p.policy", text)
    return render.text(parse(source)[1], [source], color)


def diagnostic(message: str = "m", line: int = 1, column: int = 1, end: int = 2, **more: object) -> Diagnostic:
    return Diagnostic("E002", "error", message, Span("p.policy", line, column, line, end), **more)  # type: ignore[arg-type]


def test_a_diagnostic_shows_its_line_and_underlines_its_text() -> None:
    assert shown('policy p\nrule a deny "t"\n  forbid finding where finding.severity == HIGH\n') == (
        "error[E009]: `==` is written `is`\n"
        " --> p.policy:3:41\n"
        "  |\n"
        "3 |   forbid finding where finding.severity == HIGH\n"
        "  |                                         ^^\n"
    )


def test_notes_help_and_suggestion_stand_below() -> None:
    found = diagnostic(notes=("one", "two"), help="do this", suggestion="x", line=12, column=3, end=5)
    assert render.text([found], [Source("p.policy", "\n" * 11 + "a b c")]) == (
        "error[E002]: m\n"
        "  --> p.policy:12:3\n"
        "   |\n"
        "12 | a b c\n"
        "   |   ^^\n"
        "   = note: one\n"
        "   = note: two\n"
        "   = help: do this\n"
        "   = help: write `x`\n"
    )


def test_what_was_said_already_is_not_suggested_again() -> None:
    assert "write" not in render.text([diagnostic(help="did you mean `x`?", suggestion="x")], [])


def test_several_are_parted_by_an_empty_line_and_counted() -> None:
    found = [diagnostic("one"), diagnostic("two"), Diagnostic("W001", "warning", "three", Span("p", 1, 1, 1, 2))]
    assert render.text(found, []).count("\n\n") == 2
    assert "warning[W001]: three" in render.text(found, [])
    assert render.summary(found) == "2 errors and 1 warning"
    assert render.summary([]) == ""
    assert render.text([], []) == ""


@pytest.mark.parametrize(
    ("line", "marks"),
    [
        ("\tlet x = 1 == 2", "              ^^"),
        ('let x = "中文" == 2', "               ^^"),
        ('let x = "\t" == 2', "               ^^"),
        ('let x = "e\u0301" == 2', " " * 19 + "^^"),
        ("let x = 1 == 2\r", "          ^^"),
    ],
)
def test_marks_stand_under_the_text_as_it_is_shown(line: str, marks: str) -> None:
    lines = shown(f"policy p\n{line}\n").split("\n")
    assert lines[4] == "  | " + marks
    start = marks.index("^")
    cells = "".join(c * (2 if unicodedata.east_asian_width(c) in "WF" else 1) for c in lines[3][4:])
    assert cells[start : start + 2] == "=="


def test_a_long_line_is_shown_around_the_marks() -> None:
    text = "policy p\nlet x = { " + '"a", ' * 1000 + "b == c, " + '"d", ' * 1000 + "}"
    lines = shown(text).split("\n")
    start = lines[4].index("^")
    assert len(lines[3]) < 300
    assert lines[3][start : start + 2] == "=="
    assert lines[3].startswith("2 | …")


def test_a_place_behind_the_end_is_shown() -> None:
    for column in (1, 5, 1000, 100_000):
        assert "^" in render.text([diagnostic(column=column, end=column)], [Source("p.policy", "abc")])
    assert "^" not in render.text([diagnostic(line=5)], [Source("p.policy", "abc")])
    assert "^" not in render.text([diagnostic()], [])


def test_a_span_of_several_lines_marks_the_rest_of_its_first() -> None:
    found = Diagnostic("E002", "error", "m", Span("p.policy", 1, 3, 2, 2))
    assert "  |   ^^^\n" in render.text([found], [Source("p.policy", "abcde\nf")])


def test_colour_only_where_it_is_asked_for() -> None:
    text = "policy p\nlet x = == 1"
    assert "\x1b" not in shown(text)
    assert "\x1b[1;31merror[E002]\x1b[0m" in shown(text, color=True)


HOSTILE = (
    "\x1b]8;;http://x\x07##vso[task.complete]##[error]\r::set-env name=x::\n\u202e\u2066\u200b\x00\x9b\u3164e"
    + "\u0301" * 5
)
hostile = st.text(max_size=30) | st.sampled_from([HOSTILE, "##", "a##vso[x]", "\n::error::", "%0A", "],;:%"])


@given(message=hostile, path=hostile, line=hostile, note=hostile, column=st.integers(1, 40), width=st.integers(0, 40))
def test_nothing_printed_is_unseen_or_an_order(
    message: str, path: str, line: str, note: str, column: int, width: int
) -> None:
    found = Diagnostic("E002", "error", message, Span(path, 1, column, 1, column + width), (note,), note, note)
    for output in (
        render.text([found], [Source(path, line)]),
        render.github([found]).removeprefix("::error "),
        render.azure([found]).removeprefix("##vso[task.logissue "),
    ):
        for character in output:
            assert character == "\n" or character.isprintable()
            assert unicodedata.category(character)[0] != "M"
        assert "##" not in output
        assert not any(part.lstrip().startswith("::") for part in output.split("\n"))
    assert render.github([found]).count("\n") == render.azure([found]).count("\n") == 1


@given(st.text(max_size=40))
def test_what_is_seen_stays(text: str) -> None:
    assert render.visible(text).isprintable()
    if text.isascii() and text.isprintable() and "##" not in text:
        assert render.visible(text) == text


def test_json_has_the_documented_keys() -> None:
    found = diagnostic(notes=("n",), help="h", suggestion="s", line=3, column=4, end=6)
    document = render.as_json([found, diagnostic()])
    assert json.loads(json.dumps(document)) == {
        "schemaVersion": "1",
        "diagnostics": [
            {
                "code": "E002", "severity": "error", "file": "p.policy", "line": 3, "column": 4, "endLine": 3,
                "endColumn": 6, "message": "m", "notes": ["n"], "help": "h", "suggestion": "s",
            },
            {
                "code": "E002", "severity": "error", "file": "p.policy", "line": 1, "column": 1, "endLine": 1,
                "endColumn": 2, "message": "m", "notes": [],
            },
        ],
    }  # fmt: skip


def test_github_escapes_properties_and_data() -> None:
    found = Diagnostic("E002", "warning", "50% of a, b: c", Span("a,b:c%.policy", 2, 3, 2, 5), help="do")
    assert render.github([found]) == (
        "::warning file=a%2Cb%3Ac%25.policy,line=2,col=3,endColumn=5,endLine=2,title=E002::"
        "50%25 of a, b: c%0Ahelp: do\n"
    )


def test_azure_escapes_properties_and_data() -> None:
    found = Diagnostic("E002", "error", "50% [x]; y", Span("a;b].policy", 2, 3, 2, 5))
    assert render.azure([found]) == (
        "##vso[task.logissue type=error;sourcepath=a%3Bb%5D.policy;linenumber=2;columnnumber=3;code=E002;]"
        "50%AZP25 [x]; y\n"
    )
