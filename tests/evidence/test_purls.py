from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.purls import Purl, canonical, equal, forms, head, parse, problem
from tests.evidence.patience import soon

CANONICAL = [
    # the examples of the specification and of its test suite
    ("pkg:maven/org.apache.commons/io", "pkg:maven/org.apache.commons/io"),
    ("pkg:maven/org.apache.commons/io@1.3.4", "pkg:maven/org.apache.commons/io@1.3.4"),
    ("pkg:GOLANG/google.golang.org/genproto#/googleapis/api/annotations/",
     "pkg:golang/google.golang.org/genproto#googleapis/api/annotations"),
    ("pkg:golang/google.golang.org/genproto@abcdedf#../a/./b", "pkg:golang/google.golang.org/genproto@abcdedf#a/b"),
    ("pkg:golang/github.com/ProtonMail/Go-Mime@v1.0.0", "pkg:golang/github.com/protonmail/go-mime@v1.0.0"),
    ("pkg:bitbucket/birKenfeld/pyGments-main@244fd47e07d1014f0aed9c",
     "pkg:bitbucket/birkenfeld/pygments-main@244fd47e07d1014f0aed9c"),
    ("pkg:GitHub/Package-url/purl-Spec@244fd47e07d1004f0aed9c",
     "pkg:github/package-url/purl-spec@244fd47e07d1004f0aed9c"),
    ("pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie"),
    ("pkg:docker/customer/dockerimage@sha256%3A244fd47e?repository_url=gcr.io",
     "pkg:docker/customer/dockerimage@sha256:244fd47e?repository_url=gcr.io"),
    ("pkg:gem/jruby-launcher@1.1.2?Platform=java", "pkg:gem/jruby-launcher@1.1.2?platform=java"),
    ("pkg:Maven/org.apache.xmlgraphics/batik-anim@1.9.1?repositorY_url=repo.spring.io/release&classifier=sources",
     "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?classifier=sources&repository_url=repo.spring.io/release"),
    ("pkg:npm/@angular/animation@12.3.1", "pkg:npm/%40angular/animation@12.3.1"),
    ("pkg:npm/@angular/animation", "pkg:npm/%40angular/animation"),
    ("pkg:npm/%40babel/parser@7.21.2#packages/babel-parser", "pkg:npm/%40babel/parser@7.21.2#packages/babel-parser"),
    ("pkg:Nuget/EnterpriseLibrary.Common@6.0.1304", "pkg:nuget/enterpriselibrary.common@6.0.1304"),
    ("pkg:PYPI/Django_package@1.11.1.dev1", "pkg:pypi/django-package@1.11.1.dev1"),
    ("pkg:pypi/zope.Interface", "pkg:pypi/zope-interface"),
    ("pkg:composer/guzzlehttp/Promises@2.0.2", "pkg:composer/guzzlehttp/promises@2.0.2"),
    ("pkg:Rpm/fedora/curl@7.50.3-1.fc25?Arch=i386&Distro=fedora-25",
     "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25"),
    ("pkg://maven//org.apache.commons/io", "pkg:maven/org.apache.commons/io"),
    ("pkg:npm/foo@1?a=&b=2", "pkg:npm/foo@1?b=2"),
    ("pkg:generic/openssl@1.1.10g?checksum=sha1:ad95,sha256:41bf",
     "pkg:generic/openssl@1.1.10g?checksum=sha1:ad95%2Csha256:41bf"),
    # what the tools write
    ("pkg:deb/debian/libstdc++6@12.2.0-14+deb12u1?arch=amd64",
     "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64"),
    ("pkg:deb/debian/git@1%3A2.1.4-2.1%2bdeb8u2", "pkg:deb/debian/git@1:2.1.4-2.1%2Bdeb8u2"),
    ("pkg:golang/github.com/mongodb/mongo-tools@(devel)", "pkg:golang/github.com/mongodb/mongo-tools@%28devel%29"),
    ("pkg:golang/github.com%2fmongodb%2Fmongo-tools", "pkg:golang/github.com/mongodb/mongo-tools"),
    ("pkg:oci/debian@sha256%3Aabc?tag=12", "pkg:oci/debian@sha256:abc?tag=12"),
    ("pkg:deb/debian/x@1?upstream=y@2", "pkg:deb/debian/x@1?upstream=y%402"),
    ("pkg:npm/foo@", "pkg:npm/foo"),
    ("pkg:npm/foo@/", "pkg:npm/foo"),
    ("pkg:npm/foo@1/?a=b/", "pkg:npm/foo@1?a=b/"),
]  # fmt: skip

MALFORMED = [
    "", "pkg:", "pkg:npm", "pkg:npm/", "pkg:maven/@1.3.4", "EnterpriseLibrary.Common@6.0.1304", "npm/foo",
    "pkg:EnterpriseLibrary.Common@6.0.1304", "pkg:n&g?inx/nginx@0.8.9", "pkg:3nginx/nginx@0.8.9",
    "pkg:nginx:a/nginx@0.8.9", "pkg:npm/acme/@1",
    "pkg:npm/myartifact@1.0.0?in%20production=true", "pkg%3Amaven/org.apache.commons/io", "PKG:npm/foo", "cpe:/a:b",
    "pkg:npm/foo?bar", "pkg:npm/foo?1a=b", "pkg:npm/foo?a=1&a=2", "pkg:npm/foo%zz", "pkg:npm/foo%", "pkg:npm/%ff",
    "pkg:npm/foo bar", "pkg:npm/foo\n", " pkg:npm/foo", "pkg:npm/\x00", "pkg:npm/" + "a" * 5_000,
    "pkg:npm/\ud800", "pkg:npm/%ed%a0%80",
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_every_spelling_has_one_canonical_text(text: str, expected: str) -> None:
    assert canonical(text) == expected
    assert canonical(expected) == expected
    assert (forms(text) or ("", ""))[1] == expected
    assert problem(text) is None


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_package_url_is_none_and_says_why(text: str) -> None:
    assert parse(text) is None
    found = problem(text)
    assert found is not None
    assert found.message.isprintable()
    assert "is not a package URL: " in found.message


def test_a_missing_text_is_none() -> None:
    assert parse(None) is None
    assert canonical(None) is None


def test_package_urls_are_equal_by_what_they_mean() -> None:
    assert equal("pkg:npm/@acme/x@1?b=2&a=1", "pkg:NPM/%40acme/x@1?a=1&b=2") is True
    assert equal("pkg:npm/x@1", "pkg:npm/x@1.0") is False
    assert equal("pkg:npm/x", None) is None
    assert equal("npm/x", "npm/x") is None


def test_a_forgotten_scheme_is_suggested() -> None:
    assert (problem("npm/foo@1") or problem("")).suggestion == "pkg:npm/foo@1"  # type: ignore[union-attr]
    assert (problem(" pkg:npm/foo") or problem("")).suggestion == "pkg:npm/foo"  # type: ignore[union-attr]


def test_the_parts_are_decoded() -> None:
    assert parse("pkg:npm/%40acme/x@1%2B2?arch=a%20b&os=x#s/t") == Purl(
        "npm", "@acme", "x", "1+2", (("arch", "a b"), ("os", "x")), "s/t"
    )


def test_the_head_names_the_package() -> None:
    assert head("pkg:npm/@acme/x@1?a=b#c") == "pkg:npm/%40acme/x"
    assert head("pkg:pypi/Foo_Bar@1") == "pkg:pypi/foo-bar"
    assert head("pkg:npm/foo%") is None


def test_a_hostile_text_takes_no_time() -> None:
    texts = (
        "pkg:npm/" + "a/" * 2_000,
        "pkg:npm/" + "@" * 4_000,
        "pkg:" + "a" * 4_000,
        "pkg:npm/" + "a/" * 2_000 + "\x00",
        "pkg:npm/x?" + "a=b&" * 1_000,
        "pkg:npm/" + "%40" * 1_300,
        "pkg:npm/x" + "#" * 4_000,
        "a" * 10_000_000,
    )
    with soon():
        for text in texts:
            parse(text)
            head(text)
            problem(text)


PARTS = st.text(alphabet="aB0-_.~+@:/%é ", min_size=1, max_size=6)
TYPES = st.sampled_from(["npm", "pypi", "deb", "rpm", "golang", "maven", "generic", "pub", "oci", "none"])
BUILT = st.builds(
    lambda type_, parts, version, tail: f"pkg:{type_}/{'/'.join(parts)}{version}{tail}",
    TYPES,
    st.lists(st.one_of(PARTS, st.sampled_from(["foo", "%40acme", "@acme", "Foo_Bar", "a.b"])), min_size=1, max_size=3),
    st.one_of(st.just(""), PARTS.map("@{}".format)),
    st.sampled_from(["", "?arch=amd64", "?b=1&a=2", "?a=1&b=2+3", "?a=x@y", "#sub/path", "?a=%2F#x", "?a"]),
)


@settings(max_examples=100, deadline=None)
@given(st.one_of(BUILT, st.text(max_size=30)))
def test_the_canonical_text_is_its_own(text: str) -> None:
    found = parse(text)
    assert (found is None) == (problem(text) is not None)
    if found is not None:
        assert parse(str(found)) is not None
        assert canonical(str(found)) == str(found)
        assert head(text) == found.head == head(str(found))
        assert forms(text) == (found.coordinates, str(found))
        assert str(found).isascii()


@settings(max_examples=100, deadline=None)
@given(BUILT)
def test_packageurl_reads_what_we_write(text: str) -> None:
    packageurl: Any = pytest.importorskip("packageurl")
    found = parse(text)
    if found is not None and found.type in ("npm", "deb", "rpm", "maven", "generic"):
        other = packageurl.PackageURL.from_string(str(found))
        assert (other.type, other.version) == (found.type, found.version)
        assert other.qualifiers == dict(found.qualifiers)


@pytest.mark.parametrize("text", [expected for _, expected in CANONICAL])
def test_packageurl_agrees_on_canonical_texts(text: str) -> None:
    packageurl: Any = pytest.importorskip("packageurl")
    assert packageurl.PackageURL.from_string(text).to_string() == text
