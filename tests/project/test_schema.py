"""The published schema and the models that it is written from say the same as the reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from policyengine.schemas.decision import Decision, Decisions, read, schema

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = sorted((ROOT / "tests" / "reports" / "golden" / "json").glob("*.json"))


def test_the_published_schema_is_that_of_the_models() -> None:
    published = (ROOT / "policyengine" / "schemas" / "decision-v1.json").read_text(encoding="utf-8")

    assert json.loads(published) == schema()


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_every_report_is_read_and_written_again_without_a_loss(file: Path) -> None:
    report = read(file.read_bytes()).root

    assert isinstance(report, Decision | Decisions)
    assert report.model_dump(by_alias=True, exclude_unset=True) == json.loads(file.read_text(encoding="utf-8"))


def test_a_report_with_another_key_or_word_is_none() -> None:
    report = json.loads(next(file for file in GOLDEN if file.stem == "deny").read_text(encoding="utf-8"))

    for change in ({"decision": "maybe"}, {"allowed": True}, {"schemaVersion": "2"}):
        with pytest.raises(ValidationError):
            read(json.dumps({**report, **change}).encode())
