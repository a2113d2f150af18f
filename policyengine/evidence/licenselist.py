"""The SPDX licence list: which ids there are, what replaced the deprecated ones, which versions a licence has.

Ids are compared without regard to case (SPDX 3.0.1, annex B). Inside this package a licence is its *base*, the id in
lower case without the `-only` and `-or-later` of the GNU licences, since that suffix says which versions may be
chosen and not which licence it is. `data/README.md` says where the list comes from.
"""

from __future__ import annotations

import re
from functools import cache

from policyengine.evidence.problems import closest

DATA = f"{__file__.removesuffix('licenselist.py')}data"
VERSIONED = re.compile(r"(?P<name>.+?)-v?(?P<version>\d+(?:\.\d+)+)(?P<letter>[a-z]?)(?P<rest>(?:-.+)?)")
"""An id that names a version with a dot; `BSD-3-Clause` counts clauses, and `MIT-0` is no version of `MIT`."""


@cache
def licenses() -> dict[str, str]:
    """For each id in lower case the id or expression that it stands for now."""
    return _read("licenses.txt")


@cache
def exceptions() -> dict[str, str]:
    """For each exception's id in lower case the id that it stands for now."""
    return _read("exceptions.txt")


def _read(name: str) -> dict[str, str]:
    with open(f"{DATA}/{name}", encoding="ascii") as file:  # noqa: PTH123 - pathlib alone would cost 5 ms at start
        text = file.read()
    pairs = (line.partition("\t") for line in text.splitlines())
    return {identifier.lower(): replacement or identifier for identifier, _, replacement in pairs}


def base(identifier: str) -> tuple[str, bool]:
    """The base of a current id, and whether it grants the later versions too."""
    folded = identifier.lower()
    if folded.endswith("-or-later"):
        return folded.removesuffix("-or-later"), True
    return folded.removesuffix("-only"), False


def spelling(licence: str, later: bool) -> str:
    """The id of a base as the list spells it; a private reference with its prefix as SPDX spells it."""
    known = licenses()
    licence = licence.replace("documentref-", "DocumentRef-").replace("licenseref-", "LicenseRef-")
    if later:
        return known.get(f"{licence}-or-later") or f"{known.get(licence, licence)}+"
    return known.get(f"{licence}-only") or known.get(licence, licence)


def nearest(text: str) -> str | None:
    """The id that somebody may have meant by `text`: a misspelt one, or one written as people speak (`GPLv2`)."""
    return closest(text, _spoken_names().values()) or _spoken_names().get(_spoken(text))


@cache
def _spoken_names() -> dict[str, str]:
    return {_spoken(base(current)[0]): current for current in reversed(licenses().values()) if " " not in current}


def _spoken(text: str) -> str:
    """An id without signs and final zero: the same for `Apache-2.0`, `Apache 2` and `apachev2`."""
    return re.sub(r"[^a-z0-9]|(?<=[a-z ])v(?=\d)", "", text.lower()).removesuffix("0")


def versions_from(licence: str) -> tuple[str, ...]:
    """The bases of this version of a licence and of every later one on the list, oldest first."""
    family = _families().get(_family_name(licence), ())
    return family[family.index(licence) :] if licence in family else (licence,)


@cache
def _families() -> dict[str, tuple[str, ...]]:
    """All versions of each licence that has several, oldest first, by the name of the family."""
    versions: dict[str, set[str]] = {}
    for current in licenses().values():
        licence = base(current.partition(" ")[0])[0]
        versions.setdefault(_family_name(licence), set()).add(licence)
    return {name: tuple(sorted(found, key=_version)) for name, found in versions.items() if len(found) > 1}


def _family_name(licence: str) -> str:
    match = VERSIONED.fullmatch(licence)
    return f"{match['name']}-*{match['rest']}" if match else licence


def _version(licence: str) -> tuple[list[int], str]:
    match = VERSIONED.fullmatch(licence)
    assert match is not None
    return [int(number) for number in match["version"].split(".")], match["letter"]
