"""The policies that people start from: each compiles without a warning, and its tests notice every fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyengine.language.policyset import PolicySet
from tests.command import policyengine
from tests.example import AT, FOLDER, LAYOUT, POLICIES, REPOSITORY

LIBRARY = Path(__file__).resolve().parents[2] / "policies"
FOLDERS = [*sorted(path for path in LIBRARY.iterdir() if path.is_dir() and path.name != "std"), POLICIES]


def named(folder: Path) -> str:
    return "the example" if folder == POLICIES else folder.name


def test_these_are_all() -> None:
    assert [named(folder) for folder in FOLDERS] == ["baseline", "order-api", "production", "the example"]


@pytest.mark.parametrize("folder", [LIBRARY, *FOLDERS], ids=named)
def test_it_compiles_without_a_warning_and_is_formatted(folder: Path) -> None:
    checked = policyengine("check", folder)
    assert (checked.code, checked.err) == (0, "")
    assert "warning" not in checked.out
    assert policyengine("fmt", "--check", folder).code == 0


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_every_outcome_is_shown_and_every_fault_noticed(folder: Path) -> None:
    ran = policyengine("test", folder, "--coverage", "--min", "100", "--mutate", timeout=300)
    assert (ran.code, ran.err) == (0, ""), ran.out


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_whoever_reads_it_learns_what_it_is_for(folder: Path) -> None:
    for policy in PolicySet.load(folder).program.policies:
        assert policy.description
        assert all(parameter.description for parameter in policy.parameters)
        assert all(rule.title for rule in policy.rules)


@pytest.mark.parametrize(("image", "code"), [("clean", 0), ("vulnerable", 1)])
def test_the_pipelines_policy_decides_about_the_example(image: str, code: int) -> None:
    trust = ("--trust-policy", FOLDER / "notation/trustpolicy.json", "--trust-store", FOLDER / "notation/truststore")
    base = ("eval", "--oci-layout", f"{LAYOUT}:{image}", LIBRARY / "order-api", "--at", AT, *trust)
    assert policyengine(*base, "--repository", REPOSITORY).code == code
    assert policyengine(*base, "--repository", "elsewhere.example.com/app").code == 1
    strangers = ("--param", 'release=x509("CN=release, O=Acme")')
    assert policyengine(*base, "--repository", REPOSITORY, *strangers).code == 1


@pytest.mark.parametrize("folder", FOLDERS, ids=named)
def test_an_image_of_which_nothing_is_known_is_denied(folder: Path) -> None:
    from datetime import UTC, datetime

    from policyengine import Evidence, decide
    from policyengine.evidence.model import Image

    image = Image("sha256:" + "a" * 64, repository="registry.example.com/prod/app")
    decision = decide(PolicySet.load(folder), Evidence(image), at=datetime(2026, 1, 1, tzinfo=UTC))
    assert decision.decision == "deny"
