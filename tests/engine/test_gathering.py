"""What an evaluation asks for: few requests, in few rounds, and nothing of what does not matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policyengine import PolicySet, limits
from policyengine.errors import Unreachable
from tests import example
from tests.engine import layouts
from tests.engine.deciding import decided
from tests.engine.layouts import bare, image, opened
from tests.engine.stores import Watched, watched
from tests.example import build

UNTYPED = "application/vnd.oci.empty.v1+json"


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return layouts.copied(tmp_path / "layout")


def cost(store: Watched, target: str = "clean", **more: Any) -> tuple[int, int]:
    """Requests and rounds of an evaluation that ends well."""
    assert decided(store, target, **more).allowed
    return len(store.asked), store.rounds


def attach(folder: Path, artifact_type: str, content: bytes, number: int = 1, **more: Any) -> set[str]:
    """Attach artifacts to the clean image; the digests of all that they consist of."""
    target, made = image("clean"), set()
    with opened(folder) as written:
        for n in range(number):
            layer = written.blob("application/octet-stream", content + b" %d" % n)
            empty = written.blob(UNTYPED, b"{}")
            value = {"artifactType": artifact_type, "config": empty, "layers": [layer], "subject": target, **more}
            made |= {layer["digest"], written.manifest(value)["digest"]}
    return made


def names(store: Watched) -> set[str]:
    return {name for _, name in store.asked}


def test_an_image_by_digest_takes_four_rounds() -> None:
    store = watched()

    assert cost(store) == (14, 4)
    assert len(set(store.asked)) == 14  # nothing is asked for twice


def test_an_image_by_tag_takes_one_round_more(layout: Path) -> None:
    index = layout / "index.json"
    index.write_bytes(index.read_bytes().replace(b'"clean"', b'"1.4"'))

    assert cost(watched(layout), "1.4") == (14, 5)


def test_what_no_rule_asks_about_is_not_fetched() -> None:
    store = watched()
    decided(store)
    roles = {layouts.roles()[name] for name in names(store)}

    assert not {role for role in roles if role.startswith("vulnerable")}
    assert not {"empty", "clean/config", "clean/layer"} & roles


def test_the_configuration_is_fetched_where_a_rule_reads_it() -> None:
    store = watched()
    policies = PolicySet.parse('policy p rule r deny "not root" require image.user is not "root"')
    decided(store, policies=policies)

    assert {layouts.roles()[name] for name in names(store)} >= {"clean/config"}


def test_documents_that_no_rule_asks_about_cost_nothing() -> None:
    store = watched()
    policies = PolicySet.parse('policy p rule r deny "it is signed" require image is signed')

    assert cost(store, policies=policies) == (4, 3)  # image and list, the signature's manifest, its envelope
    assert {layouts.roles()[name] for name in names(store)} == {"clean", "clean/signature", "clean/signature/envelope"}


def test_junk_costs_neither_rounds_nor_requests(layout: Path) -> None:
    junk = attach(layout, "application/vnd.example.junk", b"junk", number=120)
    store = watched(layout)

    assert cost(store) == (14, 4)
    assert not junk & names(store)


def test_junk_of_an_unknown_type_is_looked_at_and_never_fetched(layout: Path) -> None:
    """Its type may hide a document, so its manifest and its signatures are asked for: nobody signed it."""
    junk = attach(layout, UNTYPED, b"junk", number=20)
    store = watched(layout)
    _, rounds = cost(store)

    assert rounds <= 5  # one more where registries have a second place for lists
    assert not {name for what, name in store.asked if what == "blob"} & junk


def test_an_unsigned_document_is_not_fetched(layout: Path) -> None:
    unsigned = attach(layout, "application/sarif+json", b'{"version": "2.1.0"}')
    store = watched(layout)
    cost(store)

    assert not {name for what, name in store.asked if what == "blob"} & unsigned


def test_a_large_document_waits_for_a_signature_that_is_trusted(layout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EARLY_BYTES", 100)

    assert cost(watched(layout)) == (14, 5)
    stranger = build.signer("ci", "somebody's own root")
    with opened(layout) as written:
        layer = written.blob("application/json", b"x" * 200)
        config = written.blob(UNTYPED, b"{}")
        value = {"artifactType": "application/sarif+json", "config": config, "layers": [layer]}
        build.sign(written, bare(written.manifest({**value, "subject": image("clean")})), stranger)
    store = watched(layout)
    cost(store)

    assert ("blob", layer["digest"]) not in store.asked


def test_a_failing_request_is_made_once() -> None:
    store = watched(failing={("referrers", example.digest("clean")): Unreachable("no answer in time")})
    decided(store)

    assert store.asked.count(("referrers", example.digest("clean"))) == 1
