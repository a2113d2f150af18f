"""Records: the same decision from the file alone, and never a milder one from less of it."""

from __future__ import annotations

import base64
import gc
import io
import json
import secrets
import socket
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policyengine.cli import main
from policyengine.errors import UsageError
from policyengine.oci import digest_of
from policyengine.recording import replay
from policyengine.recording.archive import Recorded
from policyengine.recording.recorder import Grounds, Recorder
from policyengine.verification import certificates
from policyengine.verification.revocation import Revocation
from tests import example
from tests.engine import deciding
from tests.simulator.loading import loaded
from tests.simulator.registry import Fault, Simulator
from tests.verification import revoking, signing

TRUST = (
    "--trust-policy",
    example.FOLDER / "notation/trustpolicy.json",
    "--trust-store",
    deciding.NOTATION / "truststore",
)
BASE = ("eval", "--repository", example.REPOSITORY, "--at", example.AT, *TRUST, example.POLICIES, "--oci-layout")
Command = Callable[..., tuple[int, str]]

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
"""The command leaves its connections to the end of its process, which this is not."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in this process: its exit code and standard output."""

    def command(*arguments: object) -> tuple[int, str]:
        code = main.run([str(argument) for argument in arguments])
        return code, capsys.readouterr().out

    return command


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """From when it is called: no connection, and a trust configuration of the machine that nobody can read."""

    def cut_off() -> None:
        (tmp_path / "notation").mkdir()
        (tmp_path / "notation/trustpolicy.json").write_text("this is no trust policy")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection"))

    return cut_off


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def write(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def recorded(run: Command, path: Path, *image: object, base: tuple[object, ...] = BASE) -> tuple[int, str]:
    code, out = run(*base, *image, "-o", "json", "--record", path)
    assert path.is_file(), "nothing was recorded"
    return code, out


# The same decision


@pytest.mark.parametrize("tag", ["clean", "vulnerable"])
def test_a_decision_is_reached_again_from_its_record(
    tag: str, run: Command, alone: Callable[[], None], tmp_path: Path
) -> None:
    before = recorded(run, tmp_path / "record.tar", f"{example.LAYOUT}:{tag}")
    alone()

    assert before[0] == {"clean": 0, "vulnerable": 1}[tag]
    assert run("eval", "--replay", tmp_path / "record.tar", "-o", "json") == before


def test_every_fixture(shared: Path, run: Command, tmp_path: Path) -> None:
    fixtures = shared / "fixtures"
    cases = json.loads((fixtures / "cases.json").read_bytes())
    trust = (
        "--trust-policy",
        fixtures / "notation/trustpolicy.json",
        "--trust-store",
        fixtures / "notation/truststore",
    )
    base = ("eval", "--repository", example.REPOSITORY, *trust, fixtures / "policies", "--oci-layout", "--offline")
    assert cases
    for case in cases:
        path = tmp_path / f"{case['case']}.tar"
        platform = ("--platform", case["platform"]) if case["platform"] else ()
        layout = f"{fixtures / 'layouts' / case['case']}@{case['digest']}"
        before = recorded(run, path, layout, "--at", case["at"], *platform, base=base)
        assert run("eval", "--replay", path, "-o", "json") == before, case["case"]
        assert json.loads(before[1])["decision"] == case["decision"]


def test_several_images_and_options(run: Command, alone: Callable[[], None], tmp_path: Path) -> None:
    images = (f"{example.LAYOUT}:clean", f"{example.LAYOUT}:vulnerable")
    before = recorded(run, tmp_path / "record.tar", *images, "--fail-on", "warn", "--platform", "linux/amd64")
    alone()

    assert run("eval", "--replay", tmp_path / "record.tar", "-o", "json") == before
    assert len(json.loads(before[1])["decisions"]) == 2


def test_parameters_and_environments(run: Command, tmp_path: Path) -> None:
    policy = tmp_path / "p.policy"
    policy.write_text(
        "policy p\n\nparam most: int = 1000\nenvironment staging { downgrade all to warn }\n\n"
        'rule few deny "few packages"\n  forbid package where most is 0\n'
    )
    image = (f"{example.LAYOUT}:clean", "--param", "most=0")
    base = (*BASE[:5], *TRUST, policy, "--oci-layout")
    for more, code in (((), 1), (("--environment", "staging"), 0)):
        before = recorded(run, tmp_path / "record.tar", *image, *more, base=base)
        assert before[0] == code
        assert run("eval", "--replay", tmp_path / "record.tar", "-o", "json") == before


def test_the_bound_on_signatures(run: Command, tmp_path: Path) -> None:
    image, path = f"{example.LAYOUT}:clean", tmp_path / "record.tar"
    before = recorded(run, path, image, "--max-signatures", "1")

    assert before[0] == 0
    assert json.loads(members(path)["record.json"])["signatures"] == 1
    assert run("eval", "--replay", path, "-o", "json") == before
    for wrong in ("0", "-1", "1001", "many"):
        assert run(*BASE, image, "--max-signatures", wrong)[0] == 2


def test_equal_runs_write_equal_records(run: Command, tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        recorded(run, tmp_path / name, f"{example.LAYOUT}:clean")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_no_signature_is_trusted_where_no_trust_policy_was(
    run: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nothing"))
    base = ("eval", "--repository", example.REPOSITORY, "--at", example.AT, example.POLICIES, "--oci-layout")
    before = recorded(run, tmp_path / "record.tar", f"{example.LAYOUT}:clean", base=base)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(example.FOLDER))  # which has one that trusts the signer

    assert before[0] == 1
    assert run("eval", "--replay", tmp_path / "record.tar", "-o", "json") == before


# Registries


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(loaded(example.LAYOUT), auth="bearer", identity_token="") as simulator:
        yield simulator
    gc.collect()


def test_a_login_is_in_no_record_and_not_in_the_cache(
    registry: Simulator, run: Command, alone: Callable[[], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    canary = secrets.token_hex(16)
    registry.login = ("user", canary)
    encoded = base64.b64encode(f"user:{canary}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": encoded}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base = ("eval", "--at", example.AT, *TRUST, example.POLICIES)
    before = recorded(run, tmp_path / "record.tar", f"{registry.host}/a/b@{example.digest('clean')}", base=base)
    kept = [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    content = b"".join([(tmp_path / "record.tar").read_bytes(), *kept])
    alone()

    assert registry.scopes, "no login was needed"
    assert len(kept) > 5, "nothing was kept"
    assert not [secret for secret in (canary, encoded, "simulated-token") if secret.encode() in content]
    assert run("eval", "--replay", tmp_path / "record.tar", "-o", "json") == before


@pytest.mark.parametrize("where", ["/manifests/", "/referrers/", "/blobs/"])
@pytest.mark.parametrize("kind", [("status", 500), ("status", 403), ("drop", None), ("body", b"{}")])
def test_what_could_not_be_had_is_recorded_as_such(
    where: str, kind: tuple[str, Any], registry: Simulator, run: Command, alone: Callable[[], None], tmp_path: Path
) -> None:
    registry.auth = ""
    registry.faults.append(Fault(where, *kind))
    base = ("eval", "--at", example.AT, *TRUST, example.POLICIES, "--timeout", "0.5")
    before = recorded(run, tmp_path / "record.tar", f"{registry.host}/a/b@{example.digest('clean')}", base=base)
    alone()

    assert before[0] in (1, 3)
    assert run("eval", "--replay", tmp_path / "record.tar", "-o", "json") == before


def test_answers_about_revocation_are_replayed(tmp_path: Path) -> None:
    leaf = revoking.chain(revoking.responders(revoking.OCSP), revoking.points(revoking.CRL))
    chain = tuple(certificates.read(der) for der in leaf.ders)
    holder, issuer = leaf.holders[0], leaf.holders[1]
    net = revoking.Net({revoking.CRL: revoking.crl(issuer, revoking.entry(holder))})
    recorder = Recorder()
    recorder.watch(deciding_reference(), None, None, "")  # type: ignore[arg-type] # it is asked nothing
    before = Revocation(recorder.overhear(net), cached=False)(chain, signing.NOW)
    terms = Grounds(deciding.policies(), deciding.trust(), signing.NOW, None, (), "deny", 100)
    recorder.save(tmp_path / "record.tar", terms, "{}")
    found = Recorded(tmp_path / "record.tar")

    assert before.revoked
    assert len(net.asked) == 2
    assert Revocation(replay.fetch(found), cached=False)(chain, signing.NOW) == before
    other = tuple(certificates.read(der) for der in revoking.chain(revoking.responders("http://other.example")).ders)
    assert "does not hold an answer" in Revocation(replay.fetch(found), cached=False)(other, signing.NOW).problem


def deciding_reference() -> Any:
    from policyengine.oci import Reference

    return Reference.parse(f"{example.REPOSITORY}:clean")


# Less of a record


def lessened(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The record without one entry of one of its lists, each in turn."""
    places: list[Callable[[Any], list[Any]]] = [
        lambda r: r["images"][0]["answers"],
        lambda r: r["images"],
        lambda r: r["policies"],
        lambda r: r["trust"].get("stores", []),
    ]
    for number, place in enumerate(places):
        for index in range(len(place(record))):
            changed = json.loads(json.dumps(record))
            removed = place(changed).pop(index)
            yield f"{number}: {removed}", changed
    for index, answer in enumerate(record["images"][0]["answers"]):
        for entry in range(len(answer.get("listed", []))):
            changed = json.loads(json.dumps(record))
            changed["images"][0]["answers"][index]["listed"].pop(entry)
            yield f"an entry of {answer}", changed


@pytest.mark.parametrize("tag", ["clean", "vulnerable"])
def test_less_of_a_record_is_never_milder(tag: str, run: Command, tmp_path: Path) -> None:
    code, _ = recorded(run, tmp_path / "record.tar", f"{example.LAYOUT}:{tag}")
    files = members(tmp_path / "record.tar")
    variants = [(name, {other: data for other, data in files.items() if other != name}) for name in files]
    for name, changed in lessened(json.loads(files["record.json"])):
        variants.append((name, files | {"record.json": json.dumps(changed).encode()}))
    for name, variant in variants:
        found, _ = run("eval", "--replay", write(tmp_path / "less.tar", variant), "-o", "json")
        assert found in ({1, 2, 3} if code == 1 else {0, 1, 2, 3}), name
        if name.startswith("blobs/"):
            assert found, f"{name} is not missed"


def test_less_of_a_fixture_s_record_is_never_an_allow(shared: Path, run: Command, tmp_path: Path) -> None:
    fixtures = shared / "fixtures"
    trust = (
        "--trust-policy",
        fixtures / "notation/trustpolicy.json",
        "--trust-store",
        fixtures / "notation/truststore",
    )
    base = ("eval", "--repository", example.REPOSITORY, *trust, fixtures / "policies", "--oci-layout", "--offline")
    denied = [each for each in json.loads((fixtures / "cases.json").read_bytes()) if each["decision"] != "allow"]
    assert denied
    for case in denied:
        image = f"{fixtures / 'layouts' / case['case']}@{case['digest']}"
        recorded(run, tmp_path / "record.tar", image, "--at", case["at"], base=base)
        files = members(tmp_path / "record.tar")
        for name in sorted(files)[::3]:
            less = {other: data for other, data in files.items() if other != name}
            assert run("eval", "--replay", write(tmp_path / "less.tar", less))[0] in (1, 2, 3), (case["case"], name)


def test_other_bytes_under_a_digest_are_not_believed(run: Command, tmp_path: Path) -> None:
    recorded(run, tmp_path / "record.tar", f"{example.LAYOUT}:clean")
    files = members(tmp_path / "record.tar")
    for name in files.keys() - {"record.json"}:
        code, _ = run("eval", "--replay", write(tmp_path / "changed.tar", files | {name: files[name] + b" "}))
        assert code in (2, 3), name


# What is no record


def test_what_is_no_record_is_refused(run: Command, tmp_path: Path) -> None:
    recorded(run, tmp_path / "record.tar", f"{example.LAYOUT}:clean")
    files = members(tmp_path / "record.tar")
    index = json.loads(files["record.json"])
    later = write(tmp_path / "later.tar", files | {"record.json": json.dumps(index | {"version": 2}).encode()})
    with pytest.raises(UsageError, match='has the version "2", and this engine reads 1'):
        Recorded(later)
    for broken in (b"", b"[]", b"{}", b'{"format":"policyengine record","version":1}', b"{" * 100_000, b"\xff"):
        with pytest.raises(UsageError, match="no record that can be replayed"):
            Recorded(write(tmp_path / "broken.tar", {"record.json": broken}))
    oddities: list[dict[str, Any]] = [{"more": 1}, {"at": "yesterday"}, {"images": []}, {"policies": []}]
    for unknown in oddities:
        path = write(tmp_path / "odd.tar", files | {"record.json": json.dumps(index | unknown).encode()})
        assert run("eval", "--replay", path)[0] == 2, unknown
    (tmp_path / "text").write_text("hello")
    for path in (tmp_path / "text", tmp_path / "absent", tmp_path, Path("/dev/null")):
        assert run("eval", "--replay", path)[0] == 2


def test_every_cut_of_a_record_is_refused_or_undecided(run: Command, tmp_path: Path) -> None:
    recorded(run, tmp_path / "record.tar", f"{example.LAYOUT}:clean")
    data = (tmp_path / "record.tar").read_bytes().rstrip(b"\0")
    for end in range(0, len(data) - 512, len(data) // 40):
        (tmp_path / "cut.tar").write_bytes(data[:end])
        assert run("eval", "--replay", tmp_path / "cut.tar")[0] in (1, 2, 3), end


def test_members_that_lead_outside_are_not_followed(run: Command, tmp_path: Path) -> None:
    recorded(run, tmp_path / "record.tar", f"{example.LAYOUT}:clean")
    for name in ("../record.json", "/record.json", "blobs\\sha256"):
        path = write(tmp_path / "odd.tar", {name: b"x", **members(tmp_path / "record.tar")})
        assert run("eval", "--replay", path)[0] == 2


@pytest.mark.parametrize(
    "more",
    [
        *(["image:1"], ["--at", example.AT], ["--oci-layout"], ["--record", "x"], ["--param", "a=b"]),
        *(["--username", "somebody", "--password-stdin"], ["--cert-file", "x"], ["--registries-conf", "x"]),
    ],
)
def test_a_replay_takes_everything_from_the_record(more: list[str], run: Command, tmp_path: Path) -> None:
    recorded(run, tmp_path / "record.tar", f"{example.LAYOUT}:clean")
    assert run("eval", "--replay", tmp_path / "record.tar", *more)[0] == 2


def test_a_record_that_cannot_be_written_is_said(run: Command, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent/record.tar", "x" * 300, "/dev/null"):
        assert run(*BASE, f"{example.LAYOUT}:clean", "--record", path)[0] == 2
    assert not list(tmp_path.iterdir())


def test_contents_are_named_by_their_digests(run: Command, tmp_path: Path) -> None:
    recorded(run, tmp_path / "record.tar", f"{example.LAYOUT}:clean")
    files = members(tmp_path / "record.tar")
    del files["record.json"]
    assert all(name == f"blobs/{digest_of(data).replace(':', '/')}" for name, data in files.items())
    assert set(example.documents("clean").values()) <= set(files.values())
