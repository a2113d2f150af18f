"""Files that the user names, to a bound."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyengine.errors import UsageError
from policyengine.files import bounded


def test_a_file_up_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1234")
    assert bounded(tmp_path / "file", 4, "it") == b"1234"
    with pytest.raises(UsageError, match="it is larger than 3 bytes") as caught:
        bounded(str(tmp_path / "file"), 3, "it", "cut it")
    assert caught.value.help == "cut it"


@pytest.mark.parametrize(
    ("name", "reason"), [("absent", "no such file"), (".", "is a directory"), ("a\0b", "input error")]
)
def test_what_cannot_be_read(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"cannot read the list: {reason}"):
        bounded(f"{tmp_path}/{name}", 10, "the list", "of no use here")


def test_what_has_no_end_is_read_to_the_bound() -> None:
    with pytest.raises(UsageError, match="larger than 10 bytes"):
        bounded("/dev/zero", 10, "it")
