"""What `eval` is asked: its options, and the repositories of the images.

Nothing here imports the engine, so that the first requests can leave before the engine is imported.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from policyengine import limits
from policyengine.cli.identifying import Identity
from policyengine.cli.images import in_registries, sorted_out
from policyengine.cli.instants import moment
from policyengine.cli.output import outputs
from policyengine.errors import PolicyEngineError, UsageError
from policyengine.evidence.problems import quoted
from policyengine.reports import FORMATS

if TYPE_CHECKING:
    from policyengine.language.policyset import PolicySet
    from policyengine.oci import Reference
    from policyengine.registry.client import Registry
    from policyengine.registry.store import Store
    from policyengine.verification.trust import Trust

PLATFORM = r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?"


class Premises(Struct, frozen=True):
    """What a decision depends on besides the image and the instant.

    Parameters are portable values by qualified name.
    """

    policies: PolicySet
    parameters: Mapping[str, Any]
    trust: Trust


class Options(Struct, frozen=True, kw_only=True):
    """The options of `eval`, as click reads them."""

    arguments: tuple[str, ...]
    policies: tuple[str, ...] = ()
    oci_layout: bool = False
    repository: str | None = None
    platform: str | None = None
    at: str | None = None
    environment: str | None = None
    parameters: tuple[str, ...] = ()
    trust_policy: str | None = None
    trust_store: str | None = None
    registry_config: str | None = None
    plain_http: bool = False
    ca_file: str | None = None
    identity: Identity = Identity()
    timeout: float = 60.0
    workers: int = 8
    max_signatures: int = limits.SIGNATURES_PER_SUBJECT
    referrers: str = "auto"
    offline: bool = False
    no_cache: bool = False
    outputs: tuple[str, ...] = ()
    everything: bool = False
    no_fail: bool = False
    fail_on: Literal["deny", "warn"] = "deny"
    record: str | None = None
    replay: str | None = None
    lists: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    premises: Premises | None = None
    begun: Store | None = None
    """The repository of the image, if it is being asked for already; `premises` are known then, too."""

    @property
    def listed(self) -> bool:
        """Whether files name references, of which there may be any number."""
        return bool(self.lists or self.manifests)


def premises(options: Options, paths: Sequence[str]) -> Premises:
    """The policies in `paths`, and what is trusted.

    Raises `PolicyEngineError` for what is wrong with them, or with the bounds among the options.
    """
    from policyengine.language.policyset import PolicySet
    from policyengine.verification.trust import Trust

    check_bounds(options)
    policies = PolicySet.load(*paths)
    parameters = policies.parameters(options.parameters) if options.parameters else {}
    policy, store = (Path(text) if text is not None else None for text in (options.trust_policy, options.trust_store))
    return Premises(policies, parameters, Trust.for_evaluation(policy, store))


def begun(options: Options) -> Options:
    """The options, with their image asked for already if it is a single one, and in a registry.

    Its manifest and the list of its referrers are then on their way while the engine is imported. Nothing is asked for
    if the options or the policies are wrong: they are returned as they are, and `evaluation.run` says what is wrong.
    """
    busy = options.lists or options.manifests or options.identity.password_stdin  # standard input is read once
    if busy or options.oci_layout or options.offline or options.record or options.replay:
        return options
    try:
        outputs(options.outputs, FORMATS)
        check_platform(options)
        moment(options.at)
        arguments = sorted_out(options.arguments, options.policies)
        named = in_registries(arguments.references)
        if len(named) != 1 or options.repository:
            return options
        known = premises(options, arguments.policies)
        known.policies.settle(options.environment, known.parameters)
        from policyengine.registry.begun import Begun

        store = Begun(stores(options, named)[0], named[0].target)
        return replace(options, premises=known, begun=store)
    except PolicyEngineError:
        return options


def stores(options: Options, named: Sequence[Reference]) -> list[Store]:
    """The repositories of images, with what earlier runs kept of them unless `no_cache`."""
    registry = _registry(options, named)
    found: list[Store] = [registry.repository(each.name) for each in named]
    if options.no_cache:
        return found
    from policyengine.registry.blobcache import BlobCache
    from policyengine.registry.kept import Kept

    cache = BlobCache()
    return [Kept(store, each.name, cache) for each, store in zip(named, found, strict=True)]


def _registry(options: Options, named: Sequence[Reference]) -> Registry:
    from policyengine.registry.client import Registry

    return Registry(
        plain_http=True if options.plain_http else None,
        ca_file=options.ca_file,
        registry_config=options.registry_config,
        referrers=options.referrers,
        timeout=options.timeout,
        workers=options.workers,
        images=len(named),
        **_identity(options).settings(each.registry for each in named),
    )


def _identity(options: Options) -> Identity:
    """Who asks; raises `UsageError` where standard input would be read twice."""
    if options.identity.password_stdin and "-" in (*options.lists, *options.manifests):
        raise UsageError("standard input holds either the references or the password", "name a file of references")
    return options.identity


def check_bounds(options: Options) -> None:
    """Refuse bounds that are none, whether this run needs them or not."""
    if not (math.isfinite(options.timeout) and options.timeout > 0):
        raise UsageError("the timeout is not a positive number of seconds", "write --timeout 60")
    if options.workers < 1:
        raise UsageError("the number of workers is not positive", "write --workers 8")
    if not 1 <= options.max_signatures <= limits.SIGNATURES_AT_MOST:
        raise UsageError(
            f"between 1 and {limits.SIGNATURES_AT_MOST} signatures of one artifact can be tried",
            f"write --max-signatures {limits.SIGNATURES_PER_SUBJECT}",
        )


def check_platform(options: Options) -> None:
    """Refuse a platform that is none."""
    if options.platform is not None and not re.fullmatch(PLATFORM, options.platform):
        raise UsageError(f"{quoted(options.platform)} is not a platform", "write OS/ARCH or OS/ARCH/VARIANT")
