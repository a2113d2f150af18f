"""What BuildKit puts into an image's index: it counts for the platform that it is about, by the index's signature."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine import Decision, Layout, PolicySet, limits
from policyengine.errors import Unreachable
from policyengine.oci import Descriptor, digest_of
from tests.engine import layouts
from tests.engine.attaching import CI, RELEASE, STRANGER, attach
from tests.engine.buildkit import (
    BOTH,
    IN_TOTO,
    SLSA_02,
    SLSA_1,
    BuildKit,
    Image,
    held,
    on,
    provenance,
    sbom,
    statement,
)
from tests.engine.deciding import decided, messages, verdict
from tests.engine.layouts import changed, flipped, truncated
from tests.engine.stores import Watched, watched
from tests.example import build

NO_LEFTPAD = PolicySet.parse('policy p rule r deny "no leftpad" forbid package where package.name is "leftpad"')
BUILT = PolicySet.parse(
    'policy p rule r deny "built by us" require some provenance where provenance.builder matches '
    '"https://github.com/acme/**" and provenance.source matches "https://github.com/acme/**"'
)
VULNS = {"scanner": {"uri": "scanner", "result": []}}


def told(decision: Decision) -> list[tuple[str | None, str]]:
    return [(each.kind, each.status) for each in decision.evidence]


def said(decision: Decision) -> str:
    """All that is said about why the decision is what it is."""
    missing = [each.missing or "" for rule in decision.rules for each in rule.violations]
    return "\n".join([*messages(decision), *missing, *(each.reason or "" for each in decision.evidence)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "layout"


# ---------------------------------------------------------------------------- what counts


@pytest.mark.parametrize("artifact", [False, True], ids=["image manifest", "OCI artifact"])
@pytest.mark.parametrize("version", [SLSA_02, SLSA_1])
def test_a_signed_index_vouches_for_what_it_holds(artifact: bool, version: str, folder: Path) -> None:
    found = Image(
        folder, lambda about: sbom(about, "curl"), lambda a: provenance(a, version=version), artifact=artifact
    )
    decision = found.sign().decided()

    assert decision.decision == "allow"
    assert told(decision) == [("sbom", "used"), ("provenance", "used")]
    assert found.decided(BUILT).decision == "allow"
    assert {each.digest for each in decision.evidence} == {found.entry["digest"]}
    (signature,) = decision.signatures
    assert signature.subject == found.index["digest"]
    assert all(each.signatures == (signature.digest,) for each in decision.evidence)


@pytest.mark.parametrize("name", ["oci-artifact", "image-manifest"])
def test_what_buildkit_itself_wrote(name: str, folder: Path) -> None:
    with tarfile.open(Path(__file__).parent / "made-by-buildkit" / f"{name}.tar.gz") as archive:
        for member in filter(tarfile.TarInfo.isfile, archive):
            path = folder / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.extractfile(member).read())  # type: ignore[union-attr] # it is a file
    hello = PolicySet.parse(
        'policy p rule r deny "hello" require some package where package.purl matches "pkg:generic/hello@1.0" '
        'rule s deny "built" require some provenance where provenance.builder matches "https://github.com/acme/**"'
    )
    (index,) = layouts.entries(folder)
    assert decided(Layout(folder), index["digest"], policies=hello).decision == "deny"
    with layouts.opened(folder) as written:
        build.sign(written, layouts.bare(index), RELEASE)
    decision = decided(Layout(folder), index["digest"], policies=hello)

    assert decision.decision == "allow"
    assert sorted((each.kind, each.status) for each in decision.evidence) == [("provenance", "used"), ("sbom", "used")]
    platform = decision.platforms[0].digest
    assert decided(Layout(folder), platform, policies=hello).decision == "deny", "no index vouches for it"


def test_with_the_media_types_of_docker(folder: Path) -> None:
    """As BuildKit wrote them: a manifest list, and layers without an annotation that says what they are."""
    kit = BuildKit(folder)
    platform = docker(kit, [], "amd64")
    statements = [sbom(platform["digest"], "curl"), provenance(platform["digest"])]
    layers = [kit.layer(each) for each in statements]
    inside = docker(kit, [{key: layer[key] for key in ("mediaType", "digest", "size")} for layer in layers], "unknown")
    entries = [on(platform), held(inside, platform["digest"])]
    index = kit.index(entries, kind="application/vnd.docker.distribution.manifest.list.v2+json")
    kit.sign(index)
    decision = decided(Layout(folder), index["digest"], policies=BOTH)

    assert decision.decision == "allow"
    assert told(decision) == [("sbom", "used"), ("provenance", "used")]


def docker(kit: BuildKit, layers: Sequence[Any], name: str) -> Any:
    """A manifest of Docker's own kind."""
    config = kit.written.blob("application/vnd.docker.container.image.v1+json", name.encode())
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    value = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": list(layers)}
    return kit.written.blob(kind, build.compact(value))


@pytest.mark.parametrize("artifact", [False, True], ids=["image manifest", "OCI artifact"])
def test_what_they_say_counts_against_the_image_too(artifact: bool, folder: Path) -> None:
    found = Image(folder, lambda about: sbom(about, "leftpad"), artifact=artifact).sign()

    assert found.decided(NO_LEFTPAD).decision == "deny"
    assert found.decided(BUILT).decision == "deny"


@pytest.mark.parametrize("artifact", [False, True], ids=["image manifest", "OCI artifact"])
@pytest.mark.parametrize("signer", [None, STRANGER], ids=["nobody", "a stranger"])
def test_an_index_that_nobody_trusted_signed_vouches_for_nothing(artifact: bool, signer: Any, folder: Path) -> None:
    found = Image(folder, artifact=artifact)
    decision = (found.sign(signer) if signer else found).decided()

    assert decision.decision == "deny"
    assert {status for _, status in told(decision)} == {"untrusted"}
    assert "neither it nor the index that holds it is signed by a trusted identity" in said(decision)


def test_unless_a_policy_accepts_the_kind_unsigned(folder: Path) -> None:
    accepting = PolicySet.parse(
        'policy p accept unsigned sbom rule r deny "no leftpad" forbid package where package.name is "leftpad"'
    )
    found = Image(folder, lambda about: sbom(about, "curl"))

    assert found.decided(accepting).decision == "allow"
    leftpad = Image(folder.with_name("leftpad"), lambda about: sbom(about, "leftpad"))
    assert leftpad.decided(accepting).decision == "deny"


def test_a_signature_of_its_own_does_too(folder: Path) -> None:
    found = Image(folder)
    found.kit.sign(found.entry, CI)

    assert found.decided().decision == "allow"


def test_rules_see_who_signed_the_index(folder: Path) -> None:
    by = 'policy p rule r deny "by {0}" for each document in sboms require document is signed by x509("CN={0}")'
    found = Image(folder).sign(RELEASE)

    assert found.decided(PolicySet.parse(by.format("release"))).decision == "allow"
    assert found.decided(PolicySet.parse(by.format("ci"))).decision == "deny"
    found.kit.sign(found.entry, CI)
    assert found.decided(PolicySet.parse(by.format("ci"))).decision == "allow"


def test_each_platform_has_its_own(folder: Path) -> None:
    kit = BuildKit(folder)
    one, two = kit.image("amd64"), kit.image("arm64")
    entries = [
        on(one), on(two, "linux/arm64"),
        kit.attestation(one, [kit.layer(sbom(one["digest"], "curl"))]),
        kit.attestation(two, [kit.layer(sbom(two["digest"], "leftpad"))]),
    ]  # fmt: skip
    index = kit.index(entries)
    kit.sign(index)
    decision = decided(Layout(folder), index["digest"], policies=NO_LEFTPAD)

    assert [(each.platform, each.decision) for each in decision.platforms] == [
        ("linux/amd64", "allow"), ("linux/arm64", "deny"),
    ]  # fmt: skip
    assert decided(Layout(folder), index["digest"], policies=NO_LEFTPAD, platform="linux/amd64").allowed


def test_an_index_in_an_index_vouches_with_the_one_above(folder: Path) -> None:
    found = Image(folder)
    outer = found.kit.index([found.index], "outer")
    assert decided(Layout(folder), outer["digest"], policies=BOTH).decision == "deny"
    found.kit.sign(outer)
    assert decided(Layout(folder), outer["digest"], policies=BOTH).decision == "allow"
    assert found.decided().decision == "deny", "nobody signed the inner one"


def test_a_signed_index_in_one_that_nobody_signed_vouches_all_the_same(folder: Path) -> None:
    found = Image(folder).sign()
    more = found.kit.attestation(found.platform, [found.kit.layer(sbom(found.platform["digest"], "leftpad"))])
    outer = found.kit.index([found.index, more], "outer")
    decision = decided(Layout(folder), outer["digest"], policies=BOTH)

    assert decision.decision == "allow"
    assert [each.status for each in decision.evidence if each.digest == more["digest"]] == ["untrusted"]


def test_an_outer_index_holds_one_that_the_signed_inner_one_does_not(folder: Path) -> None:
    kit = BuildKit(folder)
    platform = kit.image()
    inner = kit.index([on(platform)], "inner")
    outer = kit.index([inner, kit.attestation(platform, [kit.layer(sbom(platform["digest"], "curl"))])])
    kit.sign(inner)
    assert decided(Layout(folder), outer["digest"], policies=NO_LEFTPAD).decision == "deny"
    kit.sign(outer)
    assert decided(Layout(folder), outer["digest"], policies=NO_LEFTPAD).decision == "allow"


def test_a_platform_by_itself_has_none(folder: Path) -> None:
    found = Image(folder).sign()

    decision = decided(Layout(folder), found.platform["digest"], policies=BOTH)
    assert (decision.decision, told(decision)) == ("deny", [])


def test_a_platform_by_itself_has_those_that_refer_to_it(folder: Path) -> None:
    """As an OCI artifact it is an ordinary referrer, for which no index vouches."""
    found = Image(folder, artifact=True).sign()
    assert told(decided(Layout(folder), found.platform["digest"], policies=BOTH)) == [(None, "untrusted")]
    found.kit.sign(found.entry)

    assert decided(Layout(folder), found.platform["digest"], policies=BOTH).decision == "allow"


# ---------------------------------------------------------------------------- what does not


def test_one_that_names_another_platform(folder: Path) -> None:
    """A clean SBOM of another platform is listed for this one: the statement says whose it is."""
    kit = BuildKit(folder)
    one, two = kit.image("amd64"), kit.image("arm64")
    clean = kit.attestation(two, [kit.layer(sbom(two["digest"], "curl"))])
    index = kit.index([on(one), on(two, "linux/arm64"), clean, held(clean, one["digest"])])
    kit.sign(index)
    decision = decided(Layout(folder), index["digest"], policies=NO_LEFTPAD)

    assert [each.decision for each in decision.platforms] == ["deny", "allow"]
    assert "its statement names" in said(decision)
    assert "unreadable" in {each.status for each in decision.evidence}


@pytest.mark.parametrize("subjects", ["index", "nothing", "another"])
def test_a_statement_that_does_not_name_the_platform(subjects: str, folder: Path) -> None:
    empty = BuildKit(folder.with_name("other"))
    digests = {"index": (empty.index([])["digest"],), "nothing": (), "another": (digest_of(b"another"),)}[subjects]
    predicate = sbom(digest_of(b""), "curl")["predicate"]
    decision = Image(folder, statement("https://spdx.dev/Document", predicate, *digests)).sign().decided(NO_LEFTPAD)

    assert decision.decision == "deny"
    assert told(decision) == [("sbom", "unreadable")]


def test_the_outer_index_is_not_the_platform(folder: Path) -> None:
    """A statement may name an index that holds the index: it still says nothing of this platform."""
    kit = BuildKit(folder)
    platform = kit.image()
    inner = kit.index([on(platform)], "inner")
    about_inner = kit.attestation(platform, [kit.layer(sbom(inner["digest"], "curl"))])
    outer = kit.index([inner, about_inner])
    kit.sign(outer)

    assert decided(Layout(folder), outer["digest"], policies=NO_LEFTPAD).decision == "deny"


@pytest.mark.parametrize(
    "change",
    [
        {"vnd.docker.reference.digest": digest_of(b"what is not in the index")},
        {"vnd.docker.reference.type": "something else"},
    ],
    ids=["another digest", "another type"],
)
def test_an_entry_that_is_not_about_the_platform(change: dict[str, str], folder: Path) -> None:
    kit = BuildKit(folder)
    platform = kit.image()
    entry = kit.attestation(platform, [kit.layer(sbom(platform["digest"], "curl"))])
    index = kit.index([on(platform), held({**entry}, platform["digest"], **change)])
    kit.sign(index)
    decision = decided(Layout(folder), index["digest"], policies=NO_LEFTPAD)

    assert (decision.decision, told(decision)) == ("deny", [])
    assert len(decision.platforms) == 1


def test_a_scan_or_a_vex_inside_counts_for_nothing(folder: Path) -> None:
    """Who writes the build's instructions can put them there; a scan is signed by those who scan."""
    scanned = PolicySet.parse('policy p rule r deny "scanned" require some scan where scan.tool is "scanner"')
    vulns = "https://in-toto.io/attestation/vulns/v0.1"
    found = Image(folder, lambda about: statement(vulns, VULNS, about)).sign()
    assert found.decided(scanned).decision == "deny"

    disguised = Image(folder.with_name("disguised"), lambda about: sbom(about, "curl"))
    layer = disguised.kit.layer(statement(vulns, VULNS, disguised.platform["digest"]))
    layer["annotations"] = {"in-toto.io/predicate-type": "https://spdx.dev/Document"}
    entry = disguised.kit.attestation(disguised.platform, [layer])
    disguised.index = disguised.kit.index([on(disguised.platform), entry])
    both = PolicySet.parse(
        'policy p rule r deny "scanned" require some scan where scan.tool is "scanner" '
        'rule s deny "no leftpad" forbid package where package.name is "leftpad"'
    )
    decision = disguised.sign().decided(both)
    assert decision.decision == "deny"
    assert "only SBOMs and provenance count" in said(decision)


def test_the_signature_of_the_index_is_none_of_a_scan(folder: Path) -> None:
    """As a referrer of the platform a scan may be accepted unsigned: unsigned it is, whoever signed the index."""
    vulns = "https://in-toto.io/attestation/vulns/v0.1"
    found = Image(folder)
    layer = found.kit.layer(statement(vulns, VULNS, found.platform["digest"]))
    empty = found.kit.written.blob("application/vnd.oci.empty.v1+json", b"{}")
    value = {"artifactType": IN_TOTO, "config": empty, "layers": [layer], "subject": found.platform}
    entry = held(found.kit.manifest(value), found.platform["digest"])
    found.index = found.kit.index([on(found.platform), entry])
    found.sign()
    accepted = 'policy p accept unsigned scan rule r deny "scanned" require some scan where scan.tool is "scanner"'
    assert found.decided(PolicySet.parse(accepted)).decision == "allow"
    signed = f"{accepted} and scan is signed"
    assert found.decided(PolicySet.parse(signed)).decision == "deny"
    strict = found.decided(PolicySet.parse(accepted.replace("accept unsigned scan ", "")))
    assert (strict.decision, told(strict)) == ("deny", [("scan", "untrusted")])
    assert "only SBOMs and provenance count" in said(strict)


def test_of_a_bill_of_materials_only_the_packages_count(folder: Path) -> None:
    """CycloneDX may excuse its own vulnerabilities."""
    excused = {"id": "CVE-2026-1", "ratings": [{"severity": "low"}], "analysis": {"state": "not_affected"}}
    components = [{"type": "library", "name": "curl", "version": "1", "purl": "pkg:deb/debian/curl@1"}]
    bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components, "vulnerabilities": [excused]}
    found = Image(folder, lambda about: statement("https://cyclonedx.org/bom", bom, about)).sign()
    policies = PolicySet.parse(
        'policy p rule r deny "curl" require some package where package.name is "curl" '
        'rule s deny "vex" require some vex where vex.status is NOT_AFFECTED'
    )
    decision = found.decided(policies)

    assert {rule.identifier: rule.status for rule in decision.rules} == {"p.r": "passed", "p.s": "undetermined"}
    assert "of what an index holds only SBOMs and provenance count" in decision.evidence[0].warnings


def test_it_is_no_document_of_a_declared_kind(folder: Path) -> None:
    declared = PolicySet.parse(
        f'policy p evidence statement from "{IN_TOTO}" {{ said: text at "predicateType" }} '
        'rule r deny "stated" require some statement where statement.said is "https://spdx.dev/Document" '
        'rule s deny "one sbom" require at most 1 sbom where sbom.tool is "syft"'
    )
    found = Image(folder)
    found.kit.sign(found.entry, CI)
    decision = found.decided(declared)

    assert {rule.identifier: rule.status for rule in decision.rules} == {"p.r": "undetermined", "p.s": "passed"}


@pytest.mark.parametrize("artifact", [False, True], ids=["image manifest", "OCI artifact"])
@pytest.mark.parametrize("content", [b"{}", None, b"not json", b"x" * 4096], ids=["lies", "gone", "garbled", "longer"])
@pytest.mark.parametrize("what", ["layer", "manifest"])
def test_what_cannot_be_had_is_not_taken_for_none(what: str, content: Any, artifact: bool, folder: Path) -> None:
    """Beside another SBOM that is clean and signed, and would do by itself."""
    found = Image(folder, lambda about: sbom(about, "leftpad"), artifact=artifact).sign()
    found.kit.attach(found.platform, "application/spdx+json", sbom("sha256:00", "curl")["predicate"])
    assert found.decided(NO_LEFTPAD).decision == "deny"

    manifest = json.loads(found.kit.blob(found.entry["digest"]).read_bytes())
    path = found.kit.blob(manifest["layers"][0]["digest"] if what == "layer" else found.entry["digest"])
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    decision = found.decided(NO_LEFTPAD)
    assert decision.decision in ("deny", "error")
    assert "unreadable" in {each.status for each in decision.evidence}


class Listing(Watched):
    """A registry that lists the attestation of an image as a referrer of its platform, whatever became of it."""

    def __init__(self, image: Image, kind: str = IN_TOTO, more: int = 0, failing: Any = None) -> None:
        super().__init__(Layout(image.kit.folder), failing)
        entry, self.about = image.entry, image.platform["digest"]
        self.listed = Descriptor(entry["mediaType"], entry["digest"], entry["size"] + more, kind)

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        found = [each for each in super().referrers(digest) if each.digest != self.listed.digest]
        return (*found, self.listed) if digest == self.about else tuple(found)


@pytest.mark.parametrize("accepting", ["", "accept unsigned scan "])
def test_nor_where_a_registry_lists_it_as_a_referrer(accepting: str, folder: Path) -> None:
    """Listed for the scans that a rule asks for besides: for those nobody vouches, and for the SBOM the index does."""
    found = Image(folder, lambda about: sbom(about, "leftpad"), artifact=True).sign()
    found.kit.attach(found.platform, "application/spdx+json", sbom("sha256:00", "curl")["predicate"])
    found.kit.blob(found.entry["digest"]).write_bytes(b"{}")
    policies = PolicySet.parse(
        f'policy p {accepting}rule r deny "no leftpad" forbid package where package.name is "leftpad" '
        'rule s warn "few" forbid more than 100 finding'
    )
    decision = decided(Listing(found), found.index["digest"], policies=policies)

    assert decision.decision == "deny"
    assert {"unreadable"} <= {each.status for each in decision.evidence if each.digest == found.entry["digest"]}


@pytest.mark.parametrize("artifact", [False, True], ids=["image manifest", "OCI artifact"])
@pytest.mark.parametrize("kind", [layouts.SIGNATURE, "application/sarif+json", "application/vnd.acme.report+json", ""])
def test_no_list_hides_what_a_signed_index_holds(kind: str, artifact: bool, folder: Path) -> None:
    """Whoever pushes can list it under any type and with a wrong size, so that it is not found by that."""
    found = Image(folder, lambda about: sbom(about, "leftpad"), artifact=artifact).sign()
    found.kit.attach(found.platform, "application/spdx+json", sbom("sha256:00", "curl")["predicate"])
    policies = PolicySet.parse(
        'policy p evidence report from "application/vnd.acme.report+json" { ok: bool at "ok" } '
        'rule r deny "no leftpad" forbid package where package.name is "leftpad" '
        'rule s warn "few" forbid more than 100 finding rule t warn "ok" require some report where report.ok is true'
    )
    decision = decided(Listing(found, kind, 1), found.index["digest"], policies=policies)

    assert decision.decision == "deny"
    assert ("sbom", "unreadable") in told(decision)


@pytest.mark.parametrize("accepting", ["", "accept unsigned scan "])
def test_an_index_hides_no_scan_that_is_out_of_reach(accepting: str, folder: Path) -> None:
    """A scan that the signed index lists, too: what nobody can have may still be a scan."""
    found = Image(folder, lambda about: sbom(about, "curl"))
    none = PolicySet.parse(
        f'policy p {accepting}rule r deny "none" forbid finding where finding.severity is CRITICAL '
        'rule s warn "no leftpad" forbid package where package.name is "leftpad"'
    )
    clean = {"matches": [], "descriptor": {"name": "grype", "version": "1"}}
    found.kit.attach(found.platform, "application/vnd.grype+json", clean)
    found.entry = held(found.kit.attach(found.platform, IN_TOTO, VULNS), found.platform["digest"])
    found.index = found.kit.index([on(found.platform), found.entry])
    found.sign()
    down = {(what, found.entry["digest"]): Unreachable("no answer") for what in ("manifest", "referrers")}
    decision = decided(Listing(found, failing=down), found.index["digest"], policies=none)

    assert {rule.identifier: rule.status for rule in decision.rules} == {"p.r": "undetermined", "p.s": "undetermined"}


def test_what_nobody_signed_supersedes_nothing_that_an_index_vouches_for(folder: Path) -> None:
    accepting = PolicySet.parse(
        'policy p accept unsigned sbom rule r deny "no leftpad" forbid package where package.name is "leftpad"'
    )
    found = Image(folder, lambda about: sbom(about, "leftpad"), artifact=True).sign()
    newer = sbom("sha256:00", "curl")["predicate"]
    newer["creationInfo"]["created"] = "2026-11-22T18:00:00Z"
    attach(found.kit.written, found.platform, "application/spdx+json", build.compact(newer))
    found.kit.written.close()
    decision = decided(Listing(found), found.index["digest"], policies=accepting)

    assert decision.decision == "deny"
    assert told(decision) == [("sbom", "used"), ("sbom", "used")]


def test_what_an_index_vouches_for_supersedes_nothing_that_is_signed_itself(folder: Path) -> None:
    """Whoever writes the build's instructions could put a newer SBOM of the same tool into the index."""
    found = Image(folder, lambda about: sbom(about, "curl"), artifact=True).sign()
    older = sbom("sha256:00", "leftpad")["predicate"]
    older["creationInfo"]["created"] = "2026-11-22T10:00:00Z"
    found.kit.attach(found.platform, "application/spdx+json", older)
    decision = decided(Listing(found), found.index["digest"], policies=NO_LEFTPAD)

    assert decision.decision == "deny"
    assert told(decision) == [("sbom", "used"), ("sbom", "used")]


def test_the_signature_of_the_index_is_none_of_a_declared_kind(folder: Path) -> None:
    kind = "application/vnd.acme.report+json"
    policy = (
        f'policy p evidence report from "{kind}" {{ said: text at "predicateType" }} '
        'rule r deny "by {0}" require some report where report.said is "acme" and report is signed by x509("CN={0}")'
    )
    found = Image(folder)
    empty = found.kit.written.blob("application/vnd.oci.empty.v1+json", b"{}")
    layers = [found.kit.layer(statement("acme", {}, found.platform["digest"]))]
    value = {"artifactType": kind, "config": empty, "layers": layers, "subject": found.platform}
    found.entry = held(found.kit.manifest(value), found.platform["digest"])
    found.index = found.kit.index([on(found.platform), found.entry])
    found.sign(RELEASE)
    found.kit.sign(found.entry, CI)
    verdicts = {
        by: decided(
            Listing(found, kind), found.index["digest"], policies=PolicySet.parse(policy.replace("{0}", by))
        ).decision
        for by in ("ci", "release")
    }

    assert verdicts == {"ci": "allow", "release": "deny"}


def test_an_outage_is_no_allow(folder: Path) -> None:
    found = Image(folder).sign()
    for failing in [("manifest", found.entry["digest"]), ("referrers", found.index["digest"])]:
        store = watched(folder, {failing: Unreachable("no answer")})
        assert decided(store, found.index["digest"], policies=BOTH).decision == "error", failing


def test_a_layer_that_is_too_large_is_not_fetched(folder: Path) -> None:
    kit = BuildKit(folder)
    platform = kit.image()
    huge = {**kit.layer(sbom(platform["digest"], "curl")), "size": 1_000_000_000}
    index = kit.index([on(platform), kit.attestation(platform, [huge])])
    kit.sign(index)
    store = watched(folder)
    decision = decided(store, index["digest"], policies=NO_LEFTPAD)

    assert decision.decision == "deny"
    assert told(decision) == [("sbom", "unreadable")]
    assert "1000000000 bytes" in said(decision)


def test_more_than_are_looked_at(folder: Path) -> None:
    kit = BuildKit(folder)
    platform = kit.image()
    layers = [kit.layer(sbom(platform["digest"], f"p{number}")) for number in range(limits.ATTESTATIONS + 1)]
    entries = [kit.attestation(platform, [layer]) for layer in layers]
    index = kit.index([on(platform), *entries])
    kit.sign(index)

    assert decided(Layout(folder), index["digest"], policies=NO_LEFTPAD).decision == "deny"
    fewer = kit.index([on(platform), *entries[1:]], "fewer")
    kit.sign(fewer)
    assert decided(Layout(folder), fewer["digest"], policies=NO_LEFTPAD).decision == "allow"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_several_none_is_superseded(order: Sequence[int], folder: Path) -> None:
    """An index is made at once: an older SBOM in it is no mistake that a newer one mends."""
    kit = BuildKit(folder)
    platform = kit.image()
    statements = [sbom(platform["digest"], "leftpad"), sbom(platform["digest"], "curl")]
    statements[1]["predicate"]["creationInfo"]["created"] = "2026-11-22T16:00:00Z"
    entries = [kit.attestation(platform, [kit.layer(each)]) for each in statements]
    index = kit.index([on(platform), *(entries[number] for number in order), entries[0]])
    kit.sign(index)
    decision = decided(Layout(folder), index["digest"], policies=NO_LEFTPAD)

    assert decision.decision == "deny"
    assert told(decision) == [("sbom", "used"), ("sbom", "used")]


def test_a_provenance_that_cannot_be_read_says_nothing_of_the_sbom(folder: Path) -> None:
    """BuildKit names no builder where nobody told it one."""
    found = Image(folder, lambda about: sbom(about, "curl"), lambda about: provenance(about, builder="")).sign()
    decision = found.decided()

    assert {rule.identifier: rule.status for rule in decision.rules} == {"p.r": "passed", "p.s": "undetermined"}
    assert "it names no builder" in said(decision)


@pytest.fixture(scope="module")
def leftpad(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image of the law below: each example changes one of its files, and changes it back."""
    return Image(tmp_path_factory.mktemp("law") / "layout", lambda about: sbom(about, "leftpad"), provenance).sign()


@settings(max_examples=100, deadline=None)
@given(number=st.integers(0, 1000), bit=st.integers(0, 1 << 20), cut=st.booleans())
def test_no_changed_byte_lets_it_pass(number: int, bit: int, cut: bool, leftpad: Image) -> None:
    files = sorted(path for path in leftpad.kit.folder.rglob("*") if path.is_file())
    path = files[number % len(files)]
    content = path.read_bytes()
    with changed(path, truncated(content, bit) if cut else flipped(content, bit)):
        assert verdict(leftpad.kit.folder, leftpad.index["digest"], policies=BOTH) != "allow"
    assert leftpad.decided().decision == "deny"


# ---------------------------------------------------------------------------- referrers are not hidden


def test_no_index_takes_anything_from_a_referrer(folder: Path) -> None:
    """Whoever pushes an index could list a dirty scan in it as an attestation, with a wrong size at that."""
    found = Image(folder).sign()
    finding = {"vulnerability": {"id": "CVE-2026-1", "severity": "Critical"}, "artifact": {"name": "c", "version": "1"}}
    report = {"matches": [finding], "descriptor": {"name": "grype", "version": "1"}}
    scan = found.kit.attach(found.platform, "application/vnd.grype+json", report)
    none = PolicySet.parse('policy p rule r deny "none critical" forbid finding where finding.severity is CRITICAL')
    assert found.decided(none).decision == "deny"

    for entry in (scan, {**scan, "size": scan["size"] + 1}, {**scan, "mediaType": IN_TOTO}):
        kit = found.kit
        index = kit.index([on(found.platform), held(entry, found.platform["digest"])], "attacker")
        decision = decided(Layout(folder), index["digest"], policies=none)
        assert (decision.decision, ("scan", "used") in told(decision)) == ("deny", True)


@pytest.mark.parametrize("what", ["gone", "no list"])
@pytest.mark.parametrize("signer", [None, RELEASE], ids=["nobody", "release"])
def test_no_index_takes_anything_from_a_scan_that_cannot_be_read(signer: Any, what: str, folder: Path) -> None:
    """Without an annotation a statement that an index lists would pass for an SBOM that nobody can read."""
    found = Image(folder)
    clean = {"matches": [], "descriptor": {"name": "grype", "version": "1"}}
    found.kit.attach(found.platform, "application/vnd.grype+json", clean)
    broken = {"scanner": {"uri": "scanner", "result": "no list"}}
    vulns = statement("https://in-toto.io/attestation/vulns/v0.1", broken, found.platform["digest"])
    scan = found.kit.attach(found.platform, IN_TOTO, vulns)
    if what == "gone":
        found.kit.blob(digest_of(build.compact(vulns))).unlink()
    index = found.kit.index([on(found.platform), held(scan, found.platform["digest"])], "attacker")
    if signer:
        found.kit.sign(index, signer)
    none = PolicySet.parse(
        'policy p rule r deny "none critical" forbid finding where finding.severity is CRITICAL '
        'rule s warn "no leftpad" forbid package where package.name is "leftpad"'
    )
    decision = decided(Layout(folder), index["digest"], policies=none)

    assert decision.decision == "deny"
    assert {rule.identifier: rule.status for rule in decision.rules} == {"p.r": "undetermined", "p.s": "undetermined"}


# ---------------------------------------------------------------------------- what it costs


@pytest.mark.parametrize("artifact", [False, True], ids=["image manifest", "OCI artifact"])
def test_what_no_rule_asks_for_costs_nothing(artifact: bool, folder: Path) -> None:
    found = Image(folder, artifact=artifact).sign()
    store = watched(folder)
    scans = PolicySet.parse('policy p rule r deny "one scan" require some scan where scan.tool is "trivy"')
    decision = decided(store, found.index["digest"], policies=scans)

    assert found.entry["digest"] not in {name for _, name in store.asked}
    assert [(each.status, each.digest) for each in decision.evidence] == [("irrelevant", found.entry["digest"])]


def test_a_statement_of_another_kind_is_not_fetched(folder: Path) -> None:
    found = Image(folder).sign()
    store = watched(folder)
    assert decided(store, found.index["digest"], policies=BUILT).decision == "allow"
    manifest = json.loads(found.kit.blob(found.entry["digest"]).read_bytes())
    asked = {name for what, name in store.asked if what == "blob"}
    assert manifest["layers"][1]["digest"] in asked
    assert manifest["layers"][0]["digest"] not in asked


def test_they_are_had_in_the_rounds_of_referrers(folder: Path) -> None:
    kit = BuildKit(folder)
    entries = []
    for number in range(6):
        platform = kit.image(f"a{number}")
        entries.append(on(platform, f"linux/a{number}"))
        entries.append(kit.attestation(platform, [kit.layer(sbom(platform["digest"], "curl"))]))
    index = kit.index(entries)
    kit.sign(index)
    store = watched(folder)
    decision = decided(store, index["digest"], policies=NO_LEFTPAD)

    assert decision.decision == "allow"
    elsewhere = [name for what, name in store.asked if what == "elsewhere"]
    assert len(elsewhere) == 6, "whether the platforms themselves are signed"
    assert store.rounds - len(elsewhere) <= 3 + 3
