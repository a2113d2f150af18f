"""Several statements in one document: what is known of none hides nothing that others say."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from policyengine import Decision, Layout, PolicySet
from policyengine.errors import EvidenceError
from policyengine.evidence import formats
from policyengine.evidence.reading import Source
from tests.engine import layouts
from tests.engine.deciding import decided
from tests.engine.layouts import bare, image, opened
from tests.example import build, digest

IN_TOTO = "application/vnd.in-toto+json"
NO_HIGH = PolicySet.parse('policy p rule r deny "no high finding" forbid finding where finding.severity >= HIGH')


def statement(kind: str, predicate: Any) -> dict[str, Any]:
    subject = [{"name": "order-api", "digest": {"sha256": digest("clean").removeprefix("sha256:")}}]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": kind,
        "subject": subject,
        "predicate": predicate,
    }


FOUND = {"scanner": {"uri": "scanner", "result": [{"id": "CVE-2024-1111", "severity": [{"score": "CRITICAL"}]}]}}
SCAN = statement("https://in-toto.io/attestation/vulns/v0.1", FOUND)
UNKNOWN = statement("https://acme.example.com/review", {"reviewed": True})
BUILT = {"buildDefinition": {"buildType": "b"}, "runDetails": {"builder": {"id": "https://b.example.com"}}}
PROVENANCE = statement("https://slsa.dev/provenance/v1", BUILT)


def about(folder: Path, content: Any) -> Decision:
    """The decision about the clean image with a document that CI signed."""
    with opened(folder) as written:
        layer = written.blob("application/json", content if isinstance(content, bytes) else build.compact(content))
        config = written.blob("application/vnd.oci.empty.v1+json", b"{}")
        value = {"artifactType": IN_TOTO, "config": config, "layers": [layer], "subject": image("clean")}
        build.sign(written, bare(written.manifest(value)), build.signer("ci", "order-api test root"))
    return decided(Layout(folder), policies=NO_HIGH)


@pytest.mark.parametrize("statements", list(permutations([SCAN, UNKNOWN, PROVENANCE])))
def test_a_scan_is_seen_wherever_it_stands_among_statements(statements: tuple[Any, ...], tmp_path: Path) -> None:
    assert about(layouts.copied(tmp_path / "layout"), list(statements)).decision == "deny"


def test_a_statement_that_no_rule_asks_about_is_none_of_our_business(tmp_path: Path) -> None:
    assert about(layouts.copied(tmp_path / "layout"), UNKNOWN).decision == "allow"


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"attestations":[', b"]}"), (b'{"dsseEnvelope":', b"}")])
@pytest.mark.parametrize("depth", [1, 100, 250, 500])
def test_statements_within_statements_end(brackets: tuple[bytes, bytes], depth: int, tmp_path: Path) -> None:
    content = brackets[0] * depth + build.compact(SCAN) + brackets[1] * depth

    assert about(layouts.copied(tmp_path / "layout"), content).decision == "deny"


def test_lists_of_lists_are_no_statements() -> None:
    with pytest.raises(EvidenceError):
        formats.read(b"[" * 500 + build.compact(SCAN) + b"]" * 500, Source("sha256:d"))
