"""Where the artifact is that a reference names, a registry or a layout, and how it is reached."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click
from msgspec import Struct

from policyengine import limits
from policyengine.cli.commands import option
from policyengine.cli.identifying import Identity, identifying
from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.oci import Descriptor, Reference, is_digest
from policyengine.registry.store import Store, Whole

if TYPE_CHECKING:
    from policyengine.registry.content import Content

MARKER = "oci-layout"
"""The file that makes a folder an image layout (image specification, `image-layout.md`)."""

F = TypeVar("F", bound=Callable[..., Any])


def reaching(function: F, referrers: str = "auto") -> F:
    """The options that say how registries are reached; `referrers` is the default of `--referrers`."""
    for add in (
        option("--referrers", topic="Registry", type=click.Choice(["auto", "api", "tag"]), default=referrers,
               help=f"How what is attached is listed: by the API, by tags, or both; {referrers}."),
        option("--workers", topic="Registry", type=int, default=8, metavar="N", help="Requests at once; 8."),
        option("--timeout", topic="Registry", type=float, metavar="SECONDS", help="For everything."),
        option("--ca-file", topic="Registry", metavar="FILE", help="Certificates of the registry's authority, as PEM."),
        option("--plain-http", topic="Registry", is_flag=True, help="Without TLS; loopback names need no flag."),
        option("--registry-config", topic="Registry", metavar="FILE", help="Logins, as `docker login` keeps them."),
        identifying,
    ):  # fmt: skip
        function = add(function)
    return function


def keeping(function: F) -> F:
    """Give a command the option `--no-cache`, which `kept` heeds."""
    return option("--no-cache", topic="Registry", is_flag=True, help="Neither use nor keep what registries served.")(
        function
    )


class Reach(Struct, frozen=True, kw_only=True):
    """How registries are reached: the options of `reaching`."""

    registry_config: str | None = None
    plain_http: bool = False
    ca_file: str | None = None
    timeout: float | None = None
    workers: int = 8
    referrers: str = "auto"
    identity: Identity = Identity()

    @classmethod
    def of(cls, options: dict[str, Any]) -> Reach:
        """The reach that `options` say, which are taken out; raises `UsageError` for bounds that are none."""
        options["identity"] = Identity.of(options)
        reach = cls(**{name: options.pop(name) for name in cls.__struct_fields__})
        if reach.timeout is not None and not (math.isfinite(reach.timeout) and reach.timeout > 0):
            raise UsageError("the timeout is not a positive number of seconds", "write --timeout 60")
        if reach.workers < 1:
            raise UsageError("the number of workers is not positive", "write --workers 8")
        return reach

    def registry(self, registries: Iterable[str], seconds: float = 60.0, most: int = limits.RUN_BYTES) -> Any:
        """The `registries`, for an operation that takes `seconds` at most, unless the user says otherwise."""
        from policyengine.registry.client import Registry

        return Registry(
            plain_http=True if self.plain_http else None,
            ca_file=self.ca_file,
            registry_config=self.registry_config,
            referrers=self.referrers,
            timeout=seconds if self.timeout is None else self.timeout,
            workers=self.workers,
            most=most,
            **self.identity.settings(registries),
        )


class Place(Struct, frozen=True):
    """An artifact in a registry (`name`, `registry/repository`) or a layout (`path`): its tag or digest is `target`."""

    target: str
    name: str = ""
    path: Path | None = None

    @property
    def registry(self) -> str:
        """The registry's name; empty for a layout."""
        return self.name.partition("/")[0]

    def at(self, digest: str) -> str:
        """The reference of another artifact there."""
        return f"{self.path or self.name}@{digest}"

    @property
    def shown(self) -> str:
        """The reference as it was given."""
        return self.at(self.target) if is_digest(self.target) else f"{self.path or self.name}:{self.target}"


def place(text: str, layout: bool, flag: str = "--oci-layout") -> Place:
    """The place that a reference names; raises `InvalidReference` and `UsageError` with what may have been meant.

    `flag` is the command's option that says `layout`.
    """
    if layout:
        from policyengine.registry.layout import parse_layout_reference

        path, target = parse_layout_reference(text)
        return Place(target, path=path)
    _check_no_path(text, flag)
    _check_repository(text)
    from policyengine.cli.images import in_registries

    reference: Reference = in_registries([text])[0]
    return Place(reference.target, reference.name)


def _check_no_path(text: str, flag: str) -> None:
    """Refuse what is there on disk, whose name might be that of a repository too."""
    for path in (text, text.rpartition("@")[0], text.rpartition(":")[0]):
        if path and os.path.lexists(f"{path}/{MARKER}"):
            raise UsageError(f"{quoted(path)} is an image layout", f"write {flag} {path}@sha256:…, or {path}:TAG")
    if os.path.lexists(text):
        what = "folder" if os.path.isdir(text) else "file"  # noqa: PTH112 - a name that no path can have is none
        raise UsageError(f"{quoted(text)} is a {what}, and a reference was expected", "the reference comes first")


def _check_repository(text: str) -> None:
    """Refuse a registry without a repository: by Docker's grammar it is an image on Docker Hub, and its port a tag."""
    name = text.partition("@")[0].partition(":")[0]
    if "/" not in text and ("." in name or name == "localhost"):
        raise UsageError(
            f"{quoted(text)} names a registry, and no repository in it", f"write {text}/REPOSITORY@sha256:…, or …:TAG"
        )


@contextmanager
def reached(
    where: Place, reach: Reach, seconds: float = 60.0, most: int = limits.RUN_BYTES
) -> Iterator[tuple[Whole, Any]]:
    """The store of a place, and the registries that it is in (`None` for a layout); raises `UsageError`."""
    if where.path is not None:
        from policyengine.registry.layout import Layout

        yield Layout(where.path), None
        return
    with reach.registry([where.registry], seconds, most) as registry:
        yield registry.repository(where.name), registry


@contextmanager
def kept(where: Place, reach: Reach, no_cache: bool) -> Iterator[Store]:
    """The store of a place, with what earlier runs kept of it unless `no_cache`."""
    with reached(where, reach) as (store, registry):
        if registry is None or no_cache:
            yield store
            return
        from policyengine.registry.blobcache import BlobCache
        from policyengine.registry.kept import Kept

        yield Kept(store, where.name, BlobCache())


class Writer(Protocol):
    """What attaches artifacts at a place: a layout's writer, or a registry's."""

    def attach(self, manifest: bytes, blobs: Iterable[bytes | Content], listed: Descriptor) -> None:
        """Store the `blobs` and the `manifest` that names them, and list the manifest as `listed`."""


def writer(where: Place, registry: Any) -> Writer:
    """What attaches artifacts at a place; `registry` is that of `reached`."""
    if where.path is None:
        pusher: Writer = registry.pusher(where.name)
        return pusher
    from policyengine.registry.writing import LayoutWriter

    return LayoutWriter(where.path)
