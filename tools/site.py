"""What `mkdocs build` does beside building: hooks that mkdocs.yml names.

The pages are written to be read in the repository. In the site the README and its neighbours stand beside them, a
link to a file of the sources becomes its name, and the words behind a fence's language, which are for the tests, go.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BESIDE = {
    "README.md": "about.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "CHANGELOG.md": "CHANGELOG.md",
}
"""Pages that stand outside docs/, and what they are called in the site."""
SCHEMA = "policyengine/schemas/decision-v1.json"
FENCE = re.compile(r"^( *`{3,})(\w+)[^`\n]*$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s:]+)(#[^)\s]*)?\)")
CODE = re.compile(r"(^ *`{3,}.*?^ *`{3,}$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)


def on_config(config: Any) -> Any:
    """Fill the sections of diagnostics and decisions, and give every page a place."""
    nav = {title: entries for section in config["nav"] for title, entries in section.items()}
    nav["Diagnostics"] += named("diagnostics")
    nav["Decisions"] += named("adr")
    placed = re.findall(r"[\w/-]+\.md", repr(config["nav"]))
    nav["Reference"] += [path.name for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in placed]
    return config


def named(folder: str) -> list[str]:
    """The pages of a folder, its overview first."""
    paths = sorted((ROOT / "docs" / folder).glob("*.md"), key=lambda path: (path.name != "README.md", path.name))
    return [f"{folder}/{path.name}" for path in paths]


def on_files(files: Any, config: Any) -> Any:
    """Add what stands beside docs/, and the published schema."""
    from mkdocs.structure.files import File

    for source, target in BESIDE.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, PurePosixPath(SCHEMA).name, content=(ROOT / SCHEMA).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, files: Any, **_: Any) -> str:
    """The page with its links and fences as the site has them."""
    place = next(
        (source for source, target in BESIDE.items() if target == page.file.src_uri), f"docs/{page.file.src_uri}"
    )
    parts = CODE.split(markdown)
    parts[::2] = [LINK.sub(lambda found: linked(found, place, page.file.src_uri, files), part) for part in parts[::2]]
    return FENCE.sub(r"\1\2", "".join(parts))


def linked(found: re.Match[str], place: str, page: str, files: Any) -> str:
    """A link of the file `place` as `page` has it; its text alone where the site has no such page."""
    text, target, anchor = found[1], found[2], found[3] or ""
    path = normpath(str(PurePosixPath(place).parent / target))
    path = "docs/README.md" if path == "docs" else path
    inside = {**BESIDE, SCHEMA: PurePosixPath(SCHEMA).name}.get(path, path.removeprefix("docs/"))
    if path in ("docs/adr", "docs/howto"):
        inside = next(each.src_uri for each in files if each.src_uri.startswith(f"{path[5:]}/"))
    if path not in BESIDE and path != SCHEMA and not path.startswith("docs/"):
        return text
    return f"[{text}]({relpath(inside, str(PurePosixPath(page).parent))}{anchor})"
