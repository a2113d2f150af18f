"""Packages as documents name them: by package URL, or by name and version; and the licences of one."""

from __future__ import annotations

import re

from policyengine import limits
from policyengine.evidence.fields import Unreadable
from policyengine.evidence.model import Package


def ecosystem(purl: str | None) -> str | None:
    """The type of a package URL, in lower case: `deb`, `npm`, `pypi`…; `None` where `purl` is none."""
    if purl is None:
        return None
    end = purl.find("/")
    if end > 4 and purl.startswith("pkg:"):
        return purl[4:end].lower()
    if purl[:4].lower() != "pkg:":
        return None
    return purl[4:].lstrip("/").partition("/")[0].lower() or None


def mended(purl: str | None, version: str | None) -> str | None:
    """`purl`, where Microsoft's sbom-tool wrote the `@` before the version encoded, with the sign it stands for.

    Read as it is written, the version would be part of the name, and no rule about the package would know it.
    """
    if purl is None or version is None or "%40" not in purl:
        return purl
    from urllib.parse import unquote

    cut = min(place for place in (purl.find("?"), purl.find("#"), len(purl)) if place >= 0)
    stem, _, stated = purl[:cut].rpartition("%40")
    if "@" in purl[:cut].rpartition("/")[2] or not stem or stem.endswith("/") or unquote(stated) != version:
        return purl
    return f"{stem}@{stated}{purl[cut:]}"


def named_by(purl: str, document: str) -> Package:
    """The package that `purl` names, for documents that say no more; of a broken one the whole text is the name."""
    from urllib.parse import unquote

    kind = ecosystem(purl)
    path = purl.partition("?")[0].partition("#")[0]
    stem, _, version = path.rpartition("@") if "@" in path.rpartition("/")[2] else (path, "", "")
    name = unquote(stem.rpartition("/")[2])
    if kind is None or not name:
        return Package(purl, document=document)
    return Package(name, unquote(version) or None, kind, purl=purl, document=document)


def versioned(text: str, document: str) -> Package | None:
    """The package of `name@version`, as scanners write it; a scope's `@` at the beginning belongs to the name."""
    stem, at, version = text.strip().rpartition("@")
    if not at or not stem:
        return Package(text.strip(), document=document) if text.strip() else None
    return Package(stem, version or None, document=document)


def all_hold(entries: list[str]) -> str | None:
    """The licences of a package that has several, as one expression; `None` without any.

    Neither CycloneDX nor Syft says how several entries combine, so all of them hold.
    """
    if len(entries) < 2:
        return entries[0] if entries else None
    if len(entries) > limits.LICENSES_PER_PACKAGE:
        raise Unreadable(f"it has {len(entries)} licences")
    return " AND ".join(dict.fromkeys(map(_operand, entries)))


def _operand(entry: str) -> str:
    """`entry` as a part of an expression. Free text becomes one word that no list knows, so that the rest counts."""
    from policyengine.evidence.licenseexpressions import parse

    if parse(entry) is not None:
        return f"({entry})" if any(sign.isspace() for sign in entry) else entry
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", entry).strip("-+") or "NOASSERTION"
