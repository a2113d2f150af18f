"""Digests: only what can be verified is accepted, and only bytes that have it pass."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.errors import DigestMismatch, InvalidReference, Malformed
from policyengine.oci import digest_of, is_digest, parse_digest, verify
from tests.tables import rows


def test_the_digests_of_go(shared: Path) -> None:
    refused, differ = set(), set()
    for case in rows(shared, "digest.json", "TestParseDigest"):
        try:
            assert parse_digest(case["Input"]) == case["Input"]
        except InvalidReference:
            refused.add(case["Input"])
        if (case["Input"] in refused) != ("Err" in case):
            differ.add(case["Input"].partition(":")[0])
    assert differ == {"sha384"}, "the image specification registers sha256 and sha512"


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
