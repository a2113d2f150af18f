"""The tag that stands for a list of referrers, and how results are sorted out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policyengine.errors import DigestMismatch, Unreachable
from policyengine.oci import Descriptor, is_tag
from policyengine.registry.referrers import ELSEWHERE, Failure, Stray, referrers_tag, sorted_out


def test_the_table_of_the_specification(shared: Path) -> None:
    cases = json.loads((shared / "data/registry/referrers_tag_spec.json").read_text())["cases"]
    assert len(cases) == 3
    for case in cases:
        assert referrers_tag(case["digest"]) == case["tag"]
        assert is_tag(case["tag"])


def test_results_are_in_the_order_of_digests() -> None:
    listed = [Descriptor("a/b", f"sha256:{letter * 64}", 1) for letter in "cab"]
    results: list[Stray | Failure] = [
        Stray(listed[0], ELSEWHERE),
        Failure(listed[1], DigestMismatch("x")),
        Failure(listed[2], DigestMismatch("y")),
    ]
    for order in (results, results[::-1]):
        sorted_ = sorted_out(order)
        assert [failure.descriptor.digest[7] for failure in sorted_.failures] == ["a", "b"]
        assert [stray.descriptor.digest[7] for stray in sorted_.strays] == ["c"]


def test_an_error_among_the_results_is_not_lost() -> None:
    with pytest.raises(Unreachable):
        sorted_out([Unreachable("no answer")])
