"""What is kept of registries: it saves requests, and never changes what is decided."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policyengine.engine import Request, Terms, decide_about
from policyengine.errors import NotFound, PolicyEngineError
from policyengine.oci import OCI_MANIFEST, Descriptor, Reference, digest_of
from policyengine.registry.blobcache import BlobCache
from policyengine.registry.client import Registry
from policyengine.registry.kept import Kept
from policyengine.registry.session import Retry
from tests import example
from tests.engine import deciding
from tests.simulator.content import SARIF, Content, descriptor
from tests.simulator.loading import loaded
from tests.simulator.registry import Fault, Simulator

QUICK = Retry(attempts=2, first=0.001, longest=0.002)


@pytest.fixture
def registry() -> Iterator[Simulator]:
    with Simulator(Content()) as simulator:
        yield simulator


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "cache"
    home.mkdir(mode=0o700)
    return home


def run(registry: Simulator, home: Path, name: str = "a/b", **options: Any) -> Kept:
    """The repository as a new run reaches it, with what earlier ones left in `home`."""
    client = Registry(**{"environment": {}, "retry": QUICK, "timeout": 20.0, **options})
    registry.clients.append(client)
    registry.seen.clear()
    name = f"{registry.host}/{name}"
    return Kept(client.repository(name), name, BlobCache(home))


def read(store: Kept, target: str) -> Descriptor:
    """What an evaluation reads of an image with one document."""
    found = store.resolve(target)
    store.manifest(found)
    for referrer in store.referrers(found.digest):
        manifest = store.manifest(referrer)
        store.blob(descriptor(json.loads(manifest)["layers"][0]), 1000)
    return found


def kept(home: Path) -> list[Path]:
    return sorted((home / "content").iterdir())


@pytest.fixture
def image(registry: Simulator) -> dict[str, Any]:
    image = registry.content.image(tag="1")
    registry.content.attach(image, b"scan", SARIF)
    return image


# What a warm run asks for


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_a_warm_run_asks_for_the_tag_and_the_lists_alone(
    by: str, registry: Simulator, image: dict[str, Any], home: Path
) -> None:
    target = "1" if by == "tag" else image["digest"]
    cold = read(run(registry, home, referrers="api"), target)
    assert len(registry.seen) == 4
    warm = read(run(registry, home, referrers="api"), target)
    assert warm == cold
    lists = [f"a/b/referrers/{image['digest']}"]
    assert registry.paths() == (["a/b/manifests/1", *lists] if by == "tag" else lists)


def test_a_tag_that_moved_is_noticed(registry: Simulator, image: dict[str, Any], home: Path) -> None:
    read(run(registry, home), "1")
    moved = registry.content.image("another", tag="1")
    assert run(registry, home).resolve("1").digest == moved["digest"]


def test_a_referrer_that_was_added_is_noticed(registry: Simulator, image: dict[str, Any], home: Path) -> None:
    read(run(registry, home), image["digest"])
    registry.content.attach(image, b"another", SARIF)
    assert len(run(registry, home).referrers(image["digest"])) == 2


def test_a_whole_evaluation_warm(home: Path) -> None:
    with Simulator(loaded(example.LAYOUT)) as registry:
        decisions = []
        for _ in range(2):
            store = run(registry, home)
            reference = Reference.parse(f"{example.REPOSITORY}@{example.digest('clean')}")
            terms = Terms(deciding.policies(), deciding.trust(), deciding_instant())
            decisions.append(decide_about(Request(reference, store), terms))
        assert decisions[0] == decisions[1]
        assert decisions[0].decision == "allow"
        assert len(registry.seen) == 3
        assert all("/referrers/" in path for path in registry.paths())


def deciding_instant() -> Any:
    from datetime import datetime

    return datetime.fromisoformat(example.AT)


def test_one_repository_answers_for_no_other(registry: Simulator, image: dict[str, Any], home: Path) -> None:
    read(run(registry, home), image["digest"])
    registry.faults.append(Fault("c/d/manifests/", "status", 404))
    store = run(registry, home, "c/d")
    with pytest.raises(NotFound):
        store.resolve(image["digest"])


# Who may read


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_who_may_no_longer_read_the_repository_is_told_nothing(
    status: int, registry: Simulator, image: dict[str, Any], home: Path
) -> None:
    read(run(registry, home), image["digest"])
    registry.faults.append(Fault("/v2/", "status", status))
    store = run(registry, home)
    known = Descriptor(OCI_MANIFEST, image["digest"], image["size"])
    with pytest.raises(PolicyEngineError):
        store.resolve(image["digest"])
    with pytest.raises(PolicyEngineError):
        store.manifest(known)


def test_an_empty_list_shows_no_right_to_read(registry: Simulator, home: Path) -> None:
    """Some registries list no referrers of what is in no repository."""
    image = registry.content.image()
    run(registry, home).resolve(image["digest"])
    store = run(registry, home)
    store.manifest(store.resolve(image["digest"]))
    registry.faults.append(Fault("/manifests/", "status", 403))
    with pytest.raises(PolicyEngineError):
        run(registry, home).resolve(image["digest"])


def made(call: Callable[[], Any]) -> Any:
    return call()


def test_a_list_that_fails_is_asked_for_once(registry: Simulator, image: dict[str, Any], home: Path) -> None:
    read(run(registry, home), image["digest"])
    registry.faults.append(Fault("/referrers/", "status", 403))
    store = run(registry, home)
    calls: list[Callable[[], Any]] = [lambda: store.resolve(image["digest"]), lambda: store.referrers(image["digest"])]
    results = store.each(made, calls)
    assert isinstance(results[0], Descriptor)
    assert isinstance(results[1], PolicyEngineError)
    assert sum("/referrers/" in path for path in registry.paths()) == 1


# Entries that are not what they should be


@pytest.mark.parametrize("harm", ["changed", "cut", "longer", "empty", "folder", "link", "pipe", "unreadable"])
def test_a_harmed_entry_is_fetched_again(
    harm: str, registry: Simulator, image: dict[str, Any], home: Path, tmp_path: Path
) -> None:
    expected = read(run(registry, home), image["digest"])
    for path in kept(home):
        data = path.read_bytes()
        path.unlink()
        match harm:
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "link":
                (tmp_path / path.name).write_bytes(data)
                path.symlink_to(tmp_path / path.name)
            case _:
                changed = {"changed": b"x" + data[1:], "cut": data[:-1], "longer": data + b" ", "empty": b""}
                path.write_bytes(changed.get(harm, data))
                path.chmod(0o000 if harm == "unreadable" else 0o600)
    store = run(registry, home)
    assert read(store, image["digest"]) == expected
    if harm != "unreadable" or os.geteuid():
        assert len(registry.seen) > 1


def test_another_manifest_in_the_place_of_one_is_not_believed(registry: Simulator, home: Path) -> None:
    good, bad = registry.content.image("good"), registry.content.image("bad")
    for image in (good, bad):
        registry.content.attach(image, image["digest"].encode())
        read(run(registry, home), image["digest"])
    cache, name = BlobCache(home), f"{registry.host}/a/b"
    data = cache.load(name, bad["digest"])
    assert data is not None
    cache.store(name, good["digest"], data)
    store = run(registry, home)
    assert digest_of(store.manifest(store.resolve(good["digest"]))) == good["digest"]


@pytest.mark.parametrize("size", [0, 3, 5])
def test_the_size_is_part_of_what_is_asked_for(size: int, home: Path) -> None:
    cache = BlobCache(home)
    cache.store("r", digest_of(b"four"), b"four")
    assert cache.load("r", digest_of(b"four"), 4) == b"four"
    assert cache.load("r", digest_of(b"four"), size) is None


# The disk


def test_only_the_user_may_read_what_is_kept(registry: Simulator, image: dict[str, Any], home: Path) -> None:
    before = os.umask(0)
    try:
        read(run(registry, home), image["digest"])
    finally:
        os.umask(before)
    assert stat.S_IMODE((home / "content").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept(home)} == {0o600}


@pytest.mark.parametrize("trouble", ["absent", "file", "full"])
def test_without_a_disk_everything_is_fetched(
    trouble: str, registry: Simulator, image: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "cache"
    if trouble == "file":
        home.write_text("")
    elif trouble == "full":
        home.mkdir()
        monkeypatch.setattr("policyengine.cache.write", no_space)
    for _ in range(2):
        assert read(run(registry, home), image["digest"]).digest == image["digest"]
        assert len(registry.seen) >= 4


def no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_the_least_recently_used_go_first(home: Path) -> None:
    cache = BlobCache(home, most=10 * 4096)
    texts = [str(number).encode() for number in range(8)]
    for age, data in enumerate(texts):
        cache.store("r", digest_of(data), data)
        os.utime(max(kept(home), key=lambda path: path.stat().st_mtime_ns), (1000 + age, 1000 + age))
    assert cache.load("r", digest_of(texts[0])) == texts[0]  # used now
    for number in range(100, 104):
        cache.store("r", digest_of(b"%d" % number), b"%d" % number)
    left = [data for data in texts if cache.load("r", digest_of(data)) is not None]
    assert texts[0] in left
    assert texts[1] not in left
    assert len(cache.entries()) <= 10


def test_what_is_larger_than_an_entry_may_be_is_not_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policyengine.limits.CACHED_BYTES", 3)
    cache = BlobCache(home)
    cache.store("r", digest_of(b"four"), b"four")
    assert not cache.entries()


def test_drafts_that_a_process_left_are_removed(home: Path) -> None:
    cache = BlobCache(home)
    cache.store("r", digest_of(b"x"), b"x")
    draft = home / "content" / ".left"
    draft.write_bytes(b"half")
    assert not cache.prune()
    os.utime(draft, (1000, 1000))
    assert [entry.path for entry in cache.prune()] == [draft]


def test_threads_and_processes_share_the_folder(home: Path) -> None:
    contents = [bytes([number]) * 5000 for number in range(40)]
    wrong: list[bytes] = []

    def work() -> None:
        cache = BlobCache(home, most=20 * 8192)
        for data in contents * 3:
            cache.store("r", digest_of(data), data)
            found = cache.load("r", digest_of(data))
            if found not in (None, data):
                wrong.append(data)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not [path for path in kept(home) if path.name.startswith(".")]
