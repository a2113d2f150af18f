"""The grammar by itself, and as the tables that the parser runs on."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from policyengine import cache
from policyengine.language import grammar
from policyengine.language.lexer import END
from tests.language.generate import policies

CASES = Path(__file__).parent / "cases" / "syntax" / "ok"


def test_it_has_no_conflict(caplog: pytest.LogCaptureFixture) -> None:
    from lark import Lark, logger

    logger.setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            Lark(grammar.grammar_file().read_text("utf-8"), parser="lalr", debug=True)
            assert "conflict" not in caplog.text.lower()
            Lark('start: "a" start | "a" start "b" | "c"\n', parser="lalr", debug=True)
            Lark('start: x x\nx: "a" | "a" "a"', parser="lalr", debug=True)
    finally:
        logger.setLevel(logging.CRITICAL)
    assert "conflict" in caplog.text.lower()  # which shows that one would have been seen


@pytest.fixture(scope="module")
def plain() -> object:
    """The grammar as Lark by itself reads it."""
    from lark import Lark

    return Lark(grammar.grammar_file().read_text("utf-8"), parser="lalr")


@pytest.mark.parametrize("path", sorted(CASES.glob("*.policy")), ids=lambda path: path.stem)
def test_lark_by_itself_reads_what_we_read(plain: object, path: Path) -> None:
    plain.parse(path.read_bytes().decode())  # type: ignore[attr-defined]


@settings(max_examples=30)
@given(text=policies(30))
def test_lark_by_itself_reads_what_the_grammar_derives(plain: object, text: str) -> None:
    plain.parse(text)  # type: ignore[attr-defined]


def test_every_state_has_a_way_out() -> None:
    tables = grammar.tables()
    assert tables.start != tables.end
    for number, edges in enumerate(tables.states):
        assert edges or number == tables.end
        for action in edges.values():
            assert -len(tables.productions) <= action < len(tables.states)
    assert any(END in edges for edges in tables.states)


def test_every_item_may_come_where_a_rule_may() -> None:
    from policyengine.language.recovery import FOLLOWED_BY

    items = {word.upper() for word in FOLLOWED_BY}
    for edges in grammar.tables().states:
        if "RULE" in edges and "IMPORT" in edges:
            assert items <= edges.keys()


def test_tables_come_from_the_cache_without_lark(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from policyengine.language.parser import parse\n"
        "from policyengine.language.source import Source\n"
        "assert parse(Source('p', 'policy p'))[1] == ()\n"
        "print('lark' in sys.modules)\n"
    )
    environment = {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(Path(grammar.__file__).parents[2])}
    runs = [
        subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [run.stdout.strip() for run in runs] == ["True", "False"]


def test_tables_of_another_shape_in_the_cache_are_not_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    key = grammar.FORMAT + grammar.grammar_file().read_bytes()
    cache.store("grammar", key, b"\x93 not tables")
    assert grammar.tables.__wrapped__().productions
    assert cache.load("grammar", key) != b"\x93 not tables"
