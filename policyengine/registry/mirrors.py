"""Mirrors: other servers that hold the same content, as `registries.conf` of podman and skopeo names them.

A mirror is a way to move bytes and nothing more. What it gives is asked for by digest, and checked; tags and lists of
referrers, which nothing binds, come from the registry itself. Policies and trust policies see the registry's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from policyengine import limits
from policyengine.errors import ContentError, InvalidReference, PolicyEngineError, RegistryError, UsageError
from policyengine.files import bounded
from policyengine.oci import Descriptor, Reference, is_digest, quoted
from policyengine.oci.hosts import canonical_host
from policyengine.registry.repository import Repository

T = TypeVar("T")
R = TypeVar("R")

VARIABLE = "CONTAINERS_REGISTRIES_CONF"
"""The environment variable that names the file, as podman has it."""

PULLED = ("all", "digest-only", "tag-only")


class Mirror(Struct, frozen=True):
    """A repository of a mirror; `plain_http` where the configuration calls the mirror insecure."""

    name: str
    plain_http: bool = False


class Rule(Struct, frozen=True):
    """What holds for all repositories at and below `prefix`."""

    prefix: str
    mirrors: tuple[Mirror, ...] = ()
    blocked: bool = False


class Mirrors(Struct, frozen=True):
    """The rules of one file."""

    rules: tuple[Rule, ...] = ()

    def of(self, name: str) -> list[Mirror]:
        """The mirrors of the repository `registry/path`, by the rule with the longest prefix.

        Raises `RegistryError` where that blocks it.
        """
        covering = [rule for rule in self.rules if f"{name}/".startswith(f"{rule.prefix}/")]
        if not covering:
            return []
        rule = max(covering, key=lambda rule: len(rule.prefix))
        if rule.blocked:
            raise RegistryError(f"{quoted(name)} is blocked by the configuration of mirrors", "ask who blocked it")
        rest = name.removeprefix(rule.prefix)
        return [Mirror(mirror.name + rest, mirror.plain_http) for mirror in rule.mirrors]


class Mirrored:
    """A repository whose content comes from mirrors where they have it: a `Store`.

    A mirror that does not give what was asked, for whatever reason, is passed over; one that cannot be
    had at all is not asked again.
    """

    def __init__(self, repository: Repository, mirrors: Sequence[Repository]) -> None:
        self._repository = repository
        self._mirrors = list(mirrors)

    def resolve(self, target: str) -> Descriptor:
        """See `Store.resolve`. What a tag stands for the registry alone can say."""
        if not is_digest(target):
            return self._repository.resolve(target)
        return self._first(lambda store: store.resolve(target))

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See `Store.manifest`."""
        return self._first(lambda store: store.manifest(descriptor))

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """See `Store.blob`."""
        return self._first(lambda store: store.blob(descriptor, limit))

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """See `Whole.pieces`. They count when all have been seen, too late for another server."""
        return self._repository.pieces(descriptor)

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.referrers`."""
        return self._repository.referrers(digest)

    def elsewhere(self, digest: str) -> tuple[Descriptor, ...]:
        """See `Store.elsewhere`."""
        return self._repository.elsewhere(digest)

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R | PolicyEngineError]:
        """See `Store.each`."""
        return self._repository.each(function, items)

    def _first(self, ask: Callable[[Repository], R]) -> R:
        for mirror in tuple(self._mirrors):
            try:
                return ask(mirror)
            except RegistryError as error:
                if error.retry and mirror in self._mirrors:
                    self._mirrors.remove(mirror)
            except ContentError:
                continue
        return ask(self._repository)


# The file


def configured(path: str | None, environment: Mapping[str, str]) -> Mirrors:
    """The mirrors that the file at `path` names, or else the one that `CONTAINERS_REGISTRIES_CONF` names.

    Of `registries.conf`, version 2, the tables `[[registry]]` are read. Raises `UsageError` for a file that
    cannot be read, and for what would move a repository elsewhere.
    """
    path = path or environment.get(VARIABLE)
    if not path:
        return Mirrors()
    import tomllib

    data = bounded(path, limits.LOGIN_FILE_BYTES, f"the mirrors in {quoted(path)}")
    try:
        document = tomllib.loads(data.decode())
        return Mirrors(_distinct([_rule(table) for table in _tables(document, "registry")]))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the mirrors in {quoted(path)} cannot be read: {error}", "see docs/registries.md") from None


def _distinct(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules, if each is for another prefix: of two for one, a block could be the one that does not count."""
    prefixes = [rule.prefix for rule in rules]
    for place, prefix in enumerate(prefixes):
        if prefix in prefixes[:place]:
            raise ValueError(f"there are two tables for {quoted(prefix)}")
    return tuple(rules)


def _rule(table: Mapping[str, Any]) -> Rule:
    location = _text(table, "location")
    prefix = _text(table, "prefix") or location
    if location and location != prefix:
        raise ValueError(f"the location {quoted(location)} is not its prefix; name it as a mirror instead")
    mirrors = [_mirror(each) for each in _tables(table, "mirror")]
    return Rule(_canonical(prefix), tuple(each for each in mirrors if each), _flag(table, "blocked"))


def _mirror(table: Mapping[str, Any]) -> Mirror | None:
    """A mirror, or `None` for one that is for tags, which are never asked of mirrors here."""
    pulled = _text(table, "pull-from-mirror") or "all"
    if pulled not in PULLED:
        raise ValueError(f"{quoted(pulled)} is no value of pull-from-mirror")
    mirror = Mirror(_canonical(_text(table, "location")), _flag(table, "insecure"))
    return None if pulled == "tag-only" else mirror


def _canonical(place: str) -> str:
    """A registry, or a repository and all below it, by its one name."""
    host, slash, path = place.partition("/")
    host = canonical_host(host)
    if slash:
        try:
            Reference.parse(f"registry.example.com/{path}")
        except InvalidReference:
            raise ValueError(f"{quoted(place)} is not a registry or a repository") from None
    return f"{host}{slash}{path}"


def _tables(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    tables = document.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError(f"{name} is not a list of tables")
    return tables


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")
    return value


def _flag(table: Mapping[str, Any], name: str) -> bool:
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is not true or false")
    return value
