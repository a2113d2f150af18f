"""What the domain values of the language cost over 50,000 packages, each beside the library that could do it.

`make bench` prints the groups side by side: the figure that matters is the ratio within a group.
"""

from __future__ import annotations

from typing import Any

import pytest

from policyengine.evidence import globs, licenses, purls, ranges, versions

PACKAGES = 50_000
LICENSES = [
    "MIT",
    "Apache-2.0",
    "GPL-2.0-or-later AND LGPL-2.1-only",
    "(MIT OR GPL-3.0-only) AND BSD-3-Clause",
    None,
    "NOASSERTION",
    "GPL-2.0, public-domain, BSD-4-Clause",
    "GPL-2.0-only WITH Classpath-exception-2.0",
]
SHAPES = ["pkg:deb/debian/lib-{0}@1:2.{0}-1%2Bdeb12u1?arch=amd64&distro=debian-12", "pkg:npm/%40acme/x-{0}@1.{0}.0",
          "pkg:golang/github.com/acme/x-{0}@v1.{0}.0", "pkg:pypi/x-{0}@1.{0}", "pkg:maven/org.acme/x-{0}@1.{0}",
          "pkg:rpm/redhat/x-{0}@1.{0}-1.el9?arch=x86_64&epoch=1"]  # fmt: skip


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [SHAPES[index % len(SHAPES)].format(index) for index in range(PACKAGES)]


@pytest.fixture(scope="module")
def stated() -> list[str | None]:
    return [LICENSES[index % len(LICENSES)] for index in range(PACKAGES)]


@pytest.mark.benchmark(group="licence permitted by a set")
def test_permitted_by(benchmark: Any, stated: list[str | None]) -> None:
    permits = licenses.license_set(["MIT", "Apache-2.0", "BSD-3-Clause"]).permits
    assert len(benchmark(lambda: [permits[text] for text in stated])) == PACKAGES


@pytest.mark.benchmark(group="licence permitted by a set")
def test_a_dictionary_of_answers(benchmark: Any, stated: list[str | None]) -> None:
    answers = dict.fromkeys(LICENSES, True)
    assert len(benchmark(lambda: [answers[text] for text in stated])) == PACKAGES


@pytest.mark.benchmark(group="one licence expression, read for the first time")
def test_parse_license(benchmark: Any) -> None:
    assert benchmark(lambda: licenses.parse.__wrapped__(LICENSES[3])) is not None


@pytest.mark.benchmark(group="one licence expression, read for the first time")
def test_license_expression(benchmark: Any) -> None:
    library = pytest.importorskip("license_expression").get_spdx_licensing()
    assert benchmark(lambda: library.parse(LICENSES[3])) is not None


@pytest.mark.benchmark(group="package in one of 2,000 ranges")
def test_any_contains(benchmark: Any, texts: list[str]) -> None:
    banned = ranges.range_set(f"pkg:npm/@acme/x-{index}@<1.10.0" for index in range(2_000))
    found = benchmark(lambda: [banned.contains(text) for text in texts])
    assert found.count(True) == 2


@pytest.mark.benchmark(group="package URL matched by globs")
@pytest.mark.parametrize("pattern", ["pkg:npm/%40acme/*", "pkg:deb/*/openssl@*", "**/x-1?@*"])
def test_matches_purl(benchmark: Any, texts: list[str], pattern: str) -> None:
    listed = globs.glob_set([pattern])
    assert len(benchmark(lambda: [listed.matches_purl(text) for text in texts])) == PACKAGES


@pytest.mark.benchmark(group="one package URL")
def test_parse_purl(benchmark: Any, texts: list[str]) -> None:
    assert benchmark(lambda: str(purls.parse.__wrapped__(texts[0]))) == texts[0]


@pytest.mark.benchmark(group="one package URL")
def test_head_of_a_purl(benchmark: Any, texts: list[str]) -> None:
    assert benchmark(lambda: purls.head(texts[0])) == "pkg:deb/debian/lib-0"


@pytest.mark.benchmark(group="one package URL")
def test_packageurl(benchmark: Any, texts: list[str]) -> None:
    library = pytest.importorskip("packageurl").PackageURL
    assert benchmark(lambda: library.from_string(texts[0]).to_string()) == texts[0]


@pytest.mark.benchmark(group="one comparison of Debian versions")
def test_compare(benchmark: Any) -> None:
    versions.compare("deb", "1:2.36-9+deb12u9", "1:2.36-9+deb12u10")
    assert benchmark(lambda: versions.compare("deb", "1:2.36-9+deb12u9", "1:2.36-9+deb12u10")) == -1


@pytest.mark.benchmark(group="one comparison of Debian versions")
def test_univers(benchmark: Any) -> None:
    version = pytest.importorskip("univers.versions").DebianVersion
    assert benchmark(lambda: version("1:2.36-9+deb12u9") < version("1:2.36-9+deb12u10"))
