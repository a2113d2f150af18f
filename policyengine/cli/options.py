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
