"""Digests: only what can be verified is accepted, and only bytes that have it pass."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.errors import DigestMismatch, InvalidReference, Malformed
from policyengine.oci import digest_of, is_digest, parse_digest, verify


def test_go_digest_table(shared: Path) -> None:
    (table,) = json.loads((shared / "data/registry/digest.json").read_text())["tables"]
    assert len(table["cases"]) == 17
    for case in table["cases"]:
        text = case["Input"]
        verifiable = "Err" not in case and not text.startswith("sha384:")  # only sha256 and sha512 are registered
        if verifiable:
            assert parse_digest(text) == text
        else:
            with pytest.raises(InvalidReference):
                parse_digest(text)


def test_what_has_the_form_of_a_digest_is_told_from_a_tag() -> None:
    assert is_digest("blake3:" + "a" * 64)
    assert not is_digest("1.2.3")


@settings(max_examples=50)
@given(st.binary(max_size=200), st.sampled_from(["sha256", "sha512"]))
def test_bytes_have_their_own_digest_and_no_other(data: bytes, algorithm: str) -> None:
    digest = digest_of(data, algorithm)
    assert digest == f"{algorithm}:{getattr(hashlib, algorithm)(data).hexdigest()}"
    assert verify(data, digest, len(data)) == data
    with pytest.raises(DigestMismatch):
        verify(data + b" ", digest)
    with pytest.raises(DigestMismatch, match="states"):
        verify(data, digest, len(data) + 1)


@pytest.mark.parametrize("digest", ["blake3:" + "a" * 64, "md5:" + "a" * 32, "sha256:../../etc/passwd", ""])
def test_content_is_never_verified_under_another_digest(digest: str) -> None:
    with pytest.raises(Malformed):
        verify(b"", digest)
