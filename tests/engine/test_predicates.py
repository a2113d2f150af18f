"""Attestations whose predicates no rule knows by itself: policies ask them by paths into the statement."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from policyengine import Layout
from tests.engine import layouts
from tests.engine.layouts import image
from tests.engine.test_declared import attached, statuses, under

STATEMENT = "application/vnd.in-toto+json"
PASSED = {"verifier": {"id": "https://example.com/verifier"}, "verificationResult": "PASSED", "verifiedLevels": ["L3"]}
PREDICATES = [
    ("https://slsa.dev/verification_summary/v1", PASSED, "verificationResult", "PASSED"),
    ("https://in-toto.io/attestation/scai/v0.3", {"attributes": [{"attribute": "X"}]}, "attributes.0.attribute", "X"),
    ("https://in-toto.io/attestation/test-result/v0.1", {"result": "PASSED"}, "result", "PASSED"),
]


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def statement(kind: str, predicate: Any, digest: str) -> dict[str, Any]:
    subject = [{"name": "app", "digest": {"sha256": digest.removeprefix("sha256:")}}]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subject,
        "predicateType": kind,
        "predicate": predicate,
    }


def enveloped(value: Any) -> dict[str, Any]:
    payload = base64.b64encode(json.dumps(value).encode()).decode()
    return {"payloadType": STATEMENT, "payload": payload, "signatures": []}


def asking(path: str, word: str) -> str:
    return (
        f'policy p evidence attestation from "{STATEMENT}" {{ type: text at "predicateType" '
        f'said: text optional at "predicate.{path}" }} rule said deny "it is said" '
        f'require some attestation where attestation.said is "{word}"'
    )


@pytest.mark.parametrize(("kind", "predicate", "path", "word"), PREDICATES)
@pytest.mark.parametrize("wrap", [dict, enveloped])
def test_a_policy_asks_a_predicate_by_its_path(
    kind: str, predicate: Any, path: str, word: str, wrap: Any, layout: Path
) -> None:
    attached(layout, STATEMENT, wrap(statement(kind, predicate, image("clean")["digest"])))

    assert under(Layout(layout), asking(path, word)).decision == "allow"
    assert under(Layout(layout), asking(path, "FAILED")).decision == "deny"


@pytest.mark.parametrize("wrap", [dict, enveloped])
@pytest.mark.parametrize("more", ["", 'rule clean warn "clean" forbid finding where finding.severity is CRITICAL'])
def test_a_statement_about_another_image_is_warned_of(wrap: Any, more: str, layout: Path) -> None:
    """It counts, as documents of known kinds do: what binds it is the signed `subject` of its manifest."""
    (kind, predicate, path, word), other = PREDICATES[0], "sha256:" + "5" * 64
    attached(layout, STATEMENT, wrap(statement(kind, predicate, other)))

    decision = under(Layout(layout), f"{asking(path, word)} {more}")
    assert statuses(decision)["p.said"] == "passed"
    assert any(f"it says that it is about {other[:19]}" in warning for warning in decision.warnings)


@pytest.mark.parametrize("subject", [5, [5], [{"digest": 5}], [{"digest": {"sha256": []}}]])
def test_a_statement_whose_subject_is_broken_names_nothing(subject: Any, layout: Path) -> None:
    value = {**statement("x", {"verificationResult": "PASSED"}, ""), "subject": subject}
    attached(layout, STATEMENT, value)
    assert under(Layout(layout), asking("verificationResult", "PASSED")).decision == "allow"
