"""Text to trees: what is read, what a mistake says, and that no text is too much."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine import limits
from policyengine.language import syntax
from policyengine.language.codes import TITLES
from policyengine.language.diagnostics import Diagnostic
from policyengine.language.parser import MISTAKES, parse
from policyengine.language.policyset import check
from policyengine.language.source import Source
from policyengine.language.syntax import Broken, File
from tests.language.generate import policies, soups
from tests.language.trees import written

CASES = Path(__file__).parent / "cases" / "syntax"
MARKER = re.compile(r"[ \t]*# error(?::(.*))?$", re.MULTILINE)


def read(text: str) -> tuple[File | None, tuple[Diagnostic, ...]]:
    return parse(Source("p.policy", text))


def good(text: str) -> File:
    file, problems = read(text)
    assert file is not None
    assert problems == ()
    return file


def expression(text: str) -> syntax.Expression:
    item = good(f"policy p\nlet x = {text}").items[0]
    assert isinstance(item, syntax.Let)
    return item.value


def only(text: str) -> Diagnostic:
    _, problems = read(text)
    assert len(problems) == 1, problems
    return problems[0]


def everything(problem: Diagnostic) -> str:
    return " ".join([problem.message, *problem.notes, problem.help or "", problem.suggestion or ""])


# ---------------------------------------------------------------------------- cases


@pytest.mark.parametrize("path", sorted(CASES.glob("ok/*.policy")), ids=lambda path: path.stem)
def test_what_is_right_is_read_without_a_word(path: Path) -> None:
    file = good(path.read_bytes().decode())
    assert file.name.text
    assert not any(isinstance(item, Broken) for item in file.items)


@pytest.mark.parametrize("path", sorted(CASES.glob("errors/*.policy")), ids=lambda path: path.stem)
def test_each_mistake_is_reported_on_its_line(path: Path) -> None:
    marked = path.read_text("utf-8")
    _, problems = read(MARKER.sub("", marked))
    wanted = {
        number: [part.strip() for part in (found[1] or "").split(" | ")]
        for number, line in enumerate(marked.split("\n"), 1)
        if (found := MARKER.search(line))
    }
    assert sorted({problem.span.line for problem in problems}) == list(wanted)
    for problem in problems:
        assert problem.code in TITLES
    for line, parts in wanted.items():
        said = " ".join(everything(problem) for problem in problems if problem.span.line == line).lower()
        assert [part for part in parts if part.lower() not in said] == []


def test_conformance_files_parse(shared: Path) -> None:
    for path in sorted((shared / "conformance").glob("*/*.policy")):
        text = path.read_text("utf-8")
        file, problems = read(MARKER.sub("", text))
        assert file is not None, path
        if path.parent.name != "errors":
            assert problems == (), path
        marked = [number for number, line in enumerate(text.split("\n"), 1) if MARKER.search(line)]
        assert {problem.span.line for problem in problems} <= set(marked), path


def test_the_first_example_of_the_language_reference_parses(shared: Path) -> None:
    example = (shared / "design" / "LANGUAGE.md").read_text("utf-8").split("```\n")[1]
    file = good(example)
    assert len(file.items) == 23


# ---------------------------------------------------------------------------- trees


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b or c", "(or a b c)"),
        ("a and b or c and d", "(or (and a b) (and c d))"),
        ("not a is b", "(not (is a b))"),
        ("not not a and b", "(and (not (not a)) b)"),
        ("a - b - c & d", "(- (- a b) (& c d))"),
        ("a otherwise b otherwise c + d", "(+ (otherwise (otherwise a b) c) d)"),
        ("x.age otherwise 0 days > 30 days", "(> (otherwise x.age 0*days) 30*days)"),
        (
            "not p.license permitted by s + { m } and not f(p)",
            "(and (not (permitted by p.license (+ s {m}))) (not f(p)))",
        ),
        ("a is not signed by b", "(is not signed by a b)"),
        ("a is not b", "(is not a b)"),
        ("n-1", "(- n 1)"),
        ("n -1", "(- n 1)"),
        ("-1 - -1", "(- -1 -1)"),
        ("some v where a and b or c", "<some v where (or (and a b) c)>"),
        ("a and some v where b and c", "(and a <some v where (and b c)>)"),
        ("a or not some v where b or c", "(or a (not <some v where (or b c)>))"),
        ("some v and a", "(and <some v> a)"),
        ("some v in vs and a", "(and <some v in vs> a)"),
        ("(some v where a) and b", "(and <some v where a> b)"),
        ("every v in a + b where c satisfies d and e", "<every v in (+ a b) where c satisfies (and d e)>"),
        ("every a where every b satisfies c satisfies d", "<every a where <every b satisfies c> satisfies d>"),
        ("at least n + 1 v in vs where a", "<at least (+ n 1) v in vs where a>"),
        ("at most 2 v", "<at most 2 v>"),
        ("count(v in vs where a and b) - 1 <= 2", "(<= (- <count v in vs where (and a b)> 1) 2)"),
        ("if a then b else c end is d", "(is if a b c fi d)"),
        ('a.b["c"].d', "a.b[c].d"),
        ("a.b.c(d).e", "a.b.c(d).e"),
        ("lib.f(a, b,)", "lib.f(a, b)"),
        ("at < count + owner", "(< at (+ count owner))"),
        ("image.where.in", "image.where.in"),
    ],
)
def test_what_belongs_to_what(text: str, tree: str) -> None:
    assert written(expression(text)) == tree


@pytest.mark.parametrize("text", ['"f"(a)', "f(a)(b)", 'a["b"](c)', "(f)(a)", "1(a)"])
def test_only_what_has_a_name_is_called(text: str) -> None:
    assert only(f"policy p\nlet x = {text}").code == "E007"


def test_parentheses_are_remembered() -> None:
    inner, outer = expression("(a or b)"), expression("a or b")
    assert isinstance(inner, syntax.Operation)
    assert isinstance(outer, syntax.Operation)
    assert inner.parenthesised
    assert not outer.parenthesised
    quantifier = expression("(some v)")
    assert isinstance(quantifier, syntax.Quantifier)
    assert quantifier.parenthesised


@pytest.mark.parametrize(
    ("text", "value"),
    [(r'"\"\\\n\u{1F4A9}\u{41}"', '"\\\n\U0001f4a9A'), ('"# {x} \'"', "# {x} '"), ('"中文"', "中文"), ('""', "")],
)
def test_escapes_of_texts_are_decoded(text: str, value: str) -> None:
    node = expression(text)
    assert isinstance(node, syntax.Text)
    assert node.value == value


def test_numbers_are_exact() -> None:
    fraction = expression("-80.50")
    assert isinstance(fraction, syntax.Fraction)
    assert (fraction.value, str(fraction.value)) == (Decimal("-80.5"), "-80.50")


def test_moments_and_periods_are_kept_as_written() -> None:
    moment, period = expression("2026-13-99"), expression("14days")
    assert isinstance(moment, syntax.Moment)
    assert moment.text == "2026-13-99"  # which days there are is the checker's matter
    assert isinstance(period, syntax.Period)
    assert (period.amount, period.unit.text) == (14, "days")


def test_braces_are_a_set_except_where_a_record_is_asked_for() -> None:
    assert isinstance(expression("{ }"), syntax.SetLiteral)
    assert isinstance(expression("{ a: 1 }"), syntax.RecordLiteral)
    test = good('policy p test "t" given scan { }').items[0]
    assert isinstance(test, syntax.Test)
    step = test.steps[0]
    assert isinstance(step, syntax.Given)
    assert (step.kind.text, step.on, step.record.fields) == ("scan", None, ())


def test_spans_begin_and_end_with_the_text() -> None:
    text = 'policy p "d"\n\nrule a deny "t"\n  require (x.y or\n    z) # c\n  message "m"\n'
    rule = good(text).items[0]
    assert isinstance(rule, syntax.Rule)
    assert place(rule) == (3, 1, 6, 14)
    require, message = rule.clauses
    assert place(require) == (4, 3, 5, 7)
    assert place(message) == (6, 3, 6, 14)
    assert isinstance(require, syntax.Require)
    assert place(require.condition) == (4, 11, 5, 7)
    assert isinstance(require.condition, syntax.Operation)
    member, variable = require.condition.operands
    assert place(member) == (4, 12, 4, 15)
    assert place(variable) == (5, 5, 5, 6)
    assert isinstance(member, syntax.Member)
    assert place(member.name) == (4, 14, 4, 15)


def place(node: syntax.Node) -> tuple[int, int, int, int]:
    span = node.span
    return span.line, span.column, span.end_line, span.end_column


def test_columns_count_characters() -> None:
    problem = only('policy p\nlet x = "中文\U0001f4a9" == 1')
    assert (problem.span.line, problem.span.column, problem.span.end_column) == (2, 15, 17)


def test_a_byte_order_mark_is_skipped() -> None:
    assert good("\ufeffpolicy p").name.text == "p"


# ---------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize("text", ["", " \n\t\r\n", "# only a comment", "\ufeff"])
def test_an_empty_file_says_what_is_missing(text: str) -> None:
    problem = only(text)
    assert (problem.code, problem.span.line, problem.span.column) == ("E001", 1, 1)
    assert "policy NAME" in everything(problem)


def test_a_broken_item_keeps_its_name_and_ends_at_the_next() -> None:
    file, problems = read('policy p\nrule a deny "t"\n  require is\nrule b deny "t"\n  require x\nlet c\nlet d = 1')
    assert file is not None
    assert [type(item).__name__ for item in file.items] == ["Broken", "Rule", "Broken", "Let"]
    assert [(item.keyword, item.name and item.name.text) for item in file.items if isinstance(item, Broken)] == [
        ("rule", "a"),
        ("let", "c"),
    ]
    assert [problem.span.line for problem in problems] == [3, 6]


def test_a_stray_line_does_not_break_the_item_before_it() -> None:
    file, problems = read('policy p\nrule a deny "t"\n  require x\nnonsense here\nrule b deny "t" require y')
    assert file is not None
    assert [type(item).__name__ for item in file.items] == ["Rule", "Broken", "Rule"]
    assert len(problems) == 1


def test_what_is_meant_is_read_so_that_the_checker_sees_it_too() -> None:
    file, problems = read('policy p\nrule a deny "t"\n  forbid finding where not finding.id is in x && a != b')
    assert len(problems) == 3
    assert file is not None
    rule = file.items[0]
    assert isinstance(rule, syntax.Rule)
    assert isinstance(rule.clauses[0], syntax.Forbid)
    assert rule.clauses[0].where is not None
    assert written(rule.clauses[0].where) == "(and (not (in finding.id x)) (is not a b))"


def test_a_wrong_guess_is_no_reason_for_more_errors() -> None:
    _, problems = read('policy p\nrule a deny "t" require x\n  requires wide of mark 5\nrule b deny "t" require == y')
    assert [problem.span.line for problem in problems] == [3, 4]


def test_a_file_with_a_broken_header_has_the_errors_of_its_items() -> None:
    file, problems = read("policy 5\nlet a = == b\n")
    assert file is None
    assert [problem.span.line for problem in problems] == [1, 2]


UNSEEN = ["\0", "\x1b[31m", "\u202e", "\u2066", "\u200b", "\x85", "\ufeff", "\r", "\U000e0041"]


@pytest.mark.parametrize("inserted", UNSEEN, ids=ascii)
@pytest.mark.parametrize("around", ["let x = 1 # {}", 'let x = "{}"', "let x {} = 1", "let x{} = 1"])
def test_what_cannot_be_seen_stands_nowhere(inserted: str, around: str) -> None:
    _, problems = read("policy p\n" + around.format(inserted))
    assert problems
    assert problems[0].span.line == 2
    hidden = next(problem for problem in problems if problem.code == "E004")
    assert f"U+{ord(inserted[0]):04X}" in hidden.message


@pytest.mark.parametrize("name", ["аdmin", "naïve", "x\u0301", "ﬁx", "𝐱", "x٣"], ids=ascii)
def test_names_cannot_be_mistaken(name: str) -> None:
    problem = only(f"policy p\nlet x = {name}")
    assert problem.code == "E004"
    letter = next(letter for letter in name if not letter.isascii())
    assert problem.span.column == 9 + name.index(letter)
    assert f"U+{ord(letter):04X}" in problem.message


@pytest.mark.parametrize(
    ("rest", "letter"),
    [
        ('"registry.ex\u0430mple.com/**"', "\u0430"),
        ('"\u0440rod/**"', "\u0440"),
        ('"registry.example.com/**" # \u0421I-\u0441\u043a\u0430\u043d', "\u0421"),
        ('"\u0441\u043a\u0430\u043d-CI/\u03b1\u03b2\u03b3/na\u00efve"', ""),
        ('"registry.ex\\u{430}mple.com/**"', ""),
    ],
)
def test_texts_that_can_be_mistaken_are_warned_of(rest: str, letter: str) -> None:
    line = f"  require image.repository matches {rest}"
    found = check([Source("p", f'policy p\nrule a deny "t"\n{line}')])[1]

    expected = [("W209", 3, line.index(letter) + 1)] if letter else []
    assert [(d.code, d.span.line, d.span.column) for d in found] == expected


def test_a_letter_that_can_stand_nowhere_is_reported_once() -> None:
    found = check([Source("p", 'policy p\nrule a deny "t" require im\u0430ge is signed')])[1]
    assert [d.code for d in found] == ["E004"]


def test_messages_are_short_and_printable() -> None:
    for text in (
        "policy p " + "x" * 10_000,
        "policy p " + '"' + "x" * 10_000,
        "policy p\nlet x = '" + "y" * 10_000 + "'",
    ):
        for problem in read(text)[1]:
            assert len(everything(problem)) < 400
            assert everything(problem).isprintable()


# ---------------------------------------------------------------------------- hostile texts


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "unit",
    [
        "(", "[", "{", "{a:", "f(", "not ", "if ", "some x where ", "every x satisfies ", "count(", "at least ",
        "a or ", "a + ", ".a", "a.", " otherwise a", "x[", '"', '"\n', "'", "\\", "\0", "a\0", ";", ";\n", "#", "\n",
        " ", "\r", "é", "é\n", "= ", "rule ", "rule\n", "let a\n", "rul a\n", "/*", "--", "1", "1.", "a-", "}", ")",
        '"\\x" ', "2026-01-01T", 'let a = "', "policy ", 'test "t" given x {\n', "message ", "at ", "count ",
        "owner # \n", "x: ", "a == b ", "a b ",
    ],
    ids=ascii,
)  # fmt: skip
@pytest.mark.parametrize(
    "head", ["", "policy p\n", "policy p\nlet x = ", 'policy p\nrule a deny "t"\n  require '], ids=len
)
def test_much_of_anything_takes_bounded_time(head: str, unit: str) -> None:
    text = head + unit * (MEGABYTE // 10 // len(unit))
    started = time.process_time()
    _, problems = read(text)
    assert time.process_time() - started < 10  # a second at most; what is quadratic takes minutes
    assert len(problems) <= 2 * MISTAKES + 20
    lines = text.count("\n") + 1
    assert all(1 <= problem.span.line <= lines and problem.span.column >= 1 for problem in problems)


@pytest.mark.parametrize("unit", ["(", "not "])
def test_a_megabyte_of_nesting_says_that_it_is_too_deep(unit: str) -> None:
    problem = only("policy p\nlet x = " + unit * (MEGABYTE // len(unit)))
    assert problem.code == "E008"
    assert problem.span.line == 2
    assert str(limits.EXPRESSION_DEPTH) in problem.message


def test_the_limit_of_nesting_is_exact() -> None:
    deepest = limits.EXPRESSION_DEPTH
    good("policy p\nlet x = " + "(" * deepest + "a" + ")" * deepest)
    assert only("policy p\nlet x = " + "(" * (deepest + 1) + "a" + ")" * (deepest + 1)).code == "E008"
    good("policy p\nlet x = " + "not " * deepest + "a")
    assert only("policy p\nlet x = " + "a" + ".a" * (deepest + 1)).code == "E008"
    assert only("policy p\nlet x = " + "a + " * (deepest + 1) + "a").code == "E008"
    assert len(good("policy p\nlet x = " + "a and " * 10 * deepest + "a").items) == 1  # a chain is flat


def test_what_is_behind_a_deep_item_is_read() -> None:
    file, problems = read("policy p\nlet x = " + "(" * MEGABYTE + "\nlet y = 1\nlet z = == 2")
    assert [problem.span.line for problem in problems] == [2, 4]
    assert file is not None
    assert len(file.items) == 3


def test_a_set_of_100000_ids() -> None:
    ids = "".join(f'  "CVE-2024-{number:05}",\n' for number in range(100_000))
    started = time.process_time()
    item = good(f"policy p\nlet ids = {{\n{ids}}}").items[0]
    assert time.process_time() - started < 30
    assert isinstance(item, syntax.Let)
    assert isinstance(item.value, syntax.SetLiteral)
    assert len(item.value.items) == 100_000


def test_10000_rules_and_10000_broken_ones() -> None:
    rules = "".join(f'rule r{number} deny "t"\n  forbid finding where finding.id is "x"\n' for number in range(10_000))
    assert len(good(f"policy p\n{rules}").items) == 10_000
    file, problems = read(f"policy p\n{rules}".replace(" is ", " as "))
    assert file is not None
    assert len(file.items) == 10_000
    assert all(isinstance(item, Broken) and item.name for item in file.items)
    assert len(problems) == MISTAKES + 1
    assert problems[-1].code == "E012"


@given(policies())
def test_whatever_the_grammar_derives_is_read(text: str) -> None:
    file, problems = read(text)
    assert file is not None
    assert {problem.code for problem in problems} <= {"E008"}


@given(
    soups() | st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("utf-8", "surrogateescape"))
)
def test_no_text_is_an_exception(text: str) -> None:
    file, problems = read(text)
    assert file is not None or problems
    assert list(problems) == sorted(problems, key=lambda p: (p.span.line, p.span.column, p.code))
    for problem in problems:
        assert 1 <= problem.span.line <= text.count("\n") + 1
        assert (problem.span.line, problem.span.column) <= (problem.span.end_line, problem.span.end_column)


@given(policies(30), soups(4), st.integers(0, 2000))
def test_no_damage_is_an_exception(text: str, damage: str, at: int) -> None:
    file, problems = read(text[: at % (len(text) + 1)] + damage + text[at % (len(text) + 1) :])
    assert file is not None or problems
