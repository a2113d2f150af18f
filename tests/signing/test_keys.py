"""Test keys: what is written, who may read it, and what is never overwritten."""

from __future__ import annotations

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from policyengine.errors import UsageError
from policyengine.signing import keys, signer
from policyengine.verification import certificates, truststore
from policyengine.verification.trustpolicy import StoreName
from tests.command import policyengine
from tests.verification.signing import NOW


@pytest.mark.parametrize("kind", keys.KINDS)
def test_a_key_that_signs_and_is_trusted(tmp_path: Path, kind: str) -> None:
    files = keys.generate(tmp_path, "acme.io", kind, NOW, 2)
    by = signer.load(files.key, files.certificate, NOW + timedelta(days=1))
    assert len(by.chain) == 1
    assert by.chain[0].subject == files.subject == "C=US, ST=WA, L=Seattle, O=Notary, CN=acme.io"
    assert by.chain[0].not_after == files.expires == NOW + timedelta(days=2)
    (trusted,) = truststore.read(tmp_path / "truststore", StoreName("ca", "acme.io"))
    assert trusted == by.chain[0]
    assert certificates.signing_chain((trusted.der,)) == by.chain


def test_where_things_are_and_who_may_read_the_key(tmp_path: Path) -> None:
    files = keys.generate(tmp_path, "acme.io", "P-256", NOW, 1)
    assert files.key == tmp_path / "localkeys/acme.io.key"
    assert files.certificate == tmp_path / "localkeys/acme.io.crt"
    assert files.stored == tmp_path / "truststore/x509/ca/acme.io/acme.io.crt"
    listed = json.loads((tmp_path / "signingkeys.json").read_text())
    assert listed == {"keys": [{"name": "acme.io", "keyPath": str(files.key), "certPath": str(files.certificate)}]}
    if os.name == "posix":
        for path in (files.key, tmp_path / "signingkeys.json"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_other_keys_stay(tmp_path: Path) -> None:
    (tmp_path / "signingkeys.json").write_text('{"default": "old", "keys": [{"name": "old", "id": "x"}], "more": 1}')
    keys.generate(tmp_path, "new", "P-256", NOW, 1)
    listed = json.loads((tmp_path / "signingkeys.json").read_text())
    assert (listed["default"], listed["more"]) == ("old", 1)
    assert [entry["name"] for entry in listed["keys"]] == ["old", "new"]
    with pytest.raises(UsageError, match="already"):
        keys.generate(tmp_path, "old", "P-256", NOW, 1)


@pytest.mark.parametrize("taken", ["localkeys/x.key", "localkeys/x.crt", "truststore/x509/ca/x"])
def test_nothing_is_overwritten(tmp_path: Path, taken: str) -> None:
    path = tmp_path / taken
    path.parent.mkdir(parents=True)
    path.symlink_to("nowhere")
    with pytest.raises(UsageError, match="already"):
        keys.generate(tmp_path, "x", "P-256", NOW, 1)
    assert path.is_symlink()
    assert not (tmp_path / "signingkeys.json").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a b", "ä", "x" * 65, "x\0", "-\n"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a key"):
        keys.generate(tmp_path, name, "P-256", NOW, 1)


@pytest.mark.parametrize("content", ["", "[]", '{"keys": 1}', '{"keys": [], "keys": []}'])
def test_a_broken_list_of_keys_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "signingkeys.json").write_text(content)
    with pytest.raises(UsageError, match=r"signingkeys\.json"):
        keys.generate(tmp_path, "x", "P-256", NOW, 1)
    assert (tmp_path / "signingkeys.json").read_text() == content
    assert not (tmp_path / "localkeys").exists()


def test_the_command(tmp_path: Path) -> None:
    home = str(tmp_path)
    ran = policyengine("keys", "generate-test", "acme.io", "-o", "json", XDG_CONFIG_HOME=home)
    assert ran.code == 0
    assert "whoever can read its file can sign" in ran.err
    assert ran.json["trustStore"] == "ca:acme.io"
    assert Path(ran.json["key"]) == tmp_path / "notation/localkeys/acme.io.key"
    again = policyengine("keys", "generate-test", "acme.io", XDG_CONFIG_HOME=home)
    assert (again.code, again.out) == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [[], ["generate-test"], ["generate-test", "x", "--days", "0"], ["generate-test", "x", "--type", "DSA"], ["make"]],
)
def test_wrong_use(arguments: list[str]) -> None:
    ran = policyengine("keys", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error[PE100]")
