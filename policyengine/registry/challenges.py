"""Two headers in which registries say what to do next: `WWW-Authenticate` and `Link`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from policyengine.errors import RegistryError
from policyengine.oci import quoted

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_PART = re.compile(rf'[\s,]*({_WORD})(\s*=\s*(?:{_QUOTED}|([^\s",]*)))?', re.DOTALL)

_TARGET = r'(?:<[^<>]*>|[^\s<>;,"\\]+)'
_PARAMETER = rf'\s*;[\s;]*({_WORD})(?:\s*=\s*(?:{_QUOTED}|([^\s",;\\]+)))?'
_LINK = re.compile(rf"\s*({_TARGET})((?:{_PARAMETER})*)[\s;]*(?:,[\s,]*|\Z)", re.DOTALL)
_PARAMETERS = re.compile(_PARAMETER, re.DOTALL)


class Challenge(Struct, frozen=True):
    """One way to log in that a server offers. Scheme and names of parameters are in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """The challenges of a `WWW-Authenticate` header (RFC 9110, section 11.6.1), as far as they can be read."""
    challenges: list[Challenge] = []
    position = 0
    while part := _PART.match(header, position):
        position = part.end()
        name = part[1].lower()
        if part[2] is None:
            challenges.append(Challenge(name, {}))
        elif challenges and (part[3] is not None or part[4]):
            parameters = {**challenges[-1].parameters, name: part[4] if part[3] is None else _unescaped(part[3])}
            challenges[-1] = Challenge(challenges[-1].scheme, parameters)
    return challenges


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def next_link(header: str) -> str | None:
    """The target of the `next` link in a `Link` header (RFC 8288), or `None` where there is none.

    A link that does not say what it is counts as the next page where no other does, as oras has it: the
    entries of a page that is passed over would be missing. Raises `RegistryError` for a header that
    cannot be read, for the same reason.
    """
    links = list(_links(header))
    following = [target for target, relations in links if "next" in relations]
    unnamed = [target for target, relations in links if not relations]
    return next(iter((*following, *unnamed)), None)


def _links(header: str) -> Iterator[tuple[str, list[str]]]:
    """Each link's target and relations, in lower case."""
    position = len(header) - len(header.lstrip(" \t,"))
    while position < len(header):
        link = _LINK.match(header, position)
        if not link:
            raise RegistryError(f"the registry sends a Link header that cannot be read: {quoted(header)}")
        position = link.end()
        relations = (
            _unescaped(text) or word for name, text, word in _PARAMETERS.findall(link[2]) if name.lower() == "rel"
        )
        yield link[1].strip("<>"), next(relations, "").strip("'").lower().split()
