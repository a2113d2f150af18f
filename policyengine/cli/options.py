"""Options that several commands have, beside those of `commands`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from policyengine.cli.commands import option

F = TypeVar("F", bound=Callable[..., Any])


def sourcing(function: F) -> F:
    """The options that name files with references, for commands about any number of images."""
    lists = "Images from a file, one reference a line; `-` is standard input."
    manifests = "Images from Kubernetes manifests, Compose files or what Helm prints; `-` is standard input."
    function = option("--from-manifest", "manifests", topic="Images", multiple=True, metavar="FILE",
                      help=manifests)(function)  # fmt: skip
    return option("--from-file", "lists", topic="Images", multiple=True, metavar="FILE", help=lists)(function)


def without(*names: str) -> Callable[[F], F]:
    """Take options away again that a decorator below brought, and that this command has in another form."""

    def taken(function: F) -> F:
        kept = [param for param in function.__click_params__ if param.name not in names]  # type: ignore[attr-defined]
        function.__click_params__ = kept  # type: ignore[attr-defined] # click's own place
        return function

    return taken
