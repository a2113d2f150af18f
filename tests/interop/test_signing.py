"""What `policyengine keys` and `policyengine sign` write is what the real Notation accepts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from tests import example
from tests.command import Finished, policyengine
from tests.interop import peers
from tests.interop.peers import Registry
from tests.simulator.answers import Answer, Server
from tests.verification import responder, signing
from tests.verification.signing import Chain
from tests.verification.stamper import Stamper

NUMBER = count(1)
SCOPE = "registry.example.com/prod/order-api"


class Home:
    """A Notation configuration folder with keys that `policyengine keys` wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def notation(self) -> Path:
        return self.folder / "notation"

    def key(self, name: str, kind: str = "P-256") -> list[object]:
        """Generate a key; the options to sign with it."""
        made = policyengine(
            "keys", "generate-test", name, "--type", kind, "-o", "json", XDG_CONFIG_HOME=str(self.folder)
        )
        assert made.code == 0, made.err
        return ["--key", made.json["key"], "--cert", made.json["certificate"]]

    def trust(self, *names: str, clock: bytes | None = None) -> list[object]:
        """Trust the keys of these names for every repository; the options for our own commands.

        Where there is the root certificate of a `clock`, its timestamps are asked for.
        """
        if clock is not None:
            (store := self.notation / "truststore/x509/tsa/clock").mkdir(parents=True)
            (store / "root.crt").write_bytes(clock)
        statement = {
            "name": "all",
            "registryScopes": ["*"],
            "signatureVerification": {"level": "strict"},
            "trustStores": [*(f"ca:{name}" for name in names), *(["tsa:clock"] if clock is not None else [])],
            "trustedIdentities": ["*"],
        }
        path = self.notation / "trustpolicy.json"
        path.write_text(json.dumps({"version": "1.0", "trustPolicies": [statement]}))
        return ["--trust-policy", path, "--trust-store", self.notation / "truststore"]

    def notation_runs(self, *arguments: object) -> str:
        """Run the real Notation with this configuration."""
        return peers.run("notation", *map(str, arguments), XDG_CONFIG_HOME=str(self.folder), NOTATION_EXPERIMENTAL="1")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "config")


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return Path(shutil.copytree(example.LAYOUT, tmp_path / "layout"))


def signed(*arguments: object) -> Finished:
    ran = policyengine("sign", *arguments, "-o", "json")
    assert ran.code == 0, ran.err
    return ran


@pytest.mark.parametrize("format", ["cose", "jws"])
@pytest.mark.parametrize("kind", ["RSA-2048", "RSA-3072", "P-256", "P-384", "P-521"])
def test_notation_verifies_what_was_signed_in_a_layout(home: Home, layout: Path, kind: str, format: str) -> None:
    key = home.key("release", kind)
    home.trust("release")
    image = f"{layout}@{example.digest('clean')}"
    ran = signed("--oci-layout", image, *key, "--format", format, "--expiry", "2h", "-m", "build=7")
    assert ran.json["subject"]["digest"] == example.digest("clean")
    how = ["--oci-layout", image, "--scope", SCOPE, "-m", "build=7"]
    assert "Successfully verified" in home.notation_runs("verify", *how)
    assert ran.json["signature"]["digest"] in home.notation_runs("list", "--oci-layout", image)


def test_notation_knows_the_key_and_signs_with_it(home: Home, layout: Path) -> None:
    home.key("release", "RSA-2048")
    home.trust("release")
    assert "release.key" in home.notation_runs("key", "list")
    assert "release.crt" in home.notation_runs("certificate", "list")
    image = f"{layout}@{example.digest('clean')}"
    home.notation_runs("sign", "--key", "release", "--oci-layout", image)
    assert "Successfully verified" in home.notation_runs("verify", "--oci-layout", image, "--scope", SCOPE)


def test_our_own_verdict_is_the_same(home: Home, layout: Path) -> None:
    key = home.key("release")
    trust = home.trust("release")
    policy = layout.parent / "signed.policy"
    policy.write_text('policy p "p"\nrule signed deny "signed"\n  require image is signed\n')
    image = f"{layout}@{example.digest('clean')}"
    arguments = ["eval", "--oci-layout", image, policy, "--repository", SCOPE, *trust]
    assert policyengine(*arguments).code == 1
    signed("--oci-layout", image, *key)
    assert policyengine(*arguments).code == 0


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a time stamping authority, and the file of its root certificate."""
    if responder.OPENSSL is None:
        (pytest.fail if os.environ.get("POLICYENGINE_REQUIRE_INTEROP") else pytest.skip)("openssl is not there")
    start, folder = responder.now() - timedelta(days=1), tmp_path / "tsa"
    folder.mkdir()
    ca, stamping = signing.ca_extensions(), signing.stamper_extensions()
    top = signing.issue(signing.subject("tsa root"), signing.key("P-256", 3), None, ca, start=start)
    leaf = signing.issue(signing.subject("tsa"), signing.key("P-256", 4), top, stamping, start=start)
    (folder / "root.crt").write_bytes(top.pem)
    stamp, reply = Stamper(folder, Chain((leaf, top))), {"Content-Type": "application/timestamp-reply"}
    with Server({"/": lambda request: Answer([stamp(request)], headers=reply)}) as serving:
        yield serving.url("/"), folder / "root.crt"


@pytest.mark.parametrize("format", ["cose", "jws"])
def test_both_verify_the_timestamps_that_either_gets(
    home: Home, layout: Path, clock: tuple[str, Path], format: str
) -> None:
    """One image signed by us, the other by Notation, both with a timestamp that the trust policy asks for."""
    url, root = clock
    key = home.key("release", "RSA-2048")
    trust = home.trust("release", clock=root.read_bytes())
    images = [f"{layout}@{example.digest(name)}" for name in ("clean", "vulnerable")]
    signed("--oci-layout", images[0], *key, "--format", format, "--timestamp-url", url)
    how = ["--key", "release", "--signature-format", format, "--timestamp-url", url, "--timestamp-root-cert", root]
    home.notation_runs("sign", *how, "--oci-layout", images[1])
    policy = layout.parent / "stamped.policy"
    policy.write_text(
        'policy p "p"\nrule stamped deny "stamped"\n'
        "  require some signature in image.signatures where signature.timestamped\n"
    )
    for image in images:
        assert "Successfully verified" in home.notation_runs("verify", "--oci-layout", image, "--scope", SCOPE)
        ran = policyengine("eval", "--oci-layout", image, policy, "--repository", SCOPE, *trust, "-o", "json")
        assert ran.code == 0, ran.out + ran.err


@pytest.mark.parametrize("referrers", ["auto", "api", "tag"])
@pytest.mark.parametrize("format", ["cose", "jws"])
def test_notation_verifies_what_was_signed_in_a_registry(
    home: Home, registry: Registry, format: str, referrers: str
) -> None:
    key = home.key("release")
    home.trust("release")
    repository = f"{registry.host}/prod/signing-{next(NUMBER)}"
    peers.push(example.LAYOUT, "clean", f"{repository}:clean")
    for number in range(2):
        signed(f"{repository}:clean", *key, "--format", format, "--referrers", referrers, "-m", f"number={number}")
    image = f"{repository}@{example.digest('clean')}"
    assert "Successfully verified" in home.notation_runs("verify", "--insecure-registry", image)
    assert home.notation_runs("list", "--insecure-registry", image).count("sha256:") >= 3


def test_a_registry_without_the_referrers_api(home: Home, tmp_path: Path) -> None:
    serving = Registry(tmp_path / "registry", "--api-referrer=false")
    try:
        key = home.key("release")
        home.trust("release")
        repository = f"{serving.host}/prod/order-api"
        peers.push(example.LAYOUT, "clean", f"{repository}:clean")
        refused = policyengine("sign", f"{repository}:clean", *key, "--referrers", "api")
        assert (refused.code, refused.out) == (3, "")
        for _ in range(2):
            signed(f"{repository}:clean", *key, "--referrers", "auto")
        image = f"{repository}@{example.digest('clean')}"
        assert "Successfully verified" in home.notation_runs("verify", "--insecure-registry", image)
        assert home.notation_runs("list", "--insecure-registry", image).count("sha256:") == 3
    finally:
        serving.stop()
