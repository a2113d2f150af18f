from pathlib import Path

from tests.cli.example import TRUST
from tests.command import policyengine
from tests.example import AT, FOLDER

POLICY, STORE = FOLDER / "notation/trustpolicy.json", FOLDER / "notation/truststore"


def test_what_is_trusted_for_people() -> None:
    ran = policyengine("trust", *TRUST, "--at", AT)
    assert (ran.code, ran.err) == (0, "")
    assert "level strict" in ran.out
    assert "until 20" in ran.out


def test_what_is_trusted_for_programs() -> None:
    ran = policyengine("trust", *TRUST, "--at", AT, "-o", "json")
    assert ran.code == 0
    (statement,) = ran.json["statements"]
    assert statement["checks"]["authenticity"] == "enforce"
    assert statement["trustStores"][0]["certificates"][0]["sha256"]
    assert statement["registryScopes"]


def test_a_store_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "x509").mkdir()
    ran = policyengine("trust", "--trust-policy", POLICY, "--trust-store", tmp_path)
    assert ran.code == 0
    assert "is missing or empty" in ran.out


def test_a_trust_policy_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "trustpolicy.json"
    path.write_text('{"version": "1.0", "trustPolicies": [], "trusted": true}')
    for arguments in (["--trust-policy", path], ["--trust-policy", tmp_path / "gone.json"], []):
        ran = policyengine("trust", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("error[PE130]: ")
