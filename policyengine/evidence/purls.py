"""Package URLs: read strictly, written in one canonical form (ECMA-427, the package URL specification).

Two texts that mean the same package have the same canonical text: the type's own rules fold case and signs, segments
are percent-encoded in one way, and qualifiers are sorted. Names of PyPI are folded as PEP 503 says (`zope.interface`
and `Zope_Interface` are `zope-interface`), so that no spelling escapes a rule. The `head` of a package URL is its
canonical text without version, qualifiers and subpath: what names the package.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from msgspec import Struct

from policyengine import limits
from policyengine.evidence.problems import Problem, quoted

TYPE = re.compile(r"[a-z][a-z0-9.+-]*")
QUALIFIER = re.compile(r"[a-z][a-z0-9._-]*")
BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
FORBIDDEN = re.compile(r"[\x00-\x20\x7f\ud800-\udfff]")
ESCAPES = re.compile(rb"%([0-9A-Fa-f]{2})")
RESERVED = re.compile(r"[^A-Za-z0-9._~:/-]+")
"""What canonical package URLs escape."""

CASELESS = frozenset(
    ("alpm", "apk", "bitbucket", "bitnami", "composer", "deb", "github", "gitlab", "golang", "hex", "luarocks", "npm",
     "nuget", "oci", "otp", "pub", "pypi", "qpkg")
)  # fmt: skip
"""Types whose namespaces and names are in lower case, or tell nothing apart by it (NuGet)."""

CASELESS_VERSION = frozenset(("huggingface", "oci"))

_SEGMENT = r"(?:%40)?[A-Za-z0-9._~-]++"
PLAIN_HEAD = re.compile(rf"(pkg:([a-z]++)/{_SEGMENT}(?:/{_SEGMENT})*+)(?=[@?]|\Z)")
"""A head that needs no decoding, as most are, and its type."""


@cache
def _plain_tail() -> re.Pattern[str]:
    """A version, and qualifiers, that are canonical as they stand, but for the order of the qualifiers."""
    value = r"(?:[A-Za-z0-9._~:/-]|%(?:2[0-9A-C]|3[B-F]|40|5[B-E]|60|7[B-D]))++"
    pair = rf"[a-z][a-z0-9._-]*+={value}"
    return re.compile(rf"(@{value}(?<!/))?(?:\?({pair}(?:&{pair})*+))?")


class Purl(Struct, frozen=True):
    """A package URL in parts, decoded and folded. `str` gives the canonical text.

    `version` is `None` where it is absent, `namespace` and `subpath` are empty then. `epoch` of RPM and Debian packages
    stays among the qualifiers here: `ranges` puts it before the version.
    """

    type: str
    namespace: str
    name: str
    version: str | None = None
    qualifiers: tuple[tuple[str, str], ...] = ()
    subpath: str = ""

    @property
    def head(self) -> str:
        """The canonical text without version, qualifiers and subpath."""
        namespace = f"{escaped(self.namespace)}/" if self.namespace else ""
        return f"pkg:{self.type}/{namespace}{escaped(self.name)}"

    @property
    def coordinates(self) -> str:
        """The canonical text without qualifiers and subpath."""
        return self.head if self.version is None else f"{self.head}@{escaped(self.version)}"

    def __str__(self) -> str:
        qualifiers = "&".join(f"{name}={escaped(value)}" for name, value in self.qualifiers)
        tail = f"#{escaped(self.subpath)}" if self.subpath else ""
        return f"{self.coordinates}?{qualifiers}{tail}" if qualifiers else f"{self.coordinates}{tail}"


def escaped(text: str) -> str:
    """`text` as canonical package URLs write it: in UTF-8, each byte of other signs as `%` and two digits."""
    return RESERVED.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass")), text
    )


def unescaped(text: str) -> str:
    """`text` with its escapes resolved; raises `UnicodeDecodeError` where they are not UTF-8."""
    if "%" not in text:
        return text
    return ESCAPES.sub(lambda match: bytes((int(match[1], 16),)), text.encode()).decode()


@lru_cache(4_096)
def parse(text: str | None) -> Purl | None:
    """The package URL that `text` states, or `None` where it states none."""
    if text is None or len(text) > limits.PURL_CHARACTERS or FORBIDDEN.search(text) or BROKEN_ESCAPE.search(text):
        return None
    try:
        return _parse(text)
    except (UnicodeError, _Malformed):
        return None


class _Malformed(ValueError):
    """The text is no package URL; the message says why."""


def _parse(text: str) -> Purl:
    rest, subpath = _cut(text, "#")
    rest, qualifiers = _cut(rest, "?")
    scheme, colon, rest = rest.partition(":")
    if not colon or scheme != "pkg":
        raise _Malformed("it does not begin with `pkg:`")
    type_, slash, path = rest.lstrip("/").partition("/")
    type_ = type_.lower()
    if not slash or not TYPE.fullmatch(type_):
        raise _Malformed("it has no type")
    path, version = _version(path.strip("/"))
    segments = [unescaped(segment) for segment in path.split("/") if segment]
    if not segments:
        raise _Malformed("it has no name")
    *namespace, name = [folded(type_, segment) for segment in segments]
    found = unescaped(version) or None
    return Purl(
        type_,
        "/".join(namespace),
        name,
        found.lower() if found and type_ in CASELESS_VERSION else found,
        _qualifiers(qualifiers),
        "/".join(unescaped(part) for part in subpath.split("/") if part not in ("", ".", "..")),
    )


def _cut(text: str, sign: str) -> tuple[str, str]:
    """What stands before the last `sign`, and after it."""
    before, found, after = text.rpartition(sign)
    return (before, after) if found else (text, "")


def _version(path: str) -> tuple[str, str]:
    """Path and version: after the last `@`, unless it begins a scope that nobody encoded (`@acme/x`)."""
    before, found, version = path.rpartition("@")
    while found and (not before or before.endswith("/")):
        if "/" not in version:
            raise _Malformed("it has no name before its version")
        before, found, rest = before.rpartition("@")
        version = f"{rest}@{version}"
    return (before, version) if found else (path, "")


def folded(type_: str, segment: str) -> str:
    """A segment of namespace or name in the spelling that its type prescribes."""
    if type_ in CASELESS:
        segment = segment.lower()
    if type_ == "pypi":
        return re.sub(r"[-_.]+", "-", segment)
    return re.sub(r"[^a-z0-9]", "_", segment) if type_ == "pub" else segment


def _qualifiers(text: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        name, equals, value = pair.partition("=")
        name = name.lower()
        if not equals or not QUALIFIER.fullmatch(name):
            raise _Malformed(f"its qualifier {quoted(pair)} is not of the form `name=value`")
        if value and found.setdefault(name, unescaped(value)) != unescaped(value):
            raise _Malformed(f"its qualifier {quoted(name)} is there twice")
    return tuple(sorted(found.items()))


def head(text: str) -> str | None:
    """The canonical text of the package that `text` names, without its version; `None` where it is no package URL.

    The head that `parse` finds, at a tenth of the cost for the texts that most tools write. What follows the name is
    not looked at: a text may have a head and still be malformed behind it.
    """
    match = PLAIN_HEAD.match(text)
    if match is not None and text.find("@", match.end() + 1) < 0 and "#" not in text and text.count("?") < 2:
        found, type_ = match.groups()
        if type_ not in CASELESS or _is_folded(type_, found):
            return found
    purl = parse(text)
    return None if purl is None else purl.head


def _is_folded(type_: str, head: str) -> bool:
    """Whether the spelling of `head` is already the one that its type prescribes."""
    if type_ == "pypi" and ("_" in head or "." in head or "--" in head):
        return False
    return type_ != "pub" and head.islower()


def forms(text: str) -> tuple[str, str] | None:
    """The canonical text of a package URL without and with qualifiers and subpath; `None` where it is none."""
    name = head(text)
    if name is not None and text.startswith(name) and not name.startswith(("pkg:huggingface/", "pkg:oci/")):
        rest = text[len(name) :].replace("+", "%2B")  # the one sign that many tools leave as it is
        tail = _plain_tail().fullmatch(rest)
        if tail is not None and (qualifiers := _sorted(tail[2] or "")) is not None:
            coordinates = f"{name}{tail[1] or ''}"
            return coordinates, f"{coordinates}?{qualifiers}" if qualifiers else coordinates
    found = parse(text)
    return None if found is None else (found.coordinates, str(found))


def _sorted(qualifiers: str) -> str | None:
    """Well-formed qualifiers in the order of their names; `None` where a name is there twice."""
    if "&" not in qualifiers:
        return qualifiers
    pairs = {pair.partition("=")[0]: pair for pair in qualifiers.split("&")}
    return "&".join(pairs[name] for name in sorted(pairs)) if len(pairs) == qualifiers.count("&") + 1 else None


def canonical(text: str | None) -> str | None:
    """The canonical text of `text`, or `None`: two package URLs are the same where it is."""
    found = parse(text)
    return None if found is None else str(found)


def equal(one: str | None, other: str | None) -> bool | None:
    """Whether two texts are one package URL; `None` where either is none."""
    left, right = canonical(one), canonical(other)
    return None if left is None or right is None else left == right


def problem(text: str) -> Problem | None:
    """What is wrong with `text` as a package URL in a policy, or `None`."""
    if FORBIDDEN.search(text):
        return Problem(
            f"{quoted(text)} is not a package URL: it has white space or the like in it", _retyped(text.strip())
        )
    if len(text) > limits.PURL_CHARACTERS or BROKEN_ESCAPE.search(text):
        return Problem(f"{quoted(text)} is not a package URL: `%` is not followed by two hexadecimal digits")
    try:
        _parse(text)
    except UnicodeError:
        return Problem(f"{quoted(text)} is not a package URL: its escapes are not UTF-8")
    except _Malformed as error:
        return Problem(f"{quoted(text)} is not a package URL: {error}", _retyped(f"pkg:{text}"))
    return None


def _retyped(text: str) -> str | None:
    """`text`, if it is a package URL of a type that people use."""
    found = parse(text)
    return text if found is not None and found.type in CASELESS | {"cargo", "gem", "maven", "nuget", "rpm"} else None
