"""The remaining tables of other projects: sizes, filters and tags of referrers; and that every table is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from policyengine.errors import InvalidReference, NotFound, TooLarge
from policyengine.oci import OCI_ARTIFACT, OCI_INDEX, Descriptor, digest_of
from policyengine.registry.client import Registry
from policyengine.registry.credentials import Logins
from policyengine.registry.layout import Layout
from policyengine.registry.referrers import IRRELEVANT, attached, referrers_tag
from policyengine.registry.session import Session
from policyengine.registry.store import Whole
from policyengine.registry.targets import origin_of
from policyengine.registry.tokens import Authorizer
from policyengine.registry.transport import Deadline, Request, Response
from tests.simulator.content import SARIF, SPDX, Content
from tests.simulator.registry import Fault, Simulator
from tests.tables import rows

FILE = "link_referrers_warning.json"


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(Content()) as simulator:
        yield simulator


def repository(registry: Simulator, path: str = "a/b") -> Whole:
    client = Registry(environment={}, timeout=20)
    registry.clients.append(client)
    return client.repository(f"{registry.host}/{path}")


def symbols(shared: Path) -> dict[str, str]:
    return dict(json.loads((shared / "data/registry" / FILE).read_text())["symbols"])


def test_every_table_is_asked(shared: Path) -> None:
    """By the name of the test that it comes from, or its own where that is only a file."""
    here = Path(__file__).parents[1]
    text = "".join(path.read_text() for folder in ("oci", "registry") for path in (here / folder).glob("test_*.py"))
    for path in (shared / "data/registry").glob("*.json"):
        for table in json.loads(path.read_text()).get("tables", []):
            name = table["table"] if table["test"].startswith("(") else table["test"]
            assert f'"{name}"' in text, f"nobody asks {name} of {path.name}"


def test_sizes(shared: Path, tmp_path: Path) -> None:
    """What states more bytes than are read is refused before it is asked for; here it is not even there."""
    layout = Layout(Content().write(tmp_path))
    for case in rows(shared, FILE, "Test_limitSize"):
        wanted = Descriptor("a/b", f"sha256:{'a' * 64}", case["desc"]["Size"])
        with pytest.raises(TooLarge if case["wantErr"] else NotFound):
            layout.blob(wanted, case["n"]) if case["n"] else layout.manifest(wanted)


class Stated:
    """Answers a request with a hundred bytes, and these headers."""

    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self.headers = headers

    @contextmanager
    def open(self, _request: Request, _deadline: Deadline) -> Iterator[Response]:
        yield Response(200, self.headers, iter([b"x" * 100]))

    def close(self) -> None:
        """Nothing to end."""


def test_lengths_that_a_registry_states(shared: Path) -> None:
    """One that is too many bytes ends the request before they come; in any case those are counted that do."""
    origin, refused = origin_of("https://registry.example.com"), []
    for case in rows(shared, FILE, "TestGetBlobSize"):
        transport = Stated([("Content-Length", value) for value in case["headers"]])
        session = Session(origin, transport, Authorizer("a/b", origin, transport, Logins({})), Deadline(10))
        try:
            assert len(session.get(f"{origin}/v2/", "it", "*/*", 500).body) == 100
        except TooLarge:
            refused.append(case["expected"])
        with pytest.raises(TooLarge):
            session.get(f"{origin}/v2/", "it", "*/*", 99)
    assert refused == [777]


def test_tags_of_referrers(shared: Path, registry: Simulator, tmp_path: Path) -> None:
    known = symbols(shared)
    layout = Layout(Content().write(tmp_path))
    for case in rows(shared, FILE, "Test_buildReferrersTag"):
        digest = case["desc"]["Digest"]
        if case.get("wantErr"):
            refused(repository(registry), digest)
        else:  # they do not cut what no tag can hold; the specification does
            assert referrers_tag(digest) == case["want"][: len("sha512-") + 64]
    for case in rows(shared, FILE, "TestFallback"):
        (digest,) = case["r"]["args"]
        if "err" not in case:
            digest, tag = known[f"dig{case['name'][-3:]}"], known[case["expect"]["args"][0]["$ident"]]
            assert referrers_tag(digest) == tag
        elif case["name"].startswith("reg"):
            refused(repository(registry), digest)
        else:
            assert layout.referrers(digest) == (), "a layout is read as a whole, and nothing has that for a subject"
    assert registry.seen == []


def refused(store: Whole, digest: str) -> None:
    with pytest.raises(InvalidReference):
        store.referrers(digest)


def test_a_filter_that_a_registry_claims(shared: Path, registry: Simulator) -> None:
    """Lists are asked for as a whole and filtered here, so that what a registry says of filters does not matter."""
    image = registry.content.image()
    for number, kind in enumerate((SARIF, SPDX)):
        registry.content.attach(image, b"%d" % number, kind)
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": registry.content.listed[image["digest"]]}
    for case in rows(shared, FILE, "Test_isReferrersFilterApplied"):
        headers = {"Content-Type": OCI_INDEX, "OCI-Filters-Applied": case["applied"]}
        registry.faults[:] = [Fault("/referrers/", "body", (json.dumps(index).encode(), headers))]
        found = attached(repository(registry), image["digest"], lambda kind: kind == SARIF)
        assert [each.descriptor.artifact_type for each in found.referrers] == [SARIF], case
        assert [each.reason for each in found.strays] == [IRRELEVANT]


def test_what_is_left_of_a_list(shared: Path, registry: Simulator) -> None:
    image = registry.content.image()
    listed = [entry(row) for row in rows(shared, FILE, "Test_filterReferrers", "refs")]
    registry.content.listed[image["digest"]] = listed
    found = attached(repository(registry), image["digest"], lambda kind: kind == "application/vnd.test")
    asked = {each.descriptor.digest for each in found.failures}  # nothing of it is there
    assert asked == {entry(row)["digest"] for row in rows(shared, FILE, "Test_filterReferrers", "want")}
    assert len(found.strays) == len(listed) - len(asked)


def entry(row: dict[str, Any]) -> dict[str, Any]:
    digest = digest_of(row["Digest"]["args"][0].encode())
    return {"mediaType": OCI_ARTIFACT, "digest": digest, "size": row["Size"], "artifactType": row["ArtifactType"]}


def test_where_referrers_are_listed(shared: Path, registry: Simulator) -> None:
    """Their addresses, without the filter: one request serves all types. Plain HTTP or not is the registry's."""
    for case in rows(shared, FILE, "Test_buildReferrersURL"):
        path = case["want"].partition("/v2/")[2].partition("?")[0]
        digest = path.rpartition("/")[2]
        registry.seen.clear()
        repository(registry, "hello-world").referrers(digest)
        assert registry.paths()[0] == path
