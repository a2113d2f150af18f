"""References, as the tests of other projects read them: every row, and where we differ the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policyengine.evidence.globs import glob
from policyengine.oci import Reference
from policyengine.oci.hosts import canonical_host
from policyengine.registry.targets import registry_origin
from tests.oci.test_references import accepted
from tests.tables import rows

DISTRIBUTION, OTHERS = "reference_distribution.json", "reference_others.json"
FILE = "(file scope)"


def is_host(text: str) -> bool:
    try:
        canonical_host(text)
    except ValueError:
        return False
    return True


def parts(text: str) -> tuple[str, str, str, str]:
    reference = Reference.parse(text)
    return reference.registry, reference.repository, reference.tag or "", reference.digest or ""


LONG = "a/" * 127 + "a"
"""A path of 255 characters, which distribution allows: we count the host too, as many clients do."""

LONG_NAMED = "example.com/" + "a" * 255


def shortened(text: str) -> str:
    return (
        LONG if text.startswith(LONG) else LONG_NAMED if text.startswith(LONG_NAMED) else text.partition("@sha512")[0]
    )


def familiar(name: str) -> str:
    """What distribution's strict parser has no host for is a name on Docker Hub."""
    head = name.partition("/")[0]
    hosted = "/" in name and ("." in head or ":" in head or head == "localhost") and "_" not in head
    return name if hosted else f"docker.io/{'' if '/' in name else 'library/'}{name}"


# distribution


def test_references_of_distribution(shared: Path) -> None:
    cases = rows(shared, DISTRIBUTION, "TestReferenceParse")
    assert {
        shortened(case["input"]): accepted(case["input"])
        for case in cases
        if accepted(case["input"]) == ("err" in case)
    } == {
        "validname": True,  # their tests register sha256 only, and we know sha512
        LONG: False,
        LONG_NAMED: False,
    }
    for case in cases:
        if accepted(case["input"]) and "err" not in case:
            registry, path, tag, digest = parts(case["input"])
            assert f"{registry}/{path}" == familiar(case["repository"]).lower(), case
            assert (tag, digest) == (case.get("tag", ""), case.get("digest", "")), case


def test_names_of_distribution(shared: Path) -> None:
    for case in rows(shared, DISTRIBUTION, "TestWithNameFailure"):
        assert accepted(case["input"]) == (case["input"] == "example.com/repo:tag"), "a name there, a reference here"
    for case in rows(shared, DISTRIBUTION, "TestDomainAndPath"):
        assert parts(case["input"])[:2] == (case["domain"] or "docker.io", case["path"])
    for case in rows(shared, DISTRIBUTION, "TestParseNamed"):
        name = Reference.parse(case["input"]).name
        assert (name == case["input"]) == ("err" not in case), "what is not canonical is made so"
        assert name == familiar(case["input"].removeprefix("docker.io/"))


CAPITALS = {"LOCALDOMAIN/library/debian", "LOCALDOMAIN/debian", "Docker/docker", "DOCKER/docker"}
"""Only their capitals mark these as hosts, so the canonical form in lower case would be another name: refused."""


def test_names_that_distribution_validates(shared: Path) -> None:
    names = rows(shared, DISTRIBUTION, "TestValidateReferenceName", "validRepoNames")
    assert {text for text in names if not accepted(text)} == CAPITALS
    assert not [
        text for text in rows(shared, DISTRIBUTION, "TestValidateReferenceName", "invalidRepoNames") if accepted(text)
    ]
    for text in rows(shared, DISTRIBUTION, "TestValidateRemoteName", "validRepositoryNames"):
        assert accepted(text), text
    for text in rows(shared, DISTRIBUTION, "TestValidateRemoteName", "invalidRepositoryNames"):
        assert not accepted(text), text


def test_normal_forms_of_distribution(shared: Path) -> None:
    refused = set()
    for case in rows(shared, DISTRIBUTION, "TestParseRepositoryInfo"):
        for text in {case["FamiliarName"], case["FullName"], case["AmbiguousName"]} - {""}:
            if accepted(text):
                assert parts(text)[:2] == (case["Domain"], case["RemoteName"])
            else:
                refused.add(text)
    assert refused == {"LOCALDOMAIN/fooo", "LOCALDOMAIN/fooo/bar", "Foo/bar", "FOO/bar"}, "see CAPITALS"
    for case in rows(shared, DISTRIBUTION, "TestNormalizedSplitHostname"):
        assert parts(case["input"])[:2] == (case["domain"], case["path"])
    for case in rows(shared, DISTRIBUTION, "TestParseDockerRef"):
        reference = Reference.parse(case["input"])
        pinned = f"@{reference.digest}" if reference.digest else f":{reference.tag or 'latest'}"
        assert reference.name + pinned == case["expected"]


def test_digests_and_image_ids_alone(shared: Path) -> None:
    """What names content in no repository is no reference: nobody could say where to ask for it."""
    for case in rows(shared, DISTRIBUTION, "TestParseAnyReference"):
        if "Expected" in case:
            assert not accepted(case["Reference"]), case
        else:
            assert str(Reference.parse(case["Reference"])) == case["Equivalent"]
    answers = [accepted(case["input"]) for case in rows(shared, DISTRIBUTION, "TestIdentifierRegexp")]
    assert answers == [
        False,  # an image id
        False,  # capitals
        True,  # 60 digits: a name
        False,  # a digest without a repository
        True,  # 68 digits: a name
    ]


PATTERNS = {
    ("foo/c/baz:tag", "foo/*/baz:tag"),
    ("foo/c/baz:tag", "foo/c/baz:tag"),
    ("example.com/foo/c/baz:tag", "*/foo/c/baz"),
    ("example.com/foo/c/baz:tag", "example.com/foo/c/baz"),
}
"""What matches with our globs, which are asked of repositories: `image.repository` has no tag, so these do as theirs;
`[rz]` is text there (language reference, section 5), so theirs with such a choice match nothing."""


def test_patterns_of_distribution(shared: Path) -> None:
    for case in rows(shared, DISTRIBUTION, "TestMatch"):
        pattern, name = case["pattern"], case["reference"].partition(":")[0]
        choice = "[rz]" in pattern
        assert glob(pattern.partition(":")[0]).matches(name) == (case["expected"] and not choice), case
        assert ((case["reference"], pattern) in PATTERNS) == (case["expected"] and not choice)


def test_regular_expressions_of_distribution(shared: Path) -> None:
    domains = rows(shared, DISTRIBUTION, "TestDomainRegexp")
    assert {case["input"] for case in domains if is_host(case["input"]) != case["match"]} == {
        "192.168.1.1:75050",  # a port beyond 65535
        "192.168.1.1:750050",
        "[fd00:1:2::3]:75050",
        "[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:75050",
        "[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:750505",
        "[fd00123123123]:75050",  # no address
    }
    names = rows(shared, DISTRIBUTION, "TestFullNameRegexp")
    assert {shortened(case["input"]) for case in names if accepted(case["input"]) != case["match"]} == {
        LONG,
        "foo_bar.com:8080",  # no host, so 8080 is the tag of a name
    }
    for case in rows(shared, DISTRIBUTION, "TestReferenceRegexp"):
        assert accepted(case["input"]) == case["match"], case["input"]


# oras


def test_what_oras_takes(shared: Path) -> None:
    images = rows(shared, OTHERS, "TestParseReferenceGoodies", "tests")
    for registry in rows(shared, OTHERS, "TestParseReferenceGoodies", "registries"):
        for case in images:  # they drop an empty tag, which distribution refuses as we do
            text = f"{registry}/{case['image']}"
            assert accepted(text) == (":@" not in text), text
            if accepted(text):
                reference = Reference.parse(text)
                wanted = case["wantTemplate"]
                assert (reference.registry, reference.repository) == (registry, wanted["Repository"])
                assert (reference.digest or reference.tag or "") == wanted.get("Reference", "")


def test_what_oras_refuses(shared: Path) -> None:
    refused = {case["raw"] for case in rows(shared, OTHERS, "TestParseReferenceUglies")}
    assert {text for text in refused if accepted(text)} == {"localhost", "hello-world:linux"}, "familiar names"
    for case in rows(shared, OTHERS, "TestReference_Validate"):
        assert accepted(joined(case["reference"])) != case["wantErr"], case


def joined(reference: dict[str, str]) -> str:
    target = reference.get("Reference", "")
    mark = "@" if ":" in target else ":"
    return "/".join(filter(None, (reference["Registry"], reference.get("Repository")))) + mark * bool(target) + target


def test_how_oras_writes_references(shared: Path) -> None:
    for case in rows(shared, OTHERS, "TestReference_String"):
        text = joined(case["reference"])
        if "Repository" not in case["reference"]:
            assert str(Reference.parse(text)) == f"docker.io/library/{text}", "without a path it is a name on the Hub"
        elif "invalid" in case["name"]:
            assert not accepted(text), "half a digest is no tag"
        else:
            assert str(Reference.parse(text)) == case["want"] == text
    for case in rows(shared, OTHERS, "TestReference_Host"):
        assert registry_origin(case["registry"], None).host == case["want"]


# regclient


def test_what_regclient_reads(shared: Path) -> None:
    refused, taken = set(), set()
    for case in rows(shared, OTHERS, "TestNew"):
        text = case["ref"]
        if not accepted(text):
            refused |= {text} if not case.get("wantE") else set()
        elif case.get("wantE"):
            taken.add(text)
        else:
            registry, repository, tag, digest = parts(text)
            assert (registry, repository, digest) == (case["registry"], case["repository"], case["digest"]), case
            assert tag == case["tag"] or (tag, case["tag"]) == ("", "latest"), "nobody said :latest"
    assert taken == {"localhost:5000"}, "a name with a tag, as distribution has it"
    assert {text for text in refused if "://" not in text} == {
        "EXAMPLE/group-image:V42",  # see CAPITALS
        "Example-1/image:1.0-BETA",
        "example-A/group/image:v42",
        "example./g/roup/image:a",  # a dot at the end would be a second name
        "example.:5000/g/roup/image:a",
    }
    schemes = {text for text in refused if "://" in text}
    assert len(schemes) == 7, "layouts are named by --oci-layout, never guessed from a scheme"
    assert {text.partition("://")[0] for text in schemes} == {"ocidir", "ocifile"}


def test_what_regclient_takes_for_a_registry(shared: Path) -> None:
    cases = rows(shared, OTHERS, "TestNewHost")
    differ = {case["host"] for case in cases if is_host(case["host"]) == bool(case.get("wantE"))}
    assert {host for host in differ if "://" not in host} == {"example."}, "a dot at the end would be a second name"
    assert {host.partition("://")[0] for host in differ if "://" in host} == {"ocidir", "ocifile"}, "no registries"
    for case in cases:
        if not case.get("wantE") and case["host"] not in differ:
            assert canonical_host(case["host"]) == case["registry"].lower()


# go-containerregistry, cue-labs, containerd

GOOD = (
    *("goodStrictValidationRepositoryNames", "goodStrictValidationTagNames"),
    *("goodStrictValidationDigestNames", "goodStrictValidationTagDigestNames"),
    *("goodWeakValidationRepositoryNames", "goodWeakValidationTagNames"),
    *("goodWeakValidationDigestNames", "goodWeakValidationTagDigestNames"),
)


def test_what_go_containerregistry_takes(shared: Path) -> None:
    for table in GOOD:
        for text in rows(shared, OTHERS, FILE, table):
            assert accepted(text), text
    for table in ("badRepositoryNames", "badTagNames", "badDigestNames"):
        for text in rows(shared, OTHERS, FILE, table):
            assert not accepted(text), text
    for text in rows(shared, OTHERS, FILE, "goodStrictValidationRegistryNames"):
        assert is_host(text), text
    for text in rows(shared, OTHERS, FILE, "badRegistryNames"):
        assert not is_host(text), text
    for text in rows(shared, OTHERS, FILE, "goodWeakValidationRegistryNames"):
        assert not is_host(text), "theirs stands for Docker Hub when it is empty"


def test_the_hub_has_one_name(shared: Path) -> None:
    """Where an empty text and an alias stand for Docker Hub there, `docker.io` is its name here."""
    for table in ("testRegistries", "testRegistries2"):
        assert [is_host(text) for text in rows(shared, OTHERS, FILE, table)] == [True, False]
    assert [canonical_host(text) for text in rows(shared, OTHERS, FILE, "expectedRegistries")] == [
        "docker.io",
        "gcr.io",
    ]


def scheme(host: str) -> str:
    return registry_origin(canonical_host(host), None).scheme if is_host(host) else ""


@pytest.mark.parametrize(("test", "table"), [("TestRegistryScheme", "tests"), (FILE, "tests2")])
def test_when_plain_http_is_spoken(test: str, table: str, shared: Path) -> None:
    found = {case["gcr.io"]: (scheme(case["gcr.io"]), case["scheme"]) for case in rows(shared, OTHERS, test, table)}
    assert {host: ours for host, (ours, theirs) in found.items() if ours != theirs} == {
        "10.2.3.4:5000": "https",  # another machine, whatever its network: only --plain-http says so (§1.1)
        "foo.svc.localhost:1234": "https",  # a name, which may stand for any address
        "::1": "",  # written without brackets it is no host of a reference
    }


@pytest.mark.parametrize(("test", "table"), [("TestIsRFC1918", "tests"), (FILE, "tests")])
def test_a_private_network_is_no_reason_for_plain_http(test: str, table: str, shared: Path) -> None:
    hosts = [case["reg"] for case in rows(shared, OTHERS, test, table) if "reg" in case]
    assert {host: scheme(host) for host in hosts} == {
        **dict.fromkeys(hosts, "https"),
        "10.256.0.0:5000": "",  # no address
    }


def test_what_cue_labs_reads(shared: Path) -> None:
    cases = rows(shared, OTHERS, FILE, "parseReferenceTests")
    assert {shortened(case["input"]) for case in cases if accepted(case["input"]) == (case.get("wantRef") is None)} == {
        LONG
    }
    for case in cases:
        if case.get("wantRef") and accepted(case["input"]):
            assert parts(case["input"]) == named(case["wantRef"]), case
    hosts = rows(shared, OTHERS, FILE, "isValidHostTests")
    assert {case["host"] for case in hosts if is_host(case["host"]) != case["want"]} == {"localhost", "foo"}, (
        "they want a dot or a port; without one a host is one by its place only"
    )
    for case in rows(shared, OTHERS, FILE, "isValidRepositoryTests"):
        assert accepted(f"registry.example.com/{case['repo']}") == case["want"], case
    for case in rows(shared, OTHERS, FILE, "isValidTagTests"):
        assert accepted(f"registry.example.com/app:{case['tag']}") == case["want"], case


def named(wanted: dict[str, Any]) -> tuple[str, str, str, str]:
    """A reference of cue-labs, which leaves out Docker Hub, with the host in the form that we have for it."""
    host = canonical_host(wanted["Host"]) if wanted.get("Host") else "docker.io"
    library = "library/" * (host == "docker.io" and "/" not in wanted["Repository"])
    return host, library + wanted["Repository"], wanted.get("Tag", ""), wanted.get("Digest", "")


def test_the_machine_itself_by_containerd(shared: Path) -> None:
    found = {
        case["host"]: (scheme(case["host"]) == "http", case["match"])
        for case in rows(shared, OTHERS, "TestMatchLocalhost")
    }
    assert {host: ours for host, (ours, theirs) in found.items() if ours != theirs} == {
        "::1": False  # written without brackets it is no host of a reference
    }
