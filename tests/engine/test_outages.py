"""A registry that does not answer: what is not known allows nothing, and what is known still denies.

`error` says that trying again may help; where something definite is wrong, it would not.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyengine import Decision, PolicyEngineError, PolicySet
from policyengine.errors import ContentError, DigestMismatch, NotFound, RateLimited, Unauthorized, Unreachable
from tests import example
from tests.engine import layouts
from tests.engine.deciding import decided, rules, states
from tests.engine.layouts import image, opened
from tests.engine.stores import Asked, Watched, watched
from tests.example import build

OUTAGES = {
    "unreachable": Unreachable("registry.example.com does not answer"),
    "rate limited": RateLimited("registry.example.com asks to come back later"),
    "unauthorized": Unauthorized("registry.example.com wants a login"),
}
RETRY = {"unreachable": True, "rate limited": True, "unauthorized": False}


def requests(tag: str) -> list[Asked]:
    """All requests of the evaluation of the image `tag`."""
    store = watched()
    decided(store, tag)
    return store.asked


CLEAN, VULNERABLE = requests("clean"), requests("vulnerable")
ROLES = layouts.roles()
SEEING = {request for request in VULNERABLE if ROLES[request[1]].startswith("vulnerable/scan")} | {
    ("manifest", example.digest("vulnerable")), ("referrers", example.digest("vulnerable")),
}  # fmt: skip
"""What has to answer for the critical findings of the vulnerable image to be seen."""


def failing(*requests: Asked, error: PolicyEngineError = OUTAGES["unreachable"]) -> Watched:
    return watched(failing=dict.fromkeys(requests, error))


def name(request: Asked) -> str:
    return f"{request[0]} {ROLES[request[1]]}"


def reasons(decision: Decision) -> list[bool | None]:
    """Of each reason, whether trying again may help."""
    return [reason.retry for reason in decision.reasons]


# One request


@pytest.mark.parametrize("kind", OUTAGES)
@pytest.mark.parametrize("request_", CLEAN, ids=map(name, CLEAN))
def test_an_outage_of_a_good_case_is_an_error(request_: Asked, kind: str) -> None:
    decision = decided(failing(request_, error=OUTAGES[kind]))

    assert (decision.decision, decision.exit_code) == ("error", 3)
    assert set(reasons(decision)) == {RETRY[kind]}
    assert all(OUTAGES[kind].message in reason.message for reason in decision.reasons)
    assert not rules(decision, "violated")


@pytest.mark.parametrize("kind", OUTAGES)
@pytest.mark.parametrize("request_", VULNERABLE, ids=map(name, VULNERABLE))
def test_an_outage_excuses_nothing_that_is_seen(request_: Asked, kind: str) -> None:
    decision = decided(failing(request_, error=OUTAGES[kind]), "vulnerable")

    assert decision.decision == ("error" if request_ in SEEING else "deny")
    assert ("no-critical" in rules(decision, "violated")) == (request_ not in SEEING)


@pytest.mark.parametrize("request_", CLEAN[1:], ids=map(name, CLEAN[1:]))
def test_what_is_listed_and_not_there_is_a_fault_of_the_artifact(request_: Asked) -> None:
    decision = decided(failing(request_, error=NotFound("it is not there")))

    assert (decision.decision, decision.exit_code) == ("deny", 1)
    assert not rules(decision, "violated") - {"image-signed"}


def test_an_image_that_is_not_there_is_an_error() -> None:
    decision = decided(failing(CLEAN[0], error=NotFound("it is not there")))

    assert (decision.decision, decision.exit_code) == ("error", 3)
    assert [(reason.code, reason.retry) for reason in decision.reasons] == [("not-found", False)]


@pytest.mark.parametrize("request_", CLEAN, ids=map(name, CLEAN))
def test_wrong_bytes_deny_and_trying_again_would_not_help(request_: Asked) -> None:
    decision = decided(failing(request_, error=DigestMismatch("the bytes do not have their digest")))

    assert (decision.decision, decision.exit_code) == ("deny", 1)
    assert not any(reasons(decision))


# Several


def test_no_pair_of_outages_allows_anything() -> None:
    for pair in combinations(CLEAN, 2):
        assert decided(failing(*pair)).decision == "error", pair
    for pair in combinations(VULNERABLE, 2):
        assert decided(failing(*pair), "vulnerable").decision == ("error" if SEEING & {*pair} else "deny"), pair


@given(
    faults=st.dictionaries(
        st.sampled_from(CLEAN + VULNERABLE),
        st.sampled_from([*OUTAGES.values(), NotFound("gone"), DigestMismatch("wrong bytes")]),
    )
)
def test_no_mixture_of_faults_allows_anything(faults: dict[Asked, PolicyEngineError]) -> None:
    assert not decided(watched(failing=faults), "vulnerable").allowed

    decision = decided(watched(failing=faults))
    broken = [error for request, error in faults.items() if request in CLEAN]
    assert decision.allowed == (not broken)
    if broken and all(isinstance(error, ContentError) for error in broken):
        assert decision.decision == "deny"


def test_a_registry_that_is_down_is_an_error_and_no_policy_speaks() -> None:
    decision = decided(failing(*CLEAN))

    assert (decision.decision, decision.rules) == ("error", ())
    assert [(reason.code, reason.retry) for reason in decision.reasons] == [("unreachable", True)]


# What an outage may hide, and what it may not


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def test_one_good_signature_is_enough(layout: Path) -> None:
    """That a second one cannot be had changes nothing: any trusted signature by the release pipeline will do."""
    with opened(layout) as written:
        second = build.sign(written, image("clean"), build.signer("ci", "order-api test root"))

    assert decided(watched(layout, {("manifest", second["digest"]): OUTAGES["unreachable"]})).allowed


def test_a_second_scan_that_cannot_be_had_may_be_dirty(layout: Path) -> None:
    with opened(layout) as written:
        layer = written.blob("application/json", example.documents("vulnerable")["trivy.sarif.json"])
        config = written.blob("application/vnd.oci.empty.v1+json", b"{}")
        value = {"artifactType": "application/sarif+json", "config": config, "layers": [layer]}
        scan = written.manifest({**value, "subject": image("clean")})
        signature = build.sign(written, scan, build.signer("ci", "order-api test root"))

    hidden: list[Asked] = [
        ("manifest", scan["digest"]), ("blob", layer["digest"]), ("referrers", scan["digest"]),
        ("manifest", signature["digest"]),
    ]  # fmt: skip
    for request in hidden:
        decision = decided(watched(layout, {request: OUTAGES["unreachable"]}))
        assert decision.decision == "error", request
        assert states(decision)["no-critical"] == "undetermined"


def test_an_unsigned_junk_document_that_cannot_be_had_stops_nobody(layout: Path) -> None:
    with opened(layout) as written:
        layer = written.blob("application/json", b"{}")
        config = written.blob("application/vnd.oci.empty.v1+json", b"{}")
        value = {"artifactType": "application/sarif+json", "config": config, "layers": [layer]}
        junk = written.manifest({**value, "subject": image("clean")})

    for request in (("manifest", junk["digest"]), ("blob", layer["digest"])):
        assert decided(watched(layout, {request: OUTAGES["unreachable"]})).allowed

    unlisted = decided(watched(layout, {("referrers", junk["digest"]): OUTAGES["unreachable"]}))
    assert unlisted.decision == "error"  # somebody trusted may have signed it


def test_what_would_be_accepted_unsigned_is_missed(layout: Path) -> None:
    """An artifact that tells no type may be a scan, which counts here whoever wrote it."""
    policies = PolicySet.parse(
        """policy p
        accept unsigned scan
        rule clean deny "no critical finding" forbid finding where finding.severity >= CRITICAL
        """
    )
    assert decided(watched(layout), policies=policies).allowed
    with opened(layout) as written:
        layer = written.blob("application/json", example.documents("vulnerable")["trivy.sarif.json"])
        value = {"config": written.blob("application/vnd.oci.empty.v1+json", b"{}"), "layers": [layer]}
        written.manifest({**value, "subject": image("clean")})

    assert decided(watched(layout), policies=policies).decision == "deny"
    decision = decided(watched(layout, {("blob", layer["digest"]): OUTAGES["unreachable"]}), policies=policies)
    assert (decision.decision, reasons(decision)) == ("error", [True])
