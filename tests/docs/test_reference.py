"""The tables of the language reference say what the engine has: no more, no less."""

from __future__ import annotations

import re

from policyengine import limits
from policyengine.language import schema, types
from policyengine.language.policyset import check, shipped
from policyengine.language.source import Source
from tests.docs.pages import ROOT, blocks, section, tables

PAGE = "docs/language.md"
GRAMMAR = (ROOT / "grammar" / "policy.lark").read_text(encoding="utf-8")
NAME = GRAMMAR[GRAMMAR.index("NAME: /") :]
CODE = re.compile(r"`([^`]+)`")
LIBRARY = re.compile(r"^library (\w+)", re.MULTILINE)
MEMBER = re.compile(r"^(?:let|define|param) (\w+)", re.MULTILINE)
UNITS = {"MiB": 1024 * 1024, "": 1}


def words(text: str) -> list[str]:
    """What stands in code spans."""
    return CODE.findall(text)


# ---------------------------------------------------------------------------- records


def documented() -> dict[str, dict[str, tuple[str, bool, bool]]]:
    """The records by name: for each field its type in words, whether it is optional, whether it is keyed."""
    found: dict[str, dict[str, tuple[str, bool, bool]]] = {}
    record = ""
    for first, field, type_, _ in tables(PAGE, "Records and fields")[0]:
        record = words(first)[0] if first else record
        (name,) = words(field)
        keyed = name.endswith("[…]")
        found.setdefault(record, {})[name.removesuffix("[…]")] = (type_, field.endswith("?"), keyed)
    return found


def test_records_and_their_fields() -> None:
    actual = {
        record: {name: (str(field.type), field.optional, field.keyed) for name, field in fields.items()}
        for record, fields in schema.RECORDS.items()
    }

    assert documented() == actual


def test_collections() -> None:
    rows = tables(PAGE, "Collections")[0]
    own = {words(name)[0]: record for name, record, _ in rows}

    assert own == {**schema.COLLECTIONS, "image.signatures": "signature"}
    assert all(words(element) == [record] for _, record, element in rows)


def test_words_of_closed_lists() -> None:
    rows = tables(PAGE, "Types")[1]

    assert {name.replace(" ", "_"): tuple(words(listed)) for name, listed in rows} == schema.ENUMS


def test_what_a_declared_kind_can_hold() -> None:
    from policyengine.language.declarations import CUSTOM_TYPES

    line = re.search(r"^Fields can be (.*)\.$", section(PAGE, "Kinds of documents of your own"), re.MULTILINE)
    assert line
    assert tuple(words(line[1])) == CUSTOM_TYPES


# ---------------------------------------------------------------------------- types, limits, words


def test_types() -> None:
    names = [words(row[0])[0] for row in tables(PAGE, "Types")[0]]

    assert sorted(names) == sorted([*types.SCALARS, "set of T", "list of T"])


def test_limits() -> None:
    for what, limit, constant in tables(PAGE, "Limits")[0]:
        number, _, unit = limit.partition(" ")
        assert int(number) * UNITS[unit] == getattr(limits, words(constant)[0]), what


def test_reserved_words() -> None:
    always, sometimes = section(PAGE, "Words").split("`at`", 1)
    reserved = re.search(r"\((accept\|.*?\|within)\)", NAME.replace("\n", "").replace(" ", ""))
    assert reserved

    assert words(always) == reserved[1].split("|")
    assert {"at", *words(sometimes)} == {"help", "message", "owner", "reason", "ticket", "at", "expires", "count"}


def test_items_clauses_and_steps_are_those_of_the_grammar() -> None:
    """Each word that begins an item, clause or step in the grammar begins a row of its table."""
    for rule, heading, number in (("item", "Items", 0), ("clause", "Clauses", 0), ("step", "Tests", 0)):
        rows = [words(row[0])[0] for row in tables(PAGE, heading)[number]]
        if rule == "step":
            rows += [words(row[0])[0] for row in tables(PAGE, heading)[1]]
        begins = {row.split()[0] for row in rows if not row.startswith("containing")}
        assert first_words(rule) <= begins | {"N"}, rule


def first_words(rule: str) -> set[str]:
    """The words with which the alternatives of a rule of the grammar begin."""
    body = re.search(rf"^\?{rule}: (.*?)(?=^\S)", GRAMMAR, re.MULTILINE | re.DOTALL)
    assert body
    literal = set(re.findall(r"(?:^|\|)\s*\"(\w+)\"", body[1], re.MULTILINE))
    named = re.findall(r"(?:^|\|)\s*([a-z]+)\b", body[1], re.MULTILINE)
    more = [re.search(rf"^{name}: \"(\w+)\"", GRAMMAR, re.MULTILINE) for name in named]
    return literal | {found[1] for found in more if found}


def test_libraries_that_come_with_the_engine() -> None:
    rows = {words(name)[0]: words(members)[:5] for name, members in tables(PAGE, "Libraries")[0]}
    own = {f"std.{LIBRARY.findall(source.text)[0]}": MEMBER.findall(source.text) for source in shipped()}

    assert rows == own


# ---------------------------------------------------------------------------- cases


def test_every_case_of_the_table_is_a_test_of_its_name() -> None:
    named = [row[0].partition(":")[0] for row in tables(PAGE, "Cases")[0]]
    block = [block for block in blocks(PAGE) if block.text.startswith("policy cases")][-1]
    program, _ = check([Source("cases.policy", block.text)])

    assert [test.name for test in program.tests] == named


def test_the_truth_tables_are_kleenes() -> None:
    value = {"true": True, "unknown": None, "false": False}
    rows = tables(PAGE, "Three values")[0]

    assert len(rows) == 9
    for a, b, both, either, opposite in rows:
        left, right = value[a], value[b]
        assert value[both] == (False if False in (left, right) else None if None in (left, right) else True)
        assert value[either] == (True if True in (left, right) else None if None in (left, right) else False)
        assert value[opposite] == (None if left is None else not left)
