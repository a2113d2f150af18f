"""Completion by a real shell, and manual pages that a real man takes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from policyengine.cli.commands import COMMANDS
from tests.command import START, policyengine

NAMES = [name for commands in COMMANDS.values() for name in commands]


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """Surroundings in which `policyengine` is on the path."""
    command = tmp_path / "bin/policyengine"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{START}" "$@"\n')
    command.chmod(0o755)
    return os.environ | {"PATH": f"{command.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}


def completed(shell: dict[str, str], folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of `words`, by the script that it was given."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    listed = " ".join(f"'{word}'" for word in words)
    script = (
        'eval "$(policyengine completion bash)"\n'
        f"COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}\n"
        "spec=$(complete -p policyengine); function=${spec##*-F }; function=${function%% *}\n"
        '$function policyengine "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    ran = subprocess.run(
        [bash, "--norc", "-c", script], capture_output=True, text=True, check=False, env=shell, cwd=folder
    )
    assert ran.stderr == ""
    return sorted(ran.stdout.split())


def test_bash_completes_commands_options_and_choices(shell: dict[str, str], tmp_path: Path) -> None:
    assert completed(shell, tmp_path, "policyengine", "co") == [name for name in sorted(NAMES) if name.startswith("co")]
    assert completed(shell, tmp_path, "policyengine", "eval", "--trust-") == ["--trust-policy", "--trust-store"]
    assert completed(shell, tmp_path, "policyengine", "eval", "--fail-on", "") == ["deny", "warn"]
    assert completed(shell, tmp_path, "policyengine", "completion", "") == ["bash", "fish", "zsh"]


def test_a_broken_configuration_breaks_no_completion(shell: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "policyengine.toml").write_text("broken =")
    assert completed(shell, tmp_path, "policyengine", "che") == ["check"]


@pytest.mark.parametrize("arguments", ["policyengine check ", "policyengine eval --trust-policy "])
def test_files_are_left_to_the_shell(arguments: str) -> None:
    count = str(len(arguments.split()))
    ran = policyengine(_POLICYENGINE_COMPLETE="bash_complete", COMP_WORDS=arguments, COMP_CWORD=count)
    assert (ran.code, ran.out) == (0, "file,\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script_that_asks_this_command(shell: str) -> None:
    ran = policyengine("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert f"_POLICYENGINE_COMPLETE={shell}_complete" in ran.out


def test_shells_that_are_none() -> None:
    for arguments in ((), ("tcsh",)):
        ran = policyengine("completion", *arguments)
        assert (ran.code, ran.out) == (2, "")


# ---------------------------------------------------------------------------- manual pages


def shown(page: str) -> str:
    """The page as groff sets it, without a warning."""
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff here")
    ran = subprocess.run(
        [groff, "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=100n"],
        input=page, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.mark.parametrize("name", ["", *NAMES])
def test_a_page_says_what_the_help_says(name: str) -> None:
    ran = policyengine("man", *([name] if name else []))
    assert (ran.code, ran.err) == (0, "")
    text = shown(ran.out)
    helped = policyengine(*([name] if name else []), "--help").out
    assert "EXAMPLES" in text
    assert "EXIT STATUS" in text
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", helped)) - {"--help", "--version"}:
        assert option in text
    for known in NAMES if not name else ():
        assert f"policyengine-{known}(1)" in text


def test_all_pages_are_written_into_a_folder(tmp_path: Path) -> None:
    assert policyengine("man", "--write", tmp_path).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"policyengine.1", *(f"policyengine-{n}.1" for n in NAMES)}
    assert (tmp_path / "policyengine-eval.1").read_text() == policyengine("man", "eval").out


def test_pages_that_are_none(tmp_path: Path) -> None:
    assert "did you mean `eval`?" in policyengine("man", "evl").err
    assert policyengine("man", "--write", tmp_path / "none").code == 2
    assert policyengine("man", "eval", "--write", tmp_path).code == 2


def test_nothing_in_a_text_is_a_request_of_roff() -> None:
    from policyengine.cli.manpages import _text

    for text in (".so /etc/passwd", "'br", "a\\n(b", '"quoted"', "…"):
        assert not _text(text).startswith((".", "'"))
        assert re.fullmatch(r"(?:[^\\]|\\(?:e|-|&|\(dq|\[u[0-9A-F]+\]))*", _text(text))
