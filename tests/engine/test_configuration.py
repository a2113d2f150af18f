"""The image's configuration: what a rule reads of it is what a container runtime reads, or nothing is allowed."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from policyengine import Decision, Layout, PolicySet, evaluate
from policyengine.errors import NotFound, RegistryError, Unreachable
from policyengine.limits import CONFIG_BYTES
from tests import example
from tests.engine import layouts
from tests.engine.deciding import decided, trust
from tests.engine.layouts import bare, opened
from tests.engine.stores import watched

NO_DEBUG = 'policy p rule r deny "no debug build" require image.labels["debug"] is missing'
NO_ROOT = 'policy p rule r deny "not root" require image.user not in { "root", "0" }'
SIGNED = 'policy p rule r deny "signed" require image.size > 0'
DEBUG = {"config": {"User": "10001", "Labels": {"debug": "yes"}}}
PLAIN = {"config": {"User": "10001", "Labels": {"team": "orders"}}}


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def configured(folder: Path, content: bytes) -> tuple[str, str]:
    """Write an image with the configuration `content`; the digests of both."""
    with opened(folder) as written:
        config = written.blob("application/vnd.oci.image.config.v1+json", content)
        layer = written.blob("application/vnd.oci.image.layer.v1.tar", b"")
        return str(bare(written.manifest({"config": config, "layers": [layer]}))["digest"]), str(config["digest"])


def verdict(folder: Path, content: Any, policy: str) -> Decision:
    written = content if isinstance(content, bytes) else json.dumps(content).encode()
    return decided(Layout(folder), configured(folder, written)[0], policies=PolicySet.parse(policy))


def test_what_a_configuration_says_is_seen(layout: Path) -> None:
    assert verdict(layout, PLAIN, NO_DEBUG).allowed
    assert verdict(layout, PLAIN, NO_ROOT).allowed
    assert not verdict(layout, DEBUG, NO_DEBUG).allowed
    assert verdict(layout, {"config": None}, NO_DEBUG).allowed


HIDING = {
    "a repeated key": json.dumps(DEBUG).encode()[:-1] + b', "os": "linux", "os": "linux"}',
    "another case": {"CONFIG": DEBUG["config"]},
    "another case within": {"config": {"LABELS": {"debug": "yes"}}},
    "a letter that folds": {"config": {"Label\N{LATIN SMALL LETTER LONG S}": {"debug": "yes"}}},
    "too large": json.dumps(DEBUG).encode() + b" " * CONFIG_BYTES,
    "no JSON": b"{",
    "no object": ["debug"],
    "settings that are a list": {"config": ["debug"]},
    "labels that are a list": {"config": {"Labels": ["debug"]}},
    "a label that is a number": {"config": {"Labels": {"debug": 1}}},
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(DEBUG).encode(),
}


@pytest.mark.parametrize("content", HIDING.values(), ids=HIDING)
def test_a_label_cannot_be_hidden_in_a_configuration_that_is_read_differently(content: Any, layout: Path) -> None:
    decision = verdict(layout, content, NO_DEBUG)

    assert (decision.decision, decision.rules) == ("deny", ())
    assert len(decision.reasons) == 1
    assert verdict(layout, content, SIGNED).allowed  # where no rule reads it, nobody looks


@pytest.mark.parametrize("error", [Unreachable("no answer"), NotFound("not there")])
def test_a_configuration_that_cannot_be_had_is_not_one_without_labels(error: RegistryError, layout: Path) -> None:
    digest, config = configured(layout, json.dumps(DEBUG).encode())
    decision = decided(watched(layout, {("blob", config): error}), digest, policies=PolicySet.parse(NO_DEBUG))

    assert (decision.decision, decision.exit_code) == ("error", 3)
    assert decision.reasons[0].message == error.message


@pytest.mark.parametrize("user", [{"User": "10001", "user": "0"}, {"USER": "0"}])
def test_a_second_spelling_of_the_user_is_refused(user: dict[str, str], layout: Path) -> None:
    assert verdict(layout, {"config": user}, NO_ROOT).decision == "deny"


@pytest.mark.parametrize("user", [{"User": ""}, {"User": " "}, {"User": None}, {}])
def test_no_user_is_root_and_not_another_name(user: dict[str, str | None], layout: Path) -> None:
    decision = verdict(layout, {"config": user}, NO_ROOT)

    assert [rule.status for rule in decision.rules] == ["undetermined"]


def test_a_tag_beside_a_digest_is_what_somebody_typed_and_no_fact(layout: Path) -> None:
    policies = PolicySet.parse('policy p rule r deny "not latest" require image.tag is not "latest"')

    def allowed(named: str) -> bool:
        reference, at = f"{example.REPOSITORY}{named}", datetime.fromisoformat(example.AT)
        return evaluate(reference, policies=policies, registry=Layout(layout), trust=trust(), at=at).allowed

    assert allowed(":clean")
    assert not allowed(f":clean@{example.digest('clean')}")
