"""Whom nobody named is never trusted: broken trust files, certificates of the same name, other instants."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine import Layout, PolicyEngineError, Trust
from tests import example
from tests.engine.deciding import NOTATION, decided, rules, verdict
from tests.engine.layouts import changed, flipped, truncated
from tests.example import build

POLICY, ROOT = "trustpolicy.json", "truststore/x509/ca/order-api/root.crt"
AUTHORITY = "order-api test root"
Impostors = Callable[[str], Any]


@pytest.fixture(scope="module")
def notation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example's trust files that may be changed."""
    return Path(shutil.copytree(NOTATION, tmp_path_factory.mktemp("trust") / "notation"))


def judged(folder: Path, tag: str = "clean") -> str:
    """The decision with the trust policy and the stores in `folder`."""
    try:
        trust = Trust.load(folder / POLICY, folder / "truststore")
    except PolicyEngineError:
        return "refused"
    return verdict(example.LAYOUT, tag, trust=trust)


def says(folder: Path) -> tuple[object, ...]:
    """Whom the trust files in `folder` trust for the example's repository, and how strictly."""
    trust = Trust.load(folder / POLICY, folder / "truststore")
    statement = trust.select(example.REPOSITORY)
    assert statement
    certificates = [certificate.fingerprint for store in statement.stores for certificate in trust.certificates(store)]
    return statement.level, statement.override, statement.stores, statement.identities, certificates


# Files


@pytest.mark.parametrize("name", [POLICY, ROOT])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\0"], ids=["removed", "empty", "{}", "NUL"])
def test_without_trust_nothing_is_allowed(name: str, content: bytes | None, notation: Path) -> None:
    assert judged(notation) == "allow"
    with changed(notation / name, content):
        assert judged(notation) in {"deny", "refused"}


@given(
    name=st.sampled_from([POLICY, ROOT]), change=st.sampled_from([truncated, flipped]), where=st.integers(0, 100_000)
)
def test_a_broken_trust_file_trusts_nobody_else(
    notation: Path, name: str, change: Callable[[bytes, int], bytes], where: int
) -> None:
    path = notation / name
    with changed(path, change(path.read_bytes(), where)):
        assert judged(notation, "vulnerable") != "allow"
        if judged(notation) == "allow":  # then it says what it said: under another name, with other white space
            assert says(notation) == says(NOTATION)


def test_a_trust_policy_for_other_repositories_is_none_for_this_one(notation: Path) -> None:
    path = notation / POLICY
    with changed(path, path.read_bytes().replace(b"prod/order-api", b"prod/order-ap")):
        assert judged(notation) == "deny"


# Certificates


@pytest.fixture
def impostors(monkeypatch: pytest.MonkeyPatch) -> Impostors:
    """Makes signers whose certificates have the names of the example's, and other keys."""

    def made(name: str) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(build, "SEED", "somebody else's keys")
            return build.signer(name, AUTHORITY)

    return made


def signed_by(folder: Path, release: Any, ci: Any) -> str:
    """The decision about the clean image, built again and signed by these."""
    layout = build.Layout(folder)
    built = build.pipeline(layout, "clean", release, ci)
    layout.close()
    assert built["digest"] == example.digest("clean")
    return verdict(folder)


def mixed(real: Any, other: Any) -> list[Any]:
    """The signer `real` with its key or certificates replaced by those of the same names."""
    (leaf, root), (other_leaf, other_root) = real.chain, other.chain
    assert [c.subject for c in real.chain] == [c.subject for c in other.chain]
    return [
        build.Signer(other.key, real.chain),
        build.Signer(real.key, (other_leaf, root)),
        build.Signer(real.key, (leaf, other_root)),
        build.Signer(other.key, (other_leaf, root)),
        other,
    ]


@pytest.mark.parametrize("role", ["release", "ci"])
def test_a_certificate_of_the_same_name_is_another(role: str, tmp_path: Path, impostors: Impostors) -> None:
    real = {name: build.signer(name, AUTHORITY) for name in ("release", "ci")}
    assert signed_by(tmp_path / "real", **real) == "allow"
    for number, impostor in enumerate(mixed(real[role], impostors(role))):
        assert signed_by(tmp_path / str(number), **(real | {role: impostor})) == "deny", number


def test_a_root_of_the_same_name_in_the_store_is_another(notation: Path, impostors: Impostors) -> None:
    with changed(notation / ROOT, build.Signer(None, impostors("release").chain[-1:]).pem()):
        assert judged(notation) == "deny"


def test_roles_are_not_exchanged(tmp_path: Path) -> None:
    release, ci = (build.signer(name, AUTHORITY) for name in ("release", "ci"))

    assert signed_by(tmp_path, release=ci, ci=release) == "deny"


# The instant


@pytest.mark.parametrize(
    ("at", "valid"),
    [
        ("2025-12-31T23:59:59Z", False),
        ("2026-01-01T00:00:00Z", True),
        ("2046-01-01T00:00:00Z", True),
        ("2046-01-01T00:00:01Z", False),
        ("9999-12-31T23:59:59Z", False),
    ],
)
def test_certificates_count_while_they_are_valid(at: str, valid: bool) -> None:
    decision = decided(Layout(example.LAYOUT), at=at)

    assert decision.decision == "deny"  # no scan is fresh at any of these
    assert ("image-signed" in rules(decision, "passed")) == valid
    assert {signature.status for signature in decision.signatures} == {"verified" if valid else "rejected"}


@given(seconds=st.integers(-(10**8), 10**8) | st.integers(-400, 400) | st.integers(86_390, 86_410))
def test_a_scan_is_fresh_for_a_day(seconds: int) -> None:
    at = build.CREATED + timedelta(seconds=seconds)

    assert (verdict(example.LAYOUT, at=at.isoformat()) == "allow") == (-300 <= seconds <= 24 * 3600)
