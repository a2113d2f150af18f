"""The grammar by itself, and as the tables that the parser runs on."""

from __future__ import annotations

import logging
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings

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


def test_the_tables_beside_the_grammar_are_those_of_it_and_need_no_lark() -> None:
    """`make tables` writes them; a grammar that was changed since then is built, and never read by old tables."""
    text = grammar.grammar_file().read_bytes()
    kept = msgspec.json.decode(grammar.tables_file(grammar.grammar_file()).read_bytes(), type=grammar.Tables)
    assert kept == grammar.build(text)

    program = (
        "import sys\n"
        "from policyengine.language.parser import parse\n"
        "from policyengine.language.source import Source\n"
        "assert parse(Source('p', 'policy p'))[1] == ()\n"
        "print('lark' in sys.modules)\n"
    )
    environment = {"PYTHONPATH": str(Path(grammar.__file__).parents[2])}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


@pytest.mark.parametrize("kept", [None, b"", b"[]", b'{"grammar": "of another"}'], ids=str)
def test_tables_that_are_not_of_this_grammar_are_not_used(
    kept: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "policy.lark"
    file.write_bytes(grammar.grammar_file().read_bytes() + b"// changed\n")
    old = grammar.tables_file(grammar.grammar_file()).read_bytes()
    grammar.tables_file(file).write_bytes(old if kept is None else kept)
    monkeypatch.setattr(grammar, "grammar_file", lambda: file)

    found = grammar.tables.__wrapped__()

    assert found.grammar == sha256(file.read_bytes()).hexdigest()
    assert found.productions
