"""Our orders against `univers`, where it answers rightly: docs/adr/0003-package-urls-and-versions.md."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyengine.evidence.versions import compare

NUMBERS = st.lists(st.sampled_from([0, 1, 2, 3, 9, 10, 12]), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)
SUFFIXES = {
    "deb": ["", "~rc1", "+deb12u1", "+deb12u10", "-1", "-1.1", "-1ubuntu2", "+dfsg-2", "a", "~~"],
    "rpm": ["", "~rc1", "^git1", "-1", "-2.el9", "-10.el9_2", "a1", ".rc1"],
    "apk": ["", "_rc1", "_p1", "-r1", "-r10", "a", "_alpha", "_alpha-r2", "_pre2_p1"],
    "alpm": ["-1", "-2", "rc1-1"],
    "pypi": ["", "a1", "b2", "rc1", ".post1", ".dev2", "a1.dev3", "+loc.1", ".post1.dev2", "-1"],
    "maven": ["", "-alpha", "-alpha-1", "-SNAPSHOT", "-1", "-sp", "-rc1", ".Final", "-foo", "a1", "b2"],
    "gem": ["", ".a", ".pre", ".rc1", ".beta.2", "-1"],
    "nuget": ["", "-alpha", "-beta.1", "-1", "-1.a"],
}
CLASSES = {
    "deb": "DebianVersion",
    "rpm": "RpmVersion",
    "apk": "AlpineLinuxVersion",
    "alpm": "ArchLinuxVersion",
    "pypi": "PypiVersion",
    "maven": "MavenVersion",
    "gem": "RubygemsVersion",
    "nuget": "NugetVersion",
}


@pytest.mark.parametrize("ecosystem", sorted(CLASSES))
def test_univers_agrees(ecosystem: str) -> None:
    versions = pytest.importorskip("univers.versions")
    version: Any = getattr(versions, CLASSES[ecosystem])
    texts = st.builds(str.__add__, NUMBERS, st.sampled_from(SUFFIXES[ecosystem]))

    @settings(max_examples=100, deadline=None)
    @given(texts, texts)
    def agrees(one: str, other: str) -> None:
        left, right = version(one), version(other)
        assert compare(ecosystem, one, other) == (left > right) - (left < right)

    agrees()


def test_semver_agrees_on_whole_versions() -> None:
    semver = pytest.importorskip("semver")
    numbers = st.tuples(*[st.sampled_from([0, 1, 2, 10])] * 3).map(lambda three: ".".join(map(str, three)))
    texts = st.builds(
        str.__add__, numbers, st.sampled_from(["", "-a", "-a.1", "-1", "-a.b", "-10", "-2", "+x", "-a+x"])
    )

    @settings(max_examples=100, deadline=None)
    @given(texts, texts)
    def agrees(one: str, other: str) -> None:
        assert compare("npm", one, other) == semver.Version.parse(one).compare(other)

    agrees()
