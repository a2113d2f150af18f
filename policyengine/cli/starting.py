"""What `init` writes: the files in `start/`, each unless something is there, and never outside of the folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from policyengine import __version__
from policyengine.cli.terminal import Terminal
from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.language.source import SUFFIX
from policyengine.reports.look import Page

SOURCES = Path(__file__).resolve().parent / "start"
POLICIES = ("policies/gate.policy", "policies/tests.policy")
TRUST = ("trust/trustpolicy.json", "trust/README.md")
STORE = "trust/truststore/x509/.gitkeep"
"""Keeps the folder of the trust store in a repository; Notation looks at the folders beside it only."""


class Pipeline(Struct, frozen=True):
    """The pipeline file of one CI: how it is told, what is written where, and what is left to do."""

    name: str
    signs: tuple[str, ...]
    source: str
    target: str
    rest: str


PIPELINES = (
    Pipeline("Azure Pipelines", ("azure-pipelines.yml", "azure-pipelines.yaml", ".azure-pipelines"),
             "azure-pipelines.yml", ".azure-pipelines/policyengine.yml", "add the template as its first lines show"),
    Pipeline("GitHub Actions", (".github",), "github.yml",
             ".github/workflows/policyengine.yml", "call it as its first lines show"),
    Pipeline("GitLab CI", (".gitlab-ci.yml",), "gitlab-ci.yml",
             ".gitlab/policyengine.yml", "include it as its first lines show"),
    Pipeline("Jenkins", ("Jenkinsfile",), "Jenkinsfile",
             "policyengine.Jenkinsfile", "make a pipeline of it, or move its stage into yours"),
)  # fmt: skip
NO_PIPELINE = Pipeline("", (), "gate.sh", "gate.sh", "call it where your pipeline has pushed the image")
"""For any other place that runs a shell."""


def start(terminal: Terminal, folder: str) -> int:
    """Write everything into `folder`; the exit code. Raises `UsageError` where that cannot be."""
    root = Path(folder)
    if os.path.lexists(root) and not root.is_dir():
        raise UsageError(f"{quoted(folder)} is no folder", "name a folder, or one that is to be made")
    pipelines = [each for each in PIPELINES if any(os.path.lexists(root / sign) for sign in each.signs)]
    written = {target: _write(root, target, text) for target, text in _files(root, pipelines or [NO_PIPELINE])}
    terminal.put(_told(Page(terminal.look()), root, written, pipelines or [NO_PIPELINE]))
    return 0


def _files(root: Path, pipelines: list[Pipeline]) -> Iterator[tuple[str, str]]:
    """What is to be written: the path within the folder, and the text."""
    if not _has_policies(root):
        yield from ((target, _text(target)) for target in POLICIES)
    yield from ((target, _text(target)) for target in TRUST)
    yield STORE, ""
    yield "policyengine.toml", _text("policyengine.toml")
    yield from ((each.target, _text(each.source)) for each in pipelines)


def _has_policies(root: Path) -> bool:
    """Whether there are policies, beside which a second one would decide too."""
    return any((root / "policies").rglob(f"*{SUFFIX}"))


def _text(source: str) -> str:
    return (SOURCES / source).read_text(encoding="utf-8").replace("@VERSION@", __version__)


def _write(root: Path, target: str, text: str) -> bool:
    """Whether the file was written; what is there is kept, and a link leads nowhere."""
    path = root / target
    if os.path.lexists(path):
        return False
    try:
        if not path.parent.resolve().is_relative_to(root.resolve()):
            raise UsageError(f"{quoted(str(path.parent))} leads out of the folder", "remove the link")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {quoted(str(path))}: {(error.strerror or 'output error').lower()}") from None
    return True


def _told(page: Page, root: Path, written: Mapping[str, bool], pipelines: list[Pipeline]) -> str:
    for target, new in written.items():
        mark = "allow" if new else "none"
        page.line(page.mark(mark), f" {root / target}", ("" if new else "  (kept as it is)", "dim"))
    if not any(target in written for target in POLICIES):
        page.line(page.mark("none"), f" {root / 'policies'}", ("  (has policies already)", "dim"))
    page.blank()
    page.line(("next", "bold"))
    for number, step in enumerate(_steps(root, pipelines), 1):
        page.line(f"{number}. {step}", indent=2, hang=3)
    return page.text()


def _steps(root: Path, pipelines: list[Pipeline]) -> Iterator[str]:
    yield f"say in {root / 'trust'} and {root / POLICIES[0]} who signs; until then every image is denied"
    yield f"policyengine test {root / 'policies'}"
    yield f"policyengine eval IMAGE --config {root / 'policyengine.toml'}"
    for each in pipelines:
        yield f"{root / each.target}{f', for {each.name}' if each.name else ''}: {each.rest}"
