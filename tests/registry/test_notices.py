"""Warnings of registries: told once, and harmless to a terminal."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from policyengine.registry.client import Registry
from policyengine.registry.notices import LOGGER, NOTICES, warning
from tests.simulator.content import Content
from tests.simulator.registry import Fault, Simulator


def cases(shared: Path, test: str) -> list[Any]:
    tables = json.loads((shared / "data/registry/link_referrers_warning.json").read_text())["tables"]
    (found,) = [table["cases"] for table in tables if table["test"] == test]
    assert found
    return list(found)


def text(value: Any) -> str:
    """A header as it comes from the wire, where each byte is a character; and what it says."""
    data = base64.b64decode(value["$bytes_b64"]) if isinstance(value, dict) else value.encode()
    return str(data.decode("latin-1"))


def said(value: Any) -> str:
    return text(value).encode("latin-1").decode(errors="replace")


def test_the_table_of_oras(shared: Path) -> None:
    for case in cases(shared, "Test_parseWarningHeader"):
        assert warning(case["header"]) == case["want"].get("Text", ""), case


def test_the_table_of_containers_image(shared: Path) -> None:
    for case in cases(shared, "TestParseRegistryWarningHeader"):
        assert warning(text(case["header"])) == said(case["expected"]), case


def test_the_table_of_containerd(shared: Path) -> None:
    for case in cases(shared, "TestParseWarningText"):
        if "percent-encoded" not in case["testname"]:  # theirs alone: the specification has no such thing
            assert warning(text(case["header"])) == said(case["want"]), case


def test_a_warning_is_told_once_and_printably(caplog: pytest.LogCaptureFixture) -> None:
    with Simulator(Content()) as registry, Registry(environment={}) as client:
        registry.faults.append(Fault("/", *_failure('299 - "moves on \xc2\x9b31m Friday"')))
        store = client.repository(f"{registry.host}/a")
        with caplog.at_level(logging.WARNING, LOGGER):
            store.each(store.resolve, ["1", "1", "1"])
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.isprintable()
    assert message.startswith(f'warning: http://{registry.host} says "moves on')


def test_not_more_than_a_few_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with Simulator(Content()) as registry, Registry(environment={}) as client:
        registry.faults += [Fault("/", *_failure(f'299 - "notice {number}"'), times=1) for number in range(30)]
        store = client.repository(f"{registry.host}/a")
        with caplog.at_level(logging.WARNING, LOGGER):
            store.each(store.resolve, ["1"] * 30)
    assert len(caplog.records) == NOTICES


def _failure(header: str) -> tuple[str, Any]:
    return "failure", (404, b"{}", {"Warning": header})
