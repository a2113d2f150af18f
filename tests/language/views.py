"""Evidence by chance: few different values, so that they meet; anything optional may be missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from policyengine.evidence.model import (
    Collection,
    Custom,
    Finding,
    Gap,
    Identity,
    Image,
    Package,
    Scan,
    Severity,
    Signature,
    Vex,
)  # fmt: skip
from policyengine.language.view import View
from tests.language.chance import IDS, PURLS

AT = datetime(2026, 3, 1, tzinfo=UTC)
TIMES = [AT + timedelta(seconds=s) for s in (0, -86400, -14 * 86400, -14 * 86400 - 1, 300, 301, 86400)]
texts = st.sampled_from(["a", "b", "trivy", "1.0"])
times = st.sampled_from(TIMES)
licenses = st.sampled_from(["MIT", "GPL-2.0-only", "MIT AND NOASSERTION", "NOASSERTION", "see LICENSE", "NONE"])


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


gaps = st.builds(Gap, st.sampled_from(["gap one", "gap two"]), st.booleans(), st.booleans(), st.booleans())


def collections(items: st.SearchStrategy[Any], size: int = 3) -> st.SearchStrategy[Collection[Any]]:
    return st.builds(Collection, st.lists(items, max_size=size).map(tuple), st.lists(gaps, max_size=1).map(tuple))


identities = st.sampled_from([Identity("x509", (("CN", "release"), ("O", "acme"))), Identity("x509", (("CN", "x"),))])
signatures = st.builds(
    Signature, identities, st.just("cose"), st.just("sha256:s"), signed_at=maybe(times), timestamped=st.booleans(),
    metadata=st.sampled_from([{}, {"team": "a"}]),
)  # fmt: skip
signed = collections(signatures, 2)
packages = st.builds(
    Package, texts, maybe(st.sampled_from(["1.0.0", "2.0.0"])), maybe(texts), maybe(texts),
    maybe(st.sampled_from(PURLS)), maybe(licenses), maybe(licenses), maybe(licenses), document=st.just("sha256:b"),
)  # fmt: skip
findings = st.builds(
    Finding, st.lists(st.sampled_from(IDS), min_size=1, max_size=2, unique=True).map(tuple),
    maybe(st.sampled_from(Severity)), maybe(st.sampled_from([Decimal("7.0"), Decimal("9.8")])), maybe(packages),
    maybe(texts), maybe(texts), maybe(texts), maybe(times), st.sampled_from(["VULNERABILITY", "SECRET"]), texts,
    st.booleans(), st.sampled_from(["sha256:c", "sha256:d"]),
)  # fmt: skip
vexes = st.builds(
    Vex, st.lists(st.sampled_from(IDS), min_size=1, max_size=2, unique=True).map(tuple),
    maybe(st.sampled_from(["NOT_AFFECTED", "AFFECTED", "FIXED"])),
    st.frozensets(st.sampled_from([*PURLS, "pkg:npm/a"]), max_size=2), st.just("sha256:v"), maybe(texts), maybe(texts),
    maybe(times), signed,
)  # fmt: skip
scans = st.builds(
    Scan, texts, st.just("sarif"), st.sampled_from(["sha256:c", "sha256:d"]), finished=maybe(times), signatures=signed,
    findings=collections(findings, 2),
)  # fmt: skip
coverages = st.builds(
    Custom, st.just("coverage"),
    st.fixed_dictionaries(
        {"percent": st.sampled_from([Decimal("80.4"), Decimal("7.0")]), "worst": maybe(st.sampled_from([0, 2, 4]))},
        optional={"branch": maybe(texts), "cve": maybe(st.sampled_from(IDS))},
    ),
    st.just("sha256:e"), signatures=signed,
)  # fmt: skip
images = st.builds(
    Image, st.just("sha256:i"), texts, texts, texts, texts, st.integers(0, 3), maybe(texts), maybe(texts), maybe(texts),
    maybe(texts), maybe(st.just("sha256:a")), maybe(times), st.sampled_from([{}, {"team": "a"}]),
    st.sampled_from([{}, {"team": "b"}]), signed,
)  # fmt: skip


@st.composite
def repeated(draw: DrawFn, collection: st.SearchStrategy[Collection[Any]]) -> Collection[Any]:
    """A collection of findings of which some are one finding reported more than once."""
    drawn = draw(collection)
    if not draw(st.booleans()):
        return drawn
    groups: list[int] = []
    for index in range(len(drawn.items)):
        groups.append(draw(st.sampled_from([index, *sorted(set(groups))])))
    return Collection(drawn.items, drawn.gaps, tuple(groups))


@st.composite
def views(draw: DrawFn) -> View:
    """What a policy looks at."""
    found = {
        "findings": draw(repeated(collections(findings, 4))), "packages": draw(collections(packages)),
        "scans": draw(collections(scans, 2)), "vexes": draw(collections(vexes)),
        "coverages": draw(collections(coverages, 2)),
    }  # fmt: skip
    if draw(st.integers(1, 8)) == 1:
        del found[draw(st.sampled_from(sorted(found)))]
    return View(draw(images), found, AT)
