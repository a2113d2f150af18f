"""The orders of versions, held against what each ecosystem publishes about its own.

`ASCENDING` has lines of versions from old to new, `SAME` lines of versions that are one. Both come from the documents
and test suites that the comments name.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.versions import ORDERS, compare, key
from tests.evidence.patience import soon

ASCENDING = {
    # Debian policy 5.6.12, deb-version(7), and the cases of dpkg's own tests
    "deb": """
        0~~ 0~~a 0~ 0 0a 0a.1
        1.0~beta1~svn1245 1.0~beta1 1.0 1.0-1 1.0-1+b1 1.0-1.1 1.0-2 1.0-10
        1.2.3 1.2.3+dfsg 1.2.3.1
        5.4.5-1 5.6.0~rc1 5.6.0 5.6.1-1 5.6.1+really5.4.5-1 1:1.0
        0:1.9 1:0.1 2:0.0
        2.37.2-4 2.37.2-4ubuntu3 2.37.2-4ubuntu3.1 2.37.2-5
        7.6-0 7.6p2-4
        1.2~ 1.2 1.2a 1.2b 1.2+ 1.2.
        12.1+deb12u9 12.1+deb12u10
        0.9 0.10""",
    # rpm's own rpmvercmp tests, and rpm-version(7) for the caret
    "rpm": """
        1.0 2.0
        2.0 2.0.1 2.0.1a
        5.5p1 5.5p2 5.5p10
        10xyz 10.1xyz
        xyz10 xyz10.1
        xyz.4 2 8
        5.5p2 5.6p1 6.5p1
        6.0 6.0.rc1
        10a1 10a2 10b2
        1.0a 1.0aa
        10.0001 10.0039
        4.999.9 5.0
        20101121 20101122
        1.0~rc1~git123 1.0~rc1 1.0~rc2 1.0 1.0^ 1.0^git1 1.0^git2 1.01
        1.0~rc1^git1 1.0^git1~pre 1.0^git1 1.0.1
        1.0-1 1.0-2 1:0.9-1
        3.0.7-6.el9 3.0.7-18.el9_2 3.0.7-27.el9 1:3.0.7-6.el9""",
    # apk-tools' own cases, chosen
    "apk": """
        0.1.0_alpha_pre2 0.1.0_alpha 0.1.0_alpha2 0.1.3_alpha 2.2.39-r1
        0.7-r1 1.0.2 1.0.4-r3 1.0.4-r4 1.6
        1.1_alpha1 1.1 1.2 1.2.1 1.3_alpha 1.3_alpha2 1.3_alpha3
        0.8_beta1 0.8_beta2 0.8_beta4 4.8-r1
        2.3.0b-r1 2.3.0b-r2 2.3.0b-r3 3.10.18-r1
        3.1_p16 3.1_p17
        1.06-r6 006
        1.2.2 1.2.2-r1 9.3.2-r4 9.3.4 9.3.4-r2
        0.9.2 1.00_beta2 1.39 2.01.01_alpha10
        1.02 1.03-r1 1.12.12-r2
        1.02.07 1.02.10-r1 4.2.52_p2-r1 4.2.52_p4-r2
        2.5.1-r8 2.5.1a-r1
        2.0.0_rc3-r1 20040401 20040923-r2
        3.9_pre20060124 6b-r7
        0.10.0 0.10.0-r1 0.10.1_rc1
        0.15.1b 0.15.1b-r2 1.1a 1.3a
        0.0.16 0.0.25 0.0.31 0.0.50 0.17
        02.08.01b 2.10.0 2.10.1
        1.2.07.8 1.2.12.04 1.2.12.05 1.3.3
        1.07 1.07-r1 1.07.5 1.19
        4.5_p1 4.5_p1-r1
        1.8.5 1.8.5_p2
        1.6.8_p9-r2 1.6.8_p12-r1
        087-r1 103 104-r9 104-r11
        2.12r-r4 2.12r-r5
        7.0.17 7.0.174
        1.3-r0 1.3.1-r0
        1.0_p9-r0 1.0_p10-r0
        1.0.0_pre20191002222144-r0 1.0.0_pre20210530193627-r0
        1.0_alpha 1.0_beta 1.0_pre 1.0_rc 1.0 1.0-r1 1.0_cvs 1.0_svn 1.0_git 1.0_hg 1.0_p""",
    # the manual of vercmp
    "alpm": """
        1.0a 1.0alpha 1.0b 1.0beta 1.0p 1.0pre 1.0rc 1.0 1.0.a 1.0.1
        1 1.0 1.1 1.1.1 1.2 2.0 3.0.0
        1.5.0 1.5.1
        1.5.0-1 1.5.0-2 1.5.1-1
        1.5b-1 1.5-1 1.5.b 1.5.1
        0:1.1 1:1.0 2:1.1""",
    # semver.org 11.4, and node-semver's comparisons
    "npm": """
        1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0
        0.0.0-foo 0.0.0 0.0.1 0.9.0 0.10.0 0.99.0 1.0.0 2.0.0
        1.2.3-4 1.2.3-5 1.2.3-5-Foo 1.2.3-5-foo 1.2.3-asdf 1.2.3
        1.2.3-a.5 1.2.3-a.10 1.2.3-a.b
        3.0.0-r100 3.0.0-r2
        5.6.0-rc1 5.6.0
        3.3.6 3.3.60""",
    "cargo": "1.0.0-alpha 1.0.0 1.0.1 1.1.0",
    "hex": "1.0.0-rc.1 1.0.0 1.0.1",
    "swift": "1.0.0-beta.2 1.0.0-beta.11 v1.0.0 1.0.1",
    # golang.org/ref/mod#versions and #pseudo-versions
    "golang": """
        v0.0.0-20160511215533-1f3b11f56072 v0.0.0-20190731235908-ec7cb31e5a56 v0.0.5 v1.2.3-pre v1.2.3
        v1.2.3-pre.0.20191109021931-daa7c04131f5 v1.2.3 v1.2.4-0.20191109021931-daa7c04131f5 v1.2.4
        1.2.3 v1.2.4 1.2.5
        v1.31.10-rc1+k3s1 v1.31.10+k3s1 v2.0.0+incompatible""",
    # PEP 440, "Summary of permitted suffixes and relative ordering", and its examples
    "pypi": """
        1.dev0 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456
        1.0b2.post345 1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1
        2012.4 2012.7 2012.10 2013.1 1!1.0
        1.9 2.0.dev1 2.0 2.0.1 10.0""",
    # Maven's POM reference, "Version Order Specification", and its own ComparableVersionTest
    "maven": """
        1 1.1
        1-snapshot 1 1-sp
        1-foo2 1-foo10
        1-foo 1-1 1.1
        1-ga.1 1-sp.1
        1-sp-1 1-ga-1
        1-alpha2snapshot 1-alpha2 1-alpha-123 1-beta-2 1-beta123 1-m2 1-m11 1-rc 1-cr2 1-rc123 1-SNAPSHOT 1 1-sp 1-sp2 \
            1-sp123 1-abc 1-def 1-pom-1 1-1-snapshot 1-1 1-2 1-123
        2.0 2.0.a 2-1 2.0.2 2.0.123 2.1.0 2.1-a 2.1b 2.1-c 2.1-1 2.1.0.1 2.2 2.123 11.a2 11.a11 11.b2 11.b11 11.m2 \
            11.m11 11 11.a 11b 11c 11m
        1.0-alpha-1-SNAPSHOT 1.0-alpha-1 1.0-alpha-2 1.0-beta-1 1.0-SNAPSHOT 1.0 1.0-1 1.0-2
        2.0.1 2.0.1-klm 2.0.1-lmn 2.0.1-123
        6.1.0rc3 6.1.0 6.1H.5-beta
        20190126.230843 1234567890.12345 123456789012345.1H.5-beta 12345678901234567890.1H.5-beta
        1-0.alpha 1-0.beta 1
        2.14.1 2.15.0 2.17.1 2.17.10""",
    # Gem::Version's documentation and its own tests
    "gem": """
        0.0.0 1.8.2.a 1.8.2.a9 1.8.2.a10 1.8.2.b 1.8.2
        1.0.a 1.0 1.0.1.a 1.0.1
        1.0.0-alpha 1.0.0-alpha.1 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0
        5.0.0.1 5.0.0.2""",
    "cocoapods": "1.0.0-beta.1 1.0.0 1.0.1",
    # semver.org 11.4, and NuGet's documentation on package versioning
    "nuget": """
        1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0
        1.0.1-aaa 1.0.1-alpha 1.0.1-alpha2 1.0.1-Beta 1.0.1-open 1.0.1-rc 1.0.1-zzz 1.0.1
        1.0 1.0.0.1 1.0.1 1.1 2
        4.3.0 4.3.0.1 4.3.2 8.0.17""",
    # PHP's version_compare and Composer's versions and constraints
    "composer": """
        1.0.0-dev 1.0.0-alpha 1.0.0-alpha1 1.0.0-alpha2 1.0.0-beta1 1.0.0-RC1 1.0.0-RC2 1.0.0 1.0.0-patch1 1.0.0.1
        1.0-beta1-dev 1.0-beta1 1.0-beta2
        v1.9 1.10 2.0""",
    # Conan's own test_version_comparison.py
    "conan": """
        1 2
        1.0 1.1
        1.0.2 1.1.0
        1.3 1.22
        1.1.1.1.3 1.1.1.1.22
        1.2 1.3.1
        1.1.a 1.1.b
        1.1.1.abc 1.1.1.abz
        a.b.c b.c
        1.1 1.a
        1.1 1.1a
        1.1 1.1.a 1.2
        1.1* 1.20
        1.1.* 1.20
        1.2.2 1.3.*
        1.2.2 1.2.3*
        1.1 1.1+b1 1.1+b2 1.2
        1.1+b.3 1.1+b.22
        1.1-pre1 1.1-pre2
        1.1-alpha.3 1.1-alpha.22 1.1
        1.1-alpha.3+b1 1.1-alpha.3+b2
        1.1 1.2-alpha1
        1.1-alpha.1 1.1.0
        1.0.0- 1.0.0-alpha1""",
    "generic": """
        1.0.1t 1.0.2 1.0.2a 1.0.2k 1.1.0 1.1.1
        3.0 3.0.7 3.1""",
}

SAME = {
    "deb": "1.0-0 1.0 0:1.0 1.00",
    "rpm": """
        2.0 2_0
        10.0001 10.1
        a+ a_
        +a _a a
        1.0-1 0:1.0-1""",
    "apk": """
        2.16.1-r3 2.16.1-r3
        006 6""",
    "alpm": "0:1.0 1.0",
    "npm": """
        1.2.3 v1.2.3 1.2.3+build.5
        1.0 1.0.0 1""",
    "golang": """
        v1.2.3 1.2.3
        v2.0.0+incompatible 2.0.0""",
    "pypi": """
        1.0 1 1.0.0 v1.0 1.0.0.0
        1.1.0rc1 1.1.RC1 1.1c1 1.1-rc.1 1.1_pre1 1.1preview1
        1.0.post1 1.0-1 1.0-r1 1.0.rev1
        1.0.dev0 1.0dev
        1.0+ubuntu-1 1.0+ubuntu.1 1.0+UBUNTU_1
        1.0a0 1.0a 1.0alpha""",
    "maven": """
        1 1.0 1.0.0 1-0 1.0-0 1.ga 1-ga 1.final 1-RELEASE
        1a 1-a 1.0-a 1.0.0-a 1.a 1.0a
        1x 1-x 1.0-x 1.0x
        1cr 1rc 1Rc
        1a1 1-alpha-1 1alpha1
        1b2 1-beta-2
        1m3 1-milestone-3 1MileStone3
        0000000000000000001 01 1
        1.0.0-foo.0.0 1-foo""",
    "gem": """
        1.0 1.0.0 1
        1.2.b1 1.2.b.1
        1.0-a 1.0.pre.a""",
    "nuget": """
        1.0 1.0.0 1.0.0.0 1
        1.0.0-BETA 1.0.0-beta
        1.0.0+a 1.0.0+b
        01.1 1.1""",
    "composer": """
        1.0 1.0.0.0 v1 1.0.0-stable
        1.0-beta1 1.0.0b1 1.0.0.0-beta.1
        1.0-p1 1.0-patch1 1.0pl1""",
    "conan": """
        1 1.0 1.0.0 1.0.0.0
        1-pre1 1.0-pre1 1.0.0-pre1 1.0-pre1.0
        1-pre1+b1 1.0.0-pre1+b1
        1+b1 1.0+b1 1.0+b1.0""",
    "generic": "1.0 1.0.0 v1",
}

UNORDERED = [
    ("deb", "1.0", "unknown"),
    ("deb", "1.0", "1.0 beta"),
    ("deb", "1.0", ""),
    ("rpm", "1.0", "..."),
    ("rpm", "1.0", "x:1.0"),
    ("deb", "1.0", "1a:1.0"),
    ("apk", "1.0", "1.0bc"),
    ("apk", "4_beta", "23_foo"),
    ("npm", "1.0.0", "latest"),
    ("npm", "1.0.0", "1.2.3.4"),
    ("npm", "1.0.0", "1.0.0-béta"),
    ("golang", "v1.0.0", "(devel)"),
    ("pypi", "1.0", "2004d"),
    ("pypi", "1.0", "1.0-SNAPSHOT"),
    ("pypi", "1.0", "1.0٣"),
    ("maven", "1.0", "${project.version}"),
    ("gem", "1.0", "junk"),
    ("gem", "1.0", "1.0\n2.0"),
    ("nuget", "1.0", "1.2.3.4.5"),
    ("composer", "1.0", "dev-main"),
    ("generic", "1.0", "1.0-rc1"),
    ("github", "1.0", "refs/heads/main"),
    ("deb", "1.0", "1" * 2_000),
]


def lines(table: dict[str, str]) -> list[tuple[str, list[str]]]:
    text = ((ecosystem, line.split()) for ecosystem, block in table.items() for line in block.splitlines())
    return [(ecosystem, versions) for ecosystem, versions in text if versions]


def test_every_order_has_a_table() -> None:
    assert set(ORDERS) - set(ASCENDING) == {"alpine", "semver"}  # other names for apk and npm


@pytest.mark.parametrize(("ecosystem", "versions"), lines(ASCENDING))
def test_versions_stand_in_the_order_of_their_ecosystem(ecosystem: str, versions: list[str]) -> None:
    for older, newer in combinations(versions, 2):
        assert compare(ecosystem, older, newer) == -1, (older, newer)
        assert compare(ecosystem, newer, older) == 1, (newer, older)


@pytest.mark.parametrize(("ecosystem", "versions"), lines(SAME))
def test_versions_are_the_same_in_other_words(ecosystem: str, versions: list[str]) -> None:
    for one, other in pairwise(versions):
        assert compare(ecosystem, one, other) == 0, (one, other)
        assert key(ecosystem, one) is not None


@pytest.mark.parametrize(("ecosystem", "version", "other"), UNORDERED)
def test_what_is_no_version_is_neither_older_nor_newer(ecosystem: str, version: str, other: str) -> None:
    assert compare(ecosystem, version, other) is None
    assert compare(ecosystem, other, version) is None
    assert compare(ecosystem, other, other) == 0


@pytest.mark.parametrize("ecosystem", sorted(ORDERS))
@pytest.mark.parametrize(
    "text",
    ["1" * 1_024, "1." * 500 + "x", "1-" * 500 + "!", "beta1" * 200, "1.0-beta" + "1" * 900 + "!", "a1" * 500,
     "~" * 1_000, "1" + ".0" * 500, "1.0-" + "-" * 900, "1+" * 500, "_alpha" * 150, "1" + " " * 1_000 + "x",
     "0" * 1_000],
)  # fmt: skip
def test_hostile_versions_end_soon(ecosystem: str, text: str) -> None:
    with soon():
        assert compare(ecosystem, text, "1.0") in (None, -1, 0, 1)


ECOSYSTEMS = sorted({*ORDERS, "generic"})
TEXTS = st.one_of(
    st.from_regex(
        r"(\d:)?\d{1,2}(\.\d{1,2}){0,3}([-._~^+]?(alpha|beta|rc|a|b|dev|post|p|r|sp|x)?\.?\d?){0,2}", fullmatch=True
    ),
    st.text(alphabet="0123.-+~^_abr:!v", min_size=1, max_size=8),
)


def sampled(ecosystem: str) -> st.SearchStrategy[str]:
    published = sorted({version for name, line in lines(ASCENDING) if name == ecosystem for version in line})
    return st.one_of(st.sampled_from(published), TEXTS) if published else TEXTS


TRIPLES: Any = st.sampled_from(ECOSYSTEMS).flatmap(
    lambda name: st.tuples(st.just(name), sampled(name), sampled(name), sampled(name))
)


@settings(max_examples=100, deadline=None)
@given(TRIPLES)
def test_every_order_is_an_order(case: tuple[str, str, str, str]) -> None:
    ecosystem, *versions = case
    ordered = [version for version in versions if key(ecosystem, version) is not None]
    for one in versions:
        assert compare(ecosystem, one, one) == 0
        for other in versions:
            forth, back = compare(ecosystem, one, other), compare(ecosystem, other, one)
            assert forth == (None if back is None else -back)
    for one in ordered:
        for other in ordered:
            for third in ordered:
                if (compare(ecosystem, one, other) or 0) <= 0 and (compare(ecosystem, other, third) or 0) <= 0:
                    assert (compare(ecosystem, one, third) or 0) <= 0
