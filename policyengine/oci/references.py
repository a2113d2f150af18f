"""References: how people write where an image is.

The grammar and the familiar names (`nginx` is `docker.io/library/nginx`) are those of the distribution
project, which every tool follows.
"""

from __future__ import annotations

import re

from msgspec import Struct

from policyengine.errors import InvalidReference
from policyengine.oci.digests import ALGORITHMS, digest_fault, is_digest, parse_digest, quoted
from policyengine.oci.hosts import DOCKER_HUB, canonical_host

NAME_LENGTH = 255
"""The longest repository name, with its registry (distribution specification, "Pulling manifests")."""

_COMPONENT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_PATH = re.compile(f"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_IMAGE_ID = re.compile("[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


class Reference(Struct, frozen=True):
    """Where an image is: `registry/repository`, with a tag, a digest, both or neither.

    Where both are given the digest decides and the tag is only shown. The registry has one name
    (`oci.hosts`), because a scope in a policy must not depend on how it was typed.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The reference that `text` writes, familiar names completed (`nginx` is `docker.io/library/nginx`).

        Raises `InvalidReference` with the reason.
        """
        name, at, digest = text.partition("@")
        fault = _early_fault(text)
        if fault:
            raise _invalid(text, fault)
        if at:
            parse_digest(digest)
        folder, slash, last = name.rpartition("/")
        last, colon, tag = last.partition(":")
        if colon and not is_tag(tag):
            raise _invalid(text, f"{quoted(tag)} is not a tag")
        try:
            registry, path = canonical_name(*_split(folder + slash + last))
        except ValueError as error:
            raise _invalid(text, str(error)) from None
        return cls(registry, path, tag or None, digest or None)

    @property
    def name(self) -> str:
        """The repository with its registry, as policies and trust policies name it."""
        return f"{self.registry}/{self.repository}"

    @property
    def target(self) -> str:
        """The digest, or else the tag; raises `InvalidReference` where there is neither."""
        if not (self.digest or self.tag):
            raise InvalidReference(
                f"{quoted(self.name)} names neither a tag nor a digest",
                f"write {self.name}@sha256:… or {self.name}:TAG",
            )
        return self.digest or self.tag or ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}@{self.digest}" if self.digest else f"{self.name}{tag}"


def is_tag(text: str) -> bool:
    """Whether `text` is a tag by the distribution specification."""
    return _TAG.fullmatch(text) is not None


def _invalid(text: str, fault: str) -> InvalidReference:
    return InvalidReference(
        f"{quoted(text)} is not an image reference: {fault}", "write registry.example.com/repository@sha256:… or …:tag"
    )


def _early_fault(text: str) -> str:
    """What is wrong with the whole text, before it is taken apart."""
    if not text:
        return "it is empty"
    if not text.isascii() or not text.isprintable() or " " in text:
        return "it holds a character that no reference has"
    if "://" in text:
        return f"it begins with a scheme; leave out {quoted(text.partition('://')[0] + '://')}"
    if is_digest(text) and text.partition(":")[0] in ALGORITHMS and not digest_fault(text):
        return "it is a digest without a repository"
    if _IMAGE_ID.fullmatch(text.partition("@")[0].partition(":")[0]):
        return "64 hexadecimal digits are an image id, not a name"
    return ""


def canonical_name(registry: str, path: str) -> tuple[str, str]:
    """Registry and path of a repository as all tables have them; raises `ValueError` with what is wrong."""
    host = canonical_host(registry)
    if not _PATH.fullmatch(path):
        capitals = ", which is in lower case" if path != path.lower() else ""
        raise ValueError(f"{quoted(path)} is not a repository{capitals}")
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    if len(host) + 1 + len(path) > NAME_LENGTH:
        raise ValueError(f"the name is longer than {NAME_LENGTH} characters")
    return host, path


def _split(name: str) -> tuple[str, str]:
    """Registry and path of a familiar name, by the rule of distribution's `normalize.go`; raises `ValueError`."""
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        return DOCKER_HUB, name
    if first != first.lower() and not ("." in first or ":" in first):
        raise ValueError(f"only its capitals tell the host {quoted(first)} from a name on Docker Hub; add its port")
    return first, rest
