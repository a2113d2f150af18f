"""Sets that are computed while compiling mean what they would mean when running."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from policyengine import PolicySet
from policyengine.decision.model import Decision
from policyengine.evidence.assembly import Document, Evidence
from policyengine.evidence.model import Collection, Identity, Image, Package, Sbom, Signature

AT = datetime(2026, 11, 22, 20, tzinfo=UTC)
RELEASE = Signature(Identity("x509", (("O", "acme"), ("CN", "release"))), "cose", "sha256:signature")
IMAGE = Image("sha256:image", signatures=Collection((RELEASE,)))


def decided(rule: str, *licenses: str) -> Decision:
    """The decision of one rule about an image by the release pipeline, with a package of each of the `licenses`."""
    packages = tuple(Package(f"package-{number}", license=each) for number, each in enumerate(licenses))
    record = Sbom("spdx-json", "2.3", "sha256:sbom", packages=Collection(packages))
    sbom = Document("sha256:sbom", "application/spdx+json", frozenset({"sbom"}), (record,), signed=True)
    return PolicySet.parse(f'policy p import std.licenses rule r deny "r" {rule}').decide(
        Evidence(IMAGE, (sbom,)), at=AT
    )


def permitted(allowed: str, license_: str) -> bool:
    return decided(f"forbid package where not package.license permitted by {allowed}", license_).allowed


@pytest.mark.parametrize("written", ["Apache-2.0", "apache-2.0", "APACHE-2.0"])
def test_a_licence_that_is_taken_out_is_out_however_its_id_is_spelt(written: str) -> None:
    assert permitted("licenses.permissive", "Apache-2.0")
    assert not permitted(f'licenses.permissive - {{ "{written}" }}', "Apache-2.0")
    assert permitted(f'licenses.permissive - {{ "{written}" }}', "MIT")


@pytest.mark.parametrize("written", ["GPL-2.0-only", "GPL-2.0", "gpl-2.0"])
def test_a_deprecated_id_is_the_licence_that_it_stands_for(written: str) -> None:
    assert not permitted(f'{{ "GPL-2.0-only", "MIT" }} - {{ "{written}" }}', "GPL-2.0-only")
    assert not decided(
        f'forbid package where package.license requires any of {{ "GPL-2.0-only", "MIT" }} & {{ "{written}" }}',
        "GPL-2.0-only",
    ).allowed


def test_a_parameter_is_subtracted_as_a_constant_is() -> None:
    rule = 'forbid package where not package.license permitted by { "MIT", "Apache-2.0" } - without'
    policies = PolicySet.parse(f'policy p param without: set of license = {{ "mit" }} rule r deny "r" {rule}')
    record = Sbom("spdx-json", "2.3", "sha256:s", packages=Collection((Package("package", license="MIT"),)))
    sbom = Document("sha256:s", "application/spdx+json", frozenset({"sbom"}), (record,), signed=True)

    assert not policies.decide(Evidence(IMAGE, (sbom,)), at=AT).allowed


@pytest.mark.parametrize("written", ["CN=release, O=acme", "O=acme,CN=release", "o=acme, cn=release"])
def test_an_identity_that_is_taken_out_is_out_in_whatever_order_it_is_written(written: str) -> None:
    everybody = '{ x509("CN=release, O=acme"), x509("CN=ci, O=acme") }'

    assert decided(f"require image is signed by {everybody}").allowed
    assert not decided(f'require image is signed by {everybody} - {{ x509("{written}") }}').allowed


def test_decimals_are_equal_whatever_zeros_they_end_in() -> None:
    assert decided("require count(x in { 1.0, 2.0 } - { 1.00 }) is 1").allowed


def test_lists_keep_what_is_there_twice() -> None:
    assert decided("require count(x in [ 1, 1 ] + [ 1 ]) is 3").allowed
