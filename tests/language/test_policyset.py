"""Which files a policy set is made of, and what a compiled one depends on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import policyengine
from policyengine import PolicySet
from policyengine.errors import UsageError
from policyengine.language import policyset
from policyengine.language.source import Source

RULE = 'rule r deny "r" require image is signed'


def written(file: Path) -> Path:
    """A policy that is called like its file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"policy {file.stem} {RULE}")
    return file


def test_a_policy_behind_a_link_to_a_folder_is_not_passed_over(tmp_path: Path) -> None:
    written(tmp_path / "policies" / "lax.policy")
    written(tmp_path / "shared" / "strict.policy")
    (tmp_path / "policies" / "shared").symlink_to(tmp_path / "shared")

    assert set(PolicySet.load(tmp_path / "policies").policies) == {"lax", "strict"}


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    written(tmp_path / "policies" / "inner" / "one.policy")
    (tmp_path / "policies" / "inner" / "up").symlink_to(tmp_path / "policies")
    (tmp_path / "policies" / "self").symlink_to(".")

    assert PolicySet.load(tmp_path / "policies").policies == ("one",)


def test_a_folder_that_is_there_under_two_names_is_read_once(tmp_path: Path) -> None:
    """As a Kubernetes ConfigMap is mounted."""
    written(tmp_path / "mounted" / "..2026_11_22" / "one.policy")
    (tmp_path / "mounted" / "..data").symlink_to("..2026_11_22")
    (tmp_path / "mounted" / "one.policy").symlink_to("..data/one.policy")

    assert PolicySet.load(tmp_path / "mounted").policies == ("one",)


def test_a_link_that_leads_nowhere_is_not_passed_over(tmp_path: Path) -> None:
    written(tmp_path / "one.policy")
    (tmp_path / "two.policy").symlink_to(tmp_path / "gone.policy")

    with pytest.raises(UsageError):
        PolicySet.load(tmp_path)


@pytest.mark.parametrize(
    "file", ["language/checker.py", "evidence/purls.py", "evidence/data/licenses.txt", "evidence/versions/debian.py",
             "limits.py"],
)  # fmt: skip
def test_a_compiled_set_of_another_build_is_not_used(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Literals are read and normalised while compiling: another reader may make another rule of the same text."""
    package = Path(policyengine.__file__).parent
    copy = Path(shutil.copytree(package, tmp_path / "policyengine", ignore=shutil.ignore_patterns("__pycache__")))
    monkeypatch.setattr(policyset, "__file__", str(copy / "language" / "policyset.py"))
    texts = [Source("p.policy", f"policy p {RULE}")]
    before = policyset._key(texts)

    assert policyset._key(texts) == before
    os.utime(copy / file, ns=(0, 0))
    assert policyset._key(texts) != before


def test_a_compiled_set_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [Source("p.policy", f"policy p {RULE}")]
    before = policyset._key(texts)
    monkeypatch.setattr(policyengine, "__version__", "0.0.0")

    assert policyset._key(texts) != before
