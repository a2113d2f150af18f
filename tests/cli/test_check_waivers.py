"""`check` says which waivers are over, and which soon will be, at the instant that it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import policyengine

POLICY = """policy p
rule critical deny "no critical finding"
  forbid finding where finding.severity is CRITICAL
waive critical for finding where finding.id is "CVE-2024-0001"
  owner "me" reason "why" expires 2026-06-30
"""


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-06-15T23:59:59Z", None),
        ("2026-06-16T00:00:00Z", "expires in 14 days"),
        ("2026-06-16T01:00:00+02:00", None),
        ("2026-06-29", "expires tomorrow"),
        ("2026-06-30T23:59:59Z", "expires today"),
        ("2026-07-01T00:00:00Z", "expired with 2026-06-30"),
    ],
)
def test_a_waiver_is_reported_from_two_weeks_before_its_last_day(at: str, said: str | None, tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(POLICY)
    for _ in range(2):  # the second time from the cache
        ran = policyengine("check", tmp_path, "--at", at, "-o", "json")
        found = [(each["code"], each["line"], said in each["message"]) for each in ran.json["diagnostics"] if said]
        assert ran.code == 0
        assert found == ([("W208", 4, True)] if said else [])
        assert bool(ran.json["diagnostics"]) == bool(said)


def test_an_instant_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "p.policy").write_text(POLICY)
    assert policyengine("check", tmp_path, "--at", "tomorrow").code == 2
