"""No way to type the name of an image leads out of the policies that apply to it."""

from pathlib import Path

import pytest

from tests.cli.example import TRUST, VULNERABLE
from tests.command import policyengine
from tests.example import AT, POLICIES

LENIENT = """policy lenient
rule weighs-something deny "an image of nothing"
  require image.size > 0
"""
"""A second policy, for everything: where the strict one does not apply, this one alone would decide."""


@pytest.fixture
def lenient(tmp_path: Path) -> Path:
    path = tmp_path / "lenient.policy"
    path.write_text(LENIENT)
    return path


@pytest.mark.parametrize(
    "repository",
    [
        "registry.example.com/prod/order-api",
        "registry.example.com:443/prod/order-api",
        "registry.example.com:0443/prod/order-api",
        "Registry.Example.COM:00443/prod/order-api",
    ],
)
def test_every_way_to_type_it_is_in_scope(repository: str, lenient: Path) -> None:
    options = ("--repository", repository, "--at", AT, *TRUST, "-o", "json")
    ran = policyengine("eval", "--oci-layout", VULNERABLE, POLICIES, lenient, *options)
    assert ran.code == 1, ran.err
    assert ran.json["subject"]["repository"] == "registry.example.com/prod/order-api"
    violated = {rule["id"] for rule in ran.json["rules"] if rule["status"] == "violated"}
    assert "order-api.no-critical" in violated


@pytest.mark.parametrize(
    "repository",
    [
        *("registry.example.com./prod/order-api", "registry.example.com:65979/prod/order-api"),
        *("registry.example.com//prod/order-api", "registry.example.com/prod/./order-api"),
        *("registry.example.com/PROD/order-api", "regıstry.example.com/prod/order-api", "registry.example.com:/prod/x"),
    ],
)
def test_every_other_way_is_refused(repository: str, lenient: Path) -> None:
    options = ("--repository", repository, "--at", AT, *TRUST)
    ran = policyengine("eval", "--oci-layout", VULNERABLE, POLICIES, lenient, *options)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error")
