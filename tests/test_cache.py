"""The private cache: it saves time, believes only what this user stored, and never fails anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from policyengine import cache


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path / "policyengine"


def entry(home: Path) -> Path:
    (found,) = (path for path in home.iterdir() if path.name != "key")
    return found


def test_what_was_stored_is_there(home: Path) -> None:
    assert cache.load("kind", b"key") is None
    cache.store("kind", b"key", b"data")
    assert cache.load("kind", b"key") == b"data"
    assert cache.load("kind", b"other") is None
    assert cache.load("other", b"key") is None


def test_a_later_entry_replaces_an_earlier_one(home: Path) -> None:
    cache.store("kind", b"key", b"one")
    cache.store("kind", b"key", b"two")
    assert cache.load("kind", b"key") == b"two"


def test_only_the_user_may_read_and_write_it(home: Path) -> None:
    old = os.umask(0)
    try:
        cache.store("kind", b"key", b"data")
    finally:
        os.umask(old)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_that_others_may_write_is_not_used(home: Path, mode: int) -> None:
    cache.store("kind", b"key", b"data")
    home.chmod(mode)
    assert cache.load("kind", b"key") is None
    cache.store("kind", b"new", b"data")
    home.chmod(0o700)
    assert cache.load("kind", b"new") is None


def test_a_folder_of_another_user_is_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.store("kind", b"key", b"data")
    monkeypatch.setattr(os, "geteuid", lambda: home.stat().st_uid + 1)
    assert cache.load("kind", b"key") is None


@pytest.mark.parametrize("damage", ["flip", "cut", "more", "empty", "link", "swap"])
def test_bytes_that_were_not_stored_under_the_key_are_not_there(home: Path, damage: str) -> None:
    cache.store("kind", b"key", b"data")
    path = entry(home)
    content = path.read_bytes()
    if damage == "flip":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "more":
        path.write_bytes(content + b"x")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "link":
        path.rename(home.parent / "elsewhere")
        path.symlink_to(home.parent / "elsewhere")
    else:
        cache.store("kind", b"other", b"evil")
        other = next(p for p in home.iterdir() if p.name not in ("key", path.name))
        other.replace(path)
    assert cache.load("kind", b"key") is None
    cache.store("kind", b"key", b"data")
    assert cache.load("kind", b"key") == b"data"


def test_an_entry_made_under_another_secret_is_not_there(home: Path) -> None:
    cache.store("kind", b"key", b"data")
    (home / "key").write_bytes(b"x" * cache.SECRET_BYTES)
    assert cache.load("kind", b"key") is None


@pytest.mark.parametrize("secret", [b"", b"short", b"x" * 100])
def test_a_damaged_secret_is_no_error(home: Path, secret: bytes) -> None:
    cache.store("kind", b"key", b"data")
    (home / "key").write_bytes(secret)
    cache.store("kind", b"key", b"data")
    assert cache.load("kind", b"key") is None


def test_a_place_that_cannot_be_had_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere"), Path("relative")):
        monkeypatch.setenv("XDG_CACHE_HOME", str(place))
        cache.store("kind", b"key", b"data")
        assert cache.load("kind", b"key") is None


def test_a_full_disk_is_no_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    cache.store("kind", b"key", b"data")
    monkeypatch.setattr(os, "open", full)
    cache.store("kind", b"new", b"data")
    assert cache.load("kind", b"new") is None


def test_nothing_is_left_of_a_write_that_failed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, target: Path) -> Path:
        raise OSError(5, "Input/output error")

    cache.store("kind", b"key", b"data")
    before = sorted(home.iterdir())
    monkeypatch.setattr(Path, "replace", fail)
    cache.store("kind", b"new", b"data")
    assert sorted(home.iterdir()) == before


def test_old_entries_go_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "ENTRIES", 3)
    for number in range(5):
        cache.store("kind", b"%d" % number, b"data")
        os.utime(max(home.iterdir(), key=lambda path: path.stat().st_mtime_ns), (1000 + number, 1000 + number))
    cache.store("kind", b"last", b"data")
    assert cache.load("kind", b"last") == b"data"
    assert cache.load("kind", b"0") is None
    assert len(list(home.iterdir())) == 3 + 1
