"""The hooks of .pre-commit-hooks.yaml, each run as pre-commit would."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import Finished, policyengine

HOOKS = {
    hook["id"]: hook
    for hook in yaml.safe_load((Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml").read_text())
}
GOOD = 'policy p\n\nimport shared\n\nrule r deny "signed"\n  require image is signed by shared.us\n'
LIBRARY = 'library shared\n\nlet us = x509("CN=release, O=acme")\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/p.policy").write_text(GOOD)
    (tmp_path / "policies/shared.policy").write_text(LIBRARY)
    return tmp_path


def run(identifier: str, checkout: Path, *changed: str) -> Finished:
    """The entry with its arguments, and the names of the changed files where the hook takes them."""
    hook: dict[str, Any] = HOOKS[identifier]
    command, *entry = shlex.split(hook["entry"])
    assert command == "policyengine"
    files = changed if hook.get("pass_filenames", True) else ()
    return policyengine(*entry, *hook.get("args", []), *files, cwd=checkout)


def test_policies_that_compile_are_committed(checkout: Path) -> None:
    for identifier in HOOKS:
        assert run(identifier, checkout, "policies/p.policy").code == 0


def test_a_library_that_breaks_a_policy_is_stopped(checkout: Path) -> None:
    (checkout / "policies/shared.policy").write_text(LIBRARY.replace("us", "them"))
    assert run("policyengine-check", checkout, "policies/shared.policy").code == 2


def test_a_policy_out_of_form_is_changed(checkout: Path) -> None:
    """Pre-commit refuses a commit whose files a hook changes."""
    path = checkout / "policies/p.policy"
    path.write_text(GOOD.replace("  require", "      require"))
    run("policyengine-fmt", checkout, "policies/p.policy")
    assert path.read_text() == GOOD


def test_the_hooks_are_what_pre_commit_reads() -> None:
    for hook in HOOKS.values():
        assert {"id", "name", "entry", "language", "files"} <= hook.keys()
        assert hook["language"] == "python"
