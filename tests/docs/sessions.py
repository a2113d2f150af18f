"""Blocks of commands: `console` blocks are run and print what stands there, `sh` blocks only hold right commands.

`UPDATE_GOLDEN=1 pytest tests/docs` writes what is printed into the pages; the difference is then there to be read.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from policyengine.cli.commands import policyengine
from policyengine.cli.main import run
from tests.docs.pages import ROOT, Block

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))  # read before the tests' surroundings are cleared
CARRIED = ("examples", "policies")
"""What a reader has beside the files of the page: folders of the checkout."""

TARGETS = frozenset(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
FOREIGN = frozenset({"cat", "cd", "cp", "export", "git", "notation", "oras", "pip", "sh"})
"""Commands of others, which nobody here can hold to anything."""


class Session:
    """The shell of one page: a folder, and the exit code of the last command."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.code = folder, 0
        for name in CARRIED:
            (folder / name).symlink_to(ROOT / name)

    def play(self, block: Block) -> str:
        """The text of a block as it should be: each command with what it prints; files are written."""
        if block.kind == "policy":
            (self.folder / block.info.split()[-1]).write_text(block.text, encoding="utf-8")
            return block.text
        return "".join(f"$ {command}\n{self._printed(command)}" for command in commands(block.text))

    def _printed(self, command: str) -> str:
        """What one command prints, with the paths of this machine left out."""
        words = shlex.split(command.replace("\\\n", " "))
        match words:
            case ["echo", "$?"]:
                return f"{self.code}\n"
            case ["policyengine", *arguments]:
                with self._inside() as stream:
                    self.code = run(arguments)
                return _normal(stream.getvalue().decode(), self.folder)
        raise AssertionError(f"`{command}` is not run by tests/docs")

    @contextlib.contextmanager
    def _inside(self) -> Iterator[io.BytesIO]:
        """Within: the folder is the current one, and everything that is printed goes to the stream."""
        stream = io.BytesIO()
        out = io.TextIOWrapper(stream, encoding="utf-8", write_through=True)
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            yield stream
            out.flush()
        out.detach()


def commands(text: str) -> list[str]:
    """The commands of a `console` block; one goes on behind a backslash at the end of its line."""
    return [found.removeprefix("$ ") for found in re.findall(r"^\$ (?:.*\\\n)*.*$", text, re.MULTILINE)]


def _normal(text: str, folder: Path) -> str:
    return text.replace(f"{folder}/", "").replace(f"{ROOT}/", "")


def update(block: Block, text: str) -> None:
    """Put `text` where the block stands in its page."""
    path = ROOT / block.page
    content = path.read_text(encoding="utf-8")
    assert content.count(block.text) == 1, f"{block.name} is not the only one of its text"
    path.write_text(content.replace(block.text, text), encoding="utf-8")


# ---------------------------------------------------------------------------- commands that are not run


def wrong_commands(text: str) -> list[str]:
    """What is wrong with the commands of an `sh` block."""
    lines = text.replace("\\\n", " ").splitlines()
    found = (_wrong(shlex.split(line, comments=True)) for line in lines)
    return [problem for problem in found if problem]


def _wrong(words: Sequence[str]) -> str | None:
    while words and re.fullmatch(r"\w+=\S*", words[0]):
        words = words[1:]
    match words:
        case [] | [("policyengine" | ".venv/bin/policyengine")]:
            return None
        case [("policyengine" | ".venv/bin/policyengine"), *arguments]:
            return _misused(_own(arguments))
        case ["make", target, *_]:
            return None if target in TARGETS else f"make knows no `{target}`"
        case [command, *_]:
            return None if command in FOREIGN else f"`{command}` is no command that is known here"
    raise AssertionError(words)


def _own(arguments: Sequence[str]) -> list[str]:
    """The arguments up to a redirection or description."""
    ends = [index for index, word in enumerate(arguments) if word in (">", "|", "||", "&&")]
    return list(arguments[: ends[0]] if ends else arguments)


def _misused(arguments: list[str]) -> str | None:
    """What the command line says of arguments; nothing is run."""
    try:
        with policyengine.make_context("policyengine", list(arguments)) as context:
            name, command, rest = policyengine.resolve_command(context, list(arguments))
            assert command is not None
            command.make_context(name, rest)
    except click.exceptions.Exit:
        return None
    except Exception as error:  # noqa: BLE001 # whatever a user would be told
        return f"`policyengine {' '.join(arguments)}`: {error}"
    return None
