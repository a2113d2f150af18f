"""What `policyengine cache` shows and removes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from policyengine import cache, limits
from policyengine.cli.durations import duration
from policyengine.cli.instants import moment
from policyengine.cli.output import outputs, put
from policyengine.cli.terminal import Terminal
from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.registry.blobcache import BlobCache, Entry
from policyengine.reports.json import dump
from policyengine.reports.look import Page

CONTENT = "content"
NAMES = {
    CONTENT: "contents of registries",
    "policyset": "compiled policies",
    "crl": "revocation lists",
}
"""What people call each kind of entries."""

SIZE = re.compile(r"([0-9]{1,15})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
UNITS = ("", "K", "M", "G", "T")
FORMATS = ("table", "json")


def info(terminal: Terminal, formats: Sequence[str], narrowed: bool) -> int:
    """Show where the cache is, and how much is in it."""
    if narrowed:
        raise UsageError("--all, --older-than and --max-size say what to remove", "write policyengine cache prune")
    content, others = BlobCache(), _others()
    kinds = [(CONTENT, content.entries()), *((kind, others[kind]) for kind in sorted(others))]
    counted = [{"kind": kind, **_sum(entries)} for kind, entries in kinds]
    document = {"schemaVersion": "1", "folder": _folder(), "kinds": counted, "limit": limits.CACHE_BYTES}
    for output in outputs(formats, FORMATS):
        put(terminal, output, dump(document) if output.format == "json" else _shown(terminal, document))
    return 0


def prune(
    terminal: Terminal, formats: Sequence[str], everything: bool, older_than: str | None, max_size: str | None
) -> int:
    """Remove what the options say: by default what is over the limit, as every run does by itself."""
    before = moment(None).timestamp() - duration(older_than).total_seconds() if older_than else 0.0
    most = size(max_size) if max_size else None
    if everything and (older_than or max_size):
        raise UsageError("--all leaves nothing for --older-than and --max-size", "leave one of them out")
    gone = BlobCache().prune(0 if everything else most, before)
    for entries in _others().values():
        gone += [each for each in entries if (everything or each.used < before) and cache.remove(each.path)]
    document = {"schemaVersion": "1", "folder": _folder(), "removed": _sum(gone)}
    for output in outputs(formats, FORMATS):
        said = f"removed {len(gone)} {'entry' if len(gone) == 1 else 'entries'}, {written(_sum(gone)['bytes'])}\n"
        put(terminal, output, dump(document) if output.format == "json" else said)
    return 0


def _folder() -> str | None:
    folder = cache.folder()
    return str(folder) if folder is not None else None


def _others() -> dict[str, list[Entry]]:
    """The entries of the other kinds, by kind."""
    found: dict[str, list[Entry]] = {}
    for path in cache.entries():
        status = path.lstat()
        found.setdefault(_kind(path), []).append(Entry(path, status.st_size, status.st_mtime))
    return found


def _kind(path: Path) -> str:
    return path.name.lstrip(".").partition("-")[0]


def _sum(entries: Iterable[Entry]) -> dict[str, int]:
    counts: Counter[str] = Counter(entries=0, bytes=0)
    for entry in entries:
        counts.update(entries=1, bytes=entry.size)
    return dict(counts)


def _shown(terminal: Terminal, document: dict[str, Any]) -> str:
    page = Page(terminal.look())
    page.line(("cache", "bold"), f"  {document['folder'] or 'none: no folder of the user can be written'}")
    for kind in document["kinds"]:
        limit = f" of {written(document['limit'])}" if kind["kind"] == CONTENT else ""
        name = NAMES.get(kind["kind"], kind["kind"])
        page.line(f"{name:24}{kind['entries']:7}  {written(kind['bytes'])}{limit}", indent=2)
    return page.text()


def size(text: str) -> int:
    """The bytes that `text` writes: `1000`, `64K`, `100M`, `2G`, in powers of 1024; raises `UsageError`."""
    found = SIZE.fullmatch(text.strip())
    if found is None or not text.isascii():
        raise UsageError(f"{quoted(text)} is no size", "write 100M, or a number of bytes")
    return int(found[1]) << 10 * UNITS.index(found[2].upper())


def written(count: int) -> str:
    """A number of bytes as people read it."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024  # type: ignore[assignment] # a fraction from here on
    return f"{count:.1f} GiB"
