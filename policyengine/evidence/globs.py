r"""Globs: anchored patterns without backtracking (language reference, section 5).

`*` is any number of characters within a segment, `?` one character of it, `**` any number of characters whatever;
segments are what stands between slashes. `**` as a whole segment stands for any number of segments, also none
(`a/**/b` matches `a/b`), but at the end for at least one (`a/**` does not match `a`). All other characters, `[` and `{`
among them, are themselves; `( ) | ^ $ \` are refused, since whoever writes them means a regular expression.

Most globs are texts with one wildcard, which a prefix and a suffix decide. The others run as an automaton whose states
are the bits of one integer, so that a text of n characters takes n steps, whatever the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from policyengine import limits
from policyengine.evidence import purls
from policyengine.evidence.problems import quoted

REGULAR = frozenset("()|^$\\")


class Glob(Struct, frozen=True, eq=False):
    """A compiled glob; `str` gives its text, and globs of one text are equal."""

    text: str
    prefix: str
    suffix: str
    wildcard: str
    """What stands between prefix and suffix: `""` nothing, `*`, `**`, `?**`; or `?`, what only the automaton knows."""
    needle: str = ""
    """The longest text without wildcards between prefix and suffix: what does not hold it needs no automaton."""
    automaton: Automaton | None = None

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` is as the glob says."""
        prefix, suffix = self.prefix, self.suffix
        if not text.startswith(prefix):
            return False
        if not self.wildcard:
            return len(text) == len(prefix)
        if not text.endswith(suffix) or len(text) < len(prefix) + len(suffix):
            return False
        if self.automaton is not None:
            return self.needle in text and self.automaton.accepts(text[len(prefix) : len(text) - len(suffix)])
        if self.wildcard == "*":
            return text.find("/", len(prefix), len(text) - len(suffix)) < 0
        return self.wildcard == "**" or text[len(prefix) : len(prefix) + 1] not in ("", "/")


class Automaton(Struct, frozen=True):
    """A pattern as a row of places, one bit each: a text is accepted when it leads from the first to the last.

    At a place one character may lead to the next (`steps`), or stay there (`loops`, of `*` and `**`). `skipped` are the
    places that may be left without a character; `jumps` those of a `**/`, which may be left with its slash.
    """

    steps: dict[str, int]
    other: int
    """The places that any character leads on from that is not a key of `steps`."""
    loops: int
    loops_at_slash: int
    skipped: int
    jumps: int
    last: int

    def accepts(self, text: str) -> bool:
        steps, other, loops, skipped, jumps = self.steps, self.other, self.loops, self.skipped, self.jumps
        places = self._entered(1)
        for sign in text:
            entered = (places & steps.get(sign, other)) << 1
            entered |= (entered & jumps) << 2
            places = entered | (places & (self.loops_at_slash if sign == "/" else loops))
            places |= (places & skipped) << 1
            if not places:
                return False
        return bool(places & self.last)

    def _entered(self, places: int) -> int:
        places |= (places & self.jumps) << 2
        return places | (places & self.skipped) << 1


def glob(text: str) -> Glob:
    """The glob that `text` states; raises `ValueError` with a sentence where it states none."""
    if not text:
        raise ValueError("a glob is never empty")
    if len(text) > limits.GLOB_CHARACTERS:
        raise ValueError(f"{quoted(text)} is longer than {limits.GLOB_CHARACTERS} characters")
    wrong = sorted(REGULAR.intersection(text))
    if wrong:
        raise ValueError(
            f"{quoted(text)} holds {' '.join(f'`{sign}`' for sign in wrong)}: this is a glob, not a regular expression;"
            " `*` stays within a segment, `**` crosses `/`, `?` is one character"
        )
    return _compiled(text)


def _compiled(text: str) -> Glob:
    tokens = _tokens(text)
    wild = [index for index, token in enumerate(tokens) if token in ("*", "**", "**/", "?")]
    if not wild:
        return Glob(text, "".join(tokens), "", "")
    prefix, suffix = "".join(tokens[: wild[0]]), "".join(tokens[wild[-1] + 1 :])
    between = "".join(tokens[wild[0] : wild[-1] + 1])
    if between in ("*", "**") or (between == "?**" and not suffix):
        return Glob(text, prefix, suffix, between)
    needles = ["".join(tokens[one + 1 : other]) for one, other in pairwise(wild)]
    automaton = _automaton(tokens[wild[0] : wild[-1] + 1])
    return Glob(text, prefix, suffix, "?", max(needles, key=len, default=""), automaton)


def _tokens(text: str) -> list[str]:
    """The pattern as single characters and the wildcards `?`, `*`, `**` and `**/` (a whole segment, perhaps none)."""
    text = re.sub(r"\*{3,}", "**", text)
    text = re.sub(r"(?:(?<=/)|^)(?:\*\*/)+", "**/", text)
    tokens = re.findall(r"(?:(?<=/)|^)\*\*/|\*\*|.", text, re.DOTALL)
    if tokens[-2:] == ["/", "**"] or tokens[-2:] == ["**/", "**"]:
        tokens[-1:] = ["?", "**"]
    return tokens


def _automaton(parts: list[str]) -> Automaton:
    signs = [sign for part in parts for sign in (("**", "/") if part == "**/" else (part,))]
    literals = {sign: 0 for sign in signs if len(sign) == 1 and sign not in "*?"} | {"/": 0}
    within = loops = anything = jumps = place = 0
    for part in parts:
        bit = 1 << place
        if part in ("*", "**", "**/"):
            loops |= bit
            anything |= bit if part != "*" else 0
            if part == "**/":
                jumps |= bit
                literals["/"] |= bit << 1
                place += 1
        elif part == "?":
            within |= bit
        else:
            literals[part] |= bit
        place += 1
    steps = {sign: bits | (within if sign != "/" else 0) for sign, bits in literals.items()}
    return Automaton(steps, within, loops, anything, loops, jumps, 1 << place)


class GlobSet:
    """Globs of which one must match. Sets are added, subtracted and intersected by the texts of their members."""

    __slots__ = ("_folded", "_prefixes", "_stems", "globs")

    def __init__(self, globs: frozenset[Glob]) -> None:
        self.globs = globs
        self._prefixes = tuple(pattern.prefix for pattern in globs)
        self._folded = tuple(_folded(pattern.text) for pattern in globs)
        self._stems = tuple(re.split("[@#]", pattern.prefix, maxsplit=1)[0] for pattern in self._folded)

    def __or__(self, other: GlobSet) -> GlobSet:
        return GlobSet(self.globs | other.globs)

    def __and__(self, other: GlobSet) -> GlobSet:
        return GlobSet(self.globs & other.globs)

    def __sub__(self, other: GlobSet) -> GlobSet:
        return GlobSet(self.globs - other.globs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GlobSet) and self.globs == other.globs

    def __hash__(self) -> int:
        return hash(self.globs)

    def __len__(self) -> int:
        return len(self.globs)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(pattern.text for pattern in self.globs))

    def matches(self, text: str) -> bool:
        """Whether one of the globs matches the whole of `text`."""
        return text.startswith(self._prefixes) and any(pattern.matches(text) for pattern in self.globs)

    def matches_purl(self, text: str | None) -> bool | None:
        """Whether one of the globs matches a package URL, as `globs.matches_purl` says."""
        head = None if text is None else purls.head(text)
        if head is None:
            return None
        if not head.startswith(self._stems):
            return False
        forms = purls.forms(text or "")
        if forms is None:
            return None
        short, whole = forms
        if any(pattern.matches(short) for pattern in self._folded):
            return True
        return short != whole and any(pattern.matches(whole) for pattern in self._folded)


def glob_set(texts: Iterable[str]) -> GlobSet:
    """The set of the globs `texts`; raises `ValueError` as `glob` does."""
    return GlobSet(frozenset(map(glob, texts)))


@lru_cache(1_024)
def _alone(text: str) -> GlobSet:
    return glob_set((text,))


def matches_purl(pattern: Glob, text: str | None) -> bool | None:
    """Whether `pattern` matches the canonical text of a package URL, or that without qualifiers and subpath.

    `None` where `text` is missing or no package URL. The pattern is folded as package URLs of its type are, so that
    `pkg:npm/@acme/*` and `pkg:pypi/Acme_*` mean what they say.
    """
    return _alone(pattern.text).matches_purl(text)


def _folded(text: str) -> Glob:
    """The glob with its literal parts in the spelling of canonical package URLs."""
    match = re.fullmatch(r"pkg:/*([A-Za-z][A-Za-z0-9.+-]*)/((?:[^@]|(?<=/)@)*)(.*)", text, re.DOTALL)
    if match is None:
        return _compiled(text)
    type_, name, version = match[1].lower(), _respelt(match[2]), _respelt(match[3][1:])
    name = re.sub("(?:^|(?<=/))@", "%40", "".join(_fold(type_, part) for part in re.split("(%..|[*?/])", name)))
    return _compiled(f"pkg:{type_}/{name}{match[3][:1]}{version}")


def _fold(type_: str, part: str) -> str:
    return part if part.startswith("%") else purls.folded(type_, part)


def _respelt(text: str) -> str:
    """`text` with its signs escaped as canonical package URLs escape them; wildcards and separators stay."""
    return re.sub(
        "%([0-9A-Fa-f]{2})|[^*?@#&=%]",
        lambda match: _sign(int(match[1], 16)) if match[1] else purls.escaped(match[0]),
        text,
    )


def _sign(byte: int) -> str:
    """The sign that `byte` is, if it is one that is not escaped, else its escape."""
    return purls.escaped(chr(byte)) if byte < 128 else f"%{byte:02X}"
