"""Warnings of registries: told once, and harmless to a terminal."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import Any

import pytest

from policyengine.registry.client import Registry
from policyengine.registry.notices import LOGGER, NOTICES, warning
from tests.simulator.content import Content
from tests.simulator.registry import Fault, Simulator
from tests.tables import rows


def text(value: Any) -> str:
    """A header as it comes from the wire, where each byte is a character; and what it says."""
    data = base64.b64decode(value["$bytes_b64"]) if isinstance(value, dict) else value.encode()
    return str(data.decode("latin-1"))


def said(value: Any) -> str:
    return text(value).encode("latin-1").decode(errors="replace")


def test_the_table_of_oras(shared: Path) -> None:
    for case in rows(shared, "link_referrers_warning.json", "Test_parseWarningHeader"):
        assert warning(case["header"]) == case["want"].get("Text", ""), case


def test_the_table_of_containers_image(shared: Path) -> None:
    for case in rows(shared, "link_referrers_warning.json", "TestParseRegistryWarningHeader"):
        assert warning(text(case["header"])) == said(case["expected"]), case


VERBATIM = {
    "percent-encoded space",
    "percent-encoded special chars",
    "percent-encoded quote rejected",
    "percent-encoded newline rejected",
    "percent-encoded CR rejected",
    "percent-encoded NUL rejected",
}
"""They take `%20` for a space; the specification has no such thing, so a text is shown as it was sent."""


def test_the_table_of_containerd(shared: Path) -> None:
    for case in rows(shared, "link_referrers_warning.json", "TestParseWarningText"):
        sent = text(case["header"])
        ours = sent.removeprefix('299 - "').removesuffix('"') if case["testname"] in VERBATIM else said(case["want"])
        assert warning(sent) == ours, case
        assert (said(case["want"]) != ours) == (case["testname"] in VERBATIM)


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
