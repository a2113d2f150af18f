"""Trust on disk: the places, the stores, and what `policyengine trust` shows."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization

from policyengine.errors import TrustError
from policyengine.verification import trust as trust_module
from policyengine.verification import trustview
from policyengine.verification.trust import Trust
from policyengine.verification.trustpolicy import StoreName
from tests.verification import signing
from tests.verification.judging import judge
from tests.verification.signing import NOW, Signing, policy, statement, write_trust

ROOT = signing.good_chain().root
LEAF = signing.good_chain().leaf
CA, TSA = StoreName("ca", "acme"), StoreName("tsa", "acme")


def loaded(folder: Path, *files: bytes, kind: str = "ca") -> Trust:
    return Trust.load(*write_trust(folder, **{f"{kind}__acme": files}))


# Loading


def test_a_policy_and_its_store_verify_a_signature(tmp_path: Path) -> None:
    assert judge(Signing().cose(), by=loaded(tmp_path, ROOT.pem)).status == "verified"


def test_notations_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    home = tmp_path / "notation"
    monkeypatch.setattr(trust_module.notation_folder, "__defaults__", (os.environ, "linux"))
    missing = Trust.for_evaluation()
    assert missing.select("any/repository") is None
    assert missing.reason == f"there is no trust policy: {home} has no trustpolicy.oci.json and no trustpolicy.json"
    with pytest.raises(TrustError, match="there is no trust policy"):
        Trust.load()
    home.mkdir()
    write_trust(home, ca__acme=[ROOT.pem])
    assert judge(Signing().cose(), by=Trust.for_evaluation()).status == "verified"
    preferred = policy(statement(registryScopes=["registry.example.com/other"]))
    (home / "trustpolicy.oci.json").write_text(json.dumps(preferred))
    assert Trust.load().file == home / "trustpolicy.oci.json"
    assert judge(Signing().cose(), by=Trust.load()).status == "rejected"
    (home / "trustpolicy.oci.json").write_text("{")
    with pytest.raises(TrustError, match="ends too early"):
        Trust.for_evaluation()


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"HOME": "/home/u"}, "/home/u/.config/notation"),
        ("linux", {"HOME": "/home/u", "XDG_CONFIG_HOME": "/x"}, "/x/notation"),
        ("linux", {"HOME": "/home/u", "XDG_CONFIG_HOME": ""}, "/home/u/.config/notation"),
        ("darwin", {"HOME": "/Users/u", "XDG_CONFIG_HOME": "/x"}, "/Users/u/Library/Application Support/notation"),
        ("win32", {"USERPROFILE": "/u", "APPDATA": "/u/AppData/Roaming"}, "/u/AppData/Roaming/notation"),
        ("win32", {"USERPROFILE": "/u"}, "/u/AppData/Roaming/notation"),
    ],
)
def test_the_folder_on_each_platform(platform: str, environment: dict[str, str], expected: str) -> None:
    assert trust_module.notation_folder(environment, platform) == Path(expected)


def test_a_named_policy_that_is_missing_is_an_error_with_help(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="cannot be read: no such file") as caught:
        Trust.for_evaluation(tmp_path / "trustpolicy.json")
    assert "--trust-policy" in caught.value.help


def test_a_policy_is_a_regular_file_of_bounded_size(tmp_path: Path) -> None:
    file, _ = write_trust(tmp_path)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (1024 * 1024 + 1))
    for wrong, reason in ((link, "is a link"), (tmp_path, "is a link or no regular file"), (large, "more than")):
        with pytest.raises(TrustError, match=reason):
            Trust.load(wrong)


def test_a_store_folder_contains_x509(tmp_path: Path) -> None:
    file, stores = write_trust(tmp_path)
    with pytest.raises(TrustError, match="has no folder x509") as caught:
        Trust.load(file, stores / "x509")
    assert "x509/ca" in caught.value.help
    with pytest.raises(TrustError, match="has no folder x509"):
        Trust.load(file, tmp_path / "nowhere")


# Stores

BUNDLE = b"subject=/CN=one\n" + ROOT.pem + b"\nsubject=/CN=two\n" + signing.stamping_chain().root.pem
SELF_SIGNED = signing.issue(signing.subject("alone"), signing.key(), None, signing.signer_extensions())


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (ROOT.pem, 1),
        (ROOT.der, 1),
        (BUNDLE, 2),
        (ROOT.pem.replace(b"\n", b"\r\n"), 1),
        (ROOT.pem + ROOT.pem, 1),
        (SELF_SIGNED.pem, 1),
        (signing.good_chain().holders[1].pem, 1),
    ],
)
def test_files_that_belong_in_a_store(tmp_path: Path, content: bytes, count: int) -> None:
    assert len(loaded(tmp_path, content).certificates(CA)) == count


KEY = signing.key().private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (LEAF.pem, "neither a CA nor self-signed"),
        (ROOT.pem + LEAF.pem, "neither a CA nor self-signed"),
        (b"", "is not a certificate"),
        (b"garbage", "is not a certificate"),
        (ROOT.der + b"\x00", "is not a certificate"),
        (KEY, "holds something else than whole certificates"),
        (ROOT.pem + KEY, "holds something else than whole certificates"),
        (ROOT.pem[:-30], "holds something else than whole certificates"),
        (ROOT.pem.replace(b"MII", b"M*I", 1), "holds something else"),
        (ROOT.pem.replace(b"MII", b"MI", 1), "base64|is not a certificate"),
        (b"x" * (1024 * 1024 + 1), "regular file of at most"),
    ],
)
def test_files_that_do_not(tmp_path: Path, content: bytes, reason: str) -> None:
    trust = loaded(tmp_path, ROOT.pem, content)
    with pytest.raises(TrustError, match=reason) as caught:
        trust.certificates(CA)
    assert "1.pem" in caught.value.message
    found = judge(Signing().cose(), by=trust)
    assert (found.status, found.checks["authenticity"]) == ("rejected", "failed")
    assert "trust store ca:acme cannot be used" in found.reason


@pytest.mark.parametrize(
    ("holder", "good"),
    [
        (signing.stamping_chain().root, True),
        (LEAF, False),
        (signing.good_chain().holders[1], False),
        (SELF_SIGNED, False),
    ],
)
def test_a_tsa_store_holds_roots(tmp_path: Path, holder: signing.Holder, good: bool) -> None:
    trust = loaded(tmp_path, holder.pem, kind="tsa")
    if good:
        assert len(trust.certificates(TSA)) == 1
    else:
        with pytest.raises(TrustError, match="holds self-signed root CAs only"):
            trust.certificates(TSA)


def test_links_are_refused_everywhere_in_a_store(tmp_path: Path) -> None:
    for number, linked in enumerate(("0.pem", "", "..", "../..")):
        folder = tmp_path / str(number)
        folder.mkdir()
        trust = loaded(folder, ROOT.pem)
        place = (folder / "truststore/x509/ca/acme" / linked).resolve()
        moved = place.with_name(f"moved-{number}")
        place.rename(moved)
        place.symlink_to(moved)
        with pytest.raises(TrustError, match="is a symbolic link"):
            trust.certificates(CA)


def mount(place: Path, version: str = "..2026_06_01_12_00_00.1") -> None:
    """Turn a folder into what Kubernetes mounts: its entries, moved into a folder that `..data` points to."""
    content = list(place.iterdir())
    (place / version).mkdir()
    for entry in content:
        entry.rename(place / version / entry.name)
        entry.symlink_to(Path("..data") / entry.name)
    (place / "..data").symlink_to(version)


@pytest.mark.parametrize(
    "where", ["truststore/x509/ca/acme", "truststore/x509/ca", "truststore/x509", "truststore", "."]
)
def test_what_kubernetes_mounts_is_read(tmp_path: Path, where: str) -> None:
    """A store of its own, a kind, all of them, or a whole configuration with its trust policy."""
    file, stores = write_trust(tmp_path, ca__acme=[ROOT.pem])
    mount(tmp_path / where)
    trust = Trust.load(file, stores)
    assert len(trust.certificates(CA)) == 1
    assert trustview.describe(trust, NOW).statements[0].warnings == (
        'identity "*" trusts everyone whom the stores\' authorities certify',
    )


def test_a_mount_is_swapped_as_a_whole(tmp_path: Path) -> None:
    file, stores = write_trust(tmp_path, ca__acme=[ROOT.pem])
    place = stores / "x509/ca/acme"
    mount(place)
    newer = place / "..2026_06_02_12_00_00.2"
    newer.mkdir()
    (newer / "0.pem").write_bytes(SELF_SIGNED.pem)
    (place / "..draft").symlink_to(newer.name)
    (place / "..draft").replace(place / "..data")
    (found,) = Trust.load(file, stores).certificates(CA)
    assert found.der == SELF_SIGNED.der


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("0.pem", "../outside.pem"),
        ("0.pem", "..data/../../outside.pem"),
        ("0.pem", "..data/other.pem"),
        ("..data/0.pem", "../../outside.pem"),
        ("..data", "../outside"),
        ("..data", "."),
        ("..data", ".."),
        ("..data", "plain"),
        ("..data", "..missing"),
        ("..2026_06_01_12_00_00.1", "../outside"),
        ("1.pem", "..2026_06_01_12_00_00.1/0.pem"),
    ],
)
def test_other_links_in_a_mount_are_refused(tmp_path: Path, link: str, target: str) -> None:
    file, stores = write_trust(tmp_path, ca__acme=[ROOT.pem])
    place = stores / "x509/ca/acme"
    for outside in (place.parent / "outside", place / "plain"):
        outside.mkdir()
        (outside / "0.pem").write_bytes(ROOT.pem)
    (place.parent / "outside.pem").write_bytes(ROOT.pem)
    (place / "plain").rename(tmp_path / "plain")
    mount(place)
    (tmp_path / "plain").rename(place / "plain")
    wrong = place / link
    if wrong.is_dir() and not wrong.is_symlink():
        wrong.rename(tmp_path / "moved")
    wrong.unlink(missing_ok=True)
    wrong.symlink_to(target)
    with pytest.raises(TrustError, match="is a symbolic link"):
        Trust.load(file, stores).certificates(CA)


def test_a_missing_store_has_no_certificates_and_folders_are_ignored(tmp_path: Path) -> None:
    trust = loaded(tmp_path, ROOT.pem)
    assert trust.certificates(StoreName("ca", "other")) == ()
    below = tmp_path / "truststore/x509/ca/acme/below"
    below.mkdir()
    (below / "x.pem").write_bytes(b"garbage")
    assert len(trust.certificates(CA)) == 1


def test_a_store_is_read_when_it_is_needed_and_once(tmp_path: Path) -> None:
    trust = loaded(tmp_path, b"garbage")
    assert judge(Signing().cose(), by=trust, repository="registry.example.com/prod/other").status == "rejected"
    trust = loaded(tmp_path, ROOT.pem)
    first = trust.certificates(CA)
    (tmp_path / "truststore/x509/ca/acme/0.pem").unlink()
    assert trust.certificates(CA) is first


# What is shown


def shown(folder: Path, at: Any = NOW, **changes: Any) -> trustview.TrustView:
    file, stores = write_trust(folder, policy(statement(**changes)), ca__acme=[ROOT.pem])
    file.chmod(0o600)
    return trustview.describe(Trust.load(file, stores), at)


def test_what_is_trusted_is_shown(tmp_path: Path) -> None:
    view = shown(tmp_path, trustedIdentities=["x509.subject: C=US, ST=WA, O=acme"])
    (found,) = view.statements
    assert (found.name, found.level, found.verify_timestamp) == ("prod", "strict", "always")
    assert set(found.actions.values()) == {"enforce"}
    assert found.identities == ("x509.subject: C=US, ST=WA, O=acme",)
    (certificate,) = found.stores[0].certificates
    assert (found.stores[0].name, certificate.subject) == ("ca:acme", "C=US, ST=WA, O=acme, CN=root")
    assert certificate.fingerprint == ROOT.certificate.fingerprint(hashes.SHA256()).hex()
    assert certificate.not_after == NOW + timedelta(days=300)
    assert (found.warnings, view.warnings) == ((), ())


def test_what_is_suspicious_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    view = shown(tmp_path / "a", at=NOW + timedelta(days=271), trustStores=["ca:acme", "ca:gone"])
    assert view.statements[0].warnings[0].startswith('identity "*" trusts everyone')
    assert "trust store ca:gone is missing or empty" in view.statements[0].warnings[1]
    assert "C=US, ST=WA, O=acme, CN=root expires soon, on 2027-03-28" in view.statements[0].warnings[2]
    later = trustview.describe(Trust.load(Path(view.policy_file), Path(view.store_dir)), NOW + timedelta(days=301))
    assert "expired on 2027-03-28" in later.statements[0].warnings[2]
    (tmp_path / "b").mkdir()
    other = shown(
        tmp_path / "b",
        trustStores=["tsa:acme"],
        trustedIdentities=["x509.subject: C=US, ST=WA, O=a, FOO=b", "arn:aws:signer:x"],
    )
    said = "\n".join(other.statements[0].warnings)
    for expected in ("asks for FOO", "is for a plugin", "no store of kind ca or signingAuthority"):
        assert expected in said


def test_a_folder_in_a_store_and_a_policy_that_others_write_are_said(tmp_path: Path) -> None:
    file, stores = write_trust(tmp_path, ca__acme=[ROOT.pem])
    (stores / "x509/ca/acme/below").mkdir()
    file.chmod(0o622)
    view = trustview.describe(Trust.load(file, stores), NOW)
    assert "the folder below in it is ignored" in view.statements[0].warnings[-1]
    assert view.warnings == (f"{file} can be written by others than its owner",)


def test_a_store_that_others_write_is_said(tmp_path: Path) -> None:
    file, stores = write_trust(tmp_path, ca__acme=[ROOT.pem])
    place = stores / "x509/ca/acme"
    for path, mode in ((place, 0o777), (place / "0.pem", 0o646)):
        path.chmod(mode)
        view = trustview.describe(Trust.load(file, stores), NOW)
        assert f"{path} can be written by others than its owner" in view.statements[0].warnings
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert "can be written" not in str(trustview.describe(Trust.load(file, stores), NOW).statements)


def test_a_broken_store_is_an_error(tmp_path: Path) -> None:
    trust = loaded(tmp_path, b"garbage")
    with pytest.raises(TrustError, match="is not a certificate"):
        trustview.describe(trust, NOW)


def test_a_statement_that_skips_is_shown_without_warnings(tmp_path: Path) -> None:
    view = shown(tmp_path, signatureVerification={"level": "skip"}, trustStores=None, trustedIdentities=None)
    assert set(view.statements[0].actions.values()) == {"skip"}
    assert view.statements[0].warnings == ()
