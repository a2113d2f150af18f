"""What tools/site.py does to a page, and that the site holds every page."""

import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.example import load

ROOT = Path(__file__).resolve().parents[2]
SITE = load(ROOT / "tools/site.py", "site_hooks")
MKDOCS = ROOT / ".tools/site/bin/mkdocs"


def rendered(markdown: str, page: str = "commands.md") -> str:
    return str(SITE.on_page_markdown(markdown, SimpleNamespace(file=SimpleNamespace(src_uri=page)), []))


@pytest.mark.parametrize(
    ("page", "written", "shown"),
    [
        ("commands.md", "[x](../README.md)", "[x](about.md)"),
        ("diagnostics/E001.md", "[x](../language.md#limits)", "[x](../language.md#limits)"),
        ("about.md", "[x](docs/README.md)", "[x](README.md)"),
        ("about.md", "[the policy](examples/order-api/policies/order-api.policy)", "the policy"),
        ("howto/tekton.md", "[the task](../../integrations/tekton/policyengine.yaml)", "the task"),
        ("commands.md", "[x](../policyengine/schemas/decision-v1.json)", "[x](decision-v1.json)"),
        ("commands.md", "[x](https://slsa.dev/a)", "[x](https://slsa.dev/a)"),
        ("commands.md", "`[x](../README.md)`", "`[x](../README.md)`"),
        ("commands.md", "```policy set a\n[x](../README.md)\n```", "```policy\n[x](../README.md)\n```"),
    ],
)
def test_a_page_of_the_repository_becomes_one_of_the_site(page: str, written: str, shown: str) -> None:
    assert rendered(written, page) == shown


def test_every_page_has_a_place() -> None:
    config: dict[str, Any] = {"nav": [{"Reference": ["language.md"]}, {"Diagnostics": []}, {"Decisions": []}]}
    SITE.on_config(config)
    placed = set(re.findall(r"[\w./-]+\.md", repr(config)))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not page.startswith("howto/")} <= placed
    told = (ROOT / "mkdocs.yml").read_text()
    assert [page for page in pages if page.startswith("howto/") and page not in told] == []


@pytest.mark.skipif(not MKDOCS.exists(), reason="mkdocs is not installed: `make site` installs it")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [str(MKDOCS), "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    page = (tmp_path / "site/diagnostics/E001.html").read_text()
    assert "```" not in page
    assert not re.search(r'(src|href)="(https?:)?//[^"]*\.(js|css)"', page)
    shutil.rmtree(tmp_path / "site")
