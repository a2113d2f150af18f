"""Attaching documents to the example's images, and signing them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import example
from tests.engine.layouts import image, opened
from tests.example import build

SARIF, SPDX = "application/sarif+json", "application/spdx+json"
RELEASE, CI = (build.signer(name, "order-api test root") for name in ("release", "ci"))
STRANGER = build.signer("release", "somebody's own root")


def scan(tag: str) -> bytes:
    """The scan of the example's image `tag`."""
    return example.documents(tag)["trivy.sarif.json"]


def grype(*severities: str) -> bytes:
    """A report of Grype with a fixable finding of each of the `severities`."""
    matches = [
        {
            "vulnerability": {"id": f"CVE-2026-{1000 + n}", "severity": word, "fix": {"versions": ["2"]}},
            "artifact": {"name": "libexample", "version": "1", "purl": "pkg:deb/debian/libexample@1"},
        }
        for n, word in enumerate(severities)
    ]
    return build.compact({"matches": matches, "descriptor": {"name": "grype", "version": "0.90.0"}})  # type: ignore[no-any-return]


def attach(written: Any, target: dict[str, Any], kind: str, content: bytes, created: datetime | None = None) -> Any:
    """Attach a document, with the given time as its annotation; its descriptor."""
    empty = written.blob("application/vnd.oci.empty.v1+json", b"{}")
    value = {"artifactType": kind, "config": empty, "layers": [written.blob(kind, content)], "subject": target}
    stated = {"org.opencontainers.image.created": build.rfc3339(created)} if created else {}
    return written.manifest({**value, "annotations": stated})


def later(hour: int) -> datetime:
    """An instant on the day of the example; its own scans are of half past five."""
    return datetime(2026, 11, 22, hour, tzinfo=UTC)


def signed(folder: Path, tag: str, content: bytes, at: datetime | None = None, by: Any = CI, kind: str = SARIF) -> None:
    """Attach a document to the image `tag`, and sign it."""
    with opened(folder) as written:
        build.sign(written, attach(written, image(tag), kind, content, at), by)
