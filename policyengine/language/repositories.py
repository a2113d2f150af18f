"""Names of registries and repositories in policies, which are compared with the one name that each of them has."""

from __future__ import annotations

from collections.abc import Iterator

from policyengine.evidence.problems import quoted
from policyengine.language import checked
from policyengine.language.checked import Expr
from policyengine.language.demand import parts
from policyengine.language.diagnostics import Problems
from policyengine.oci.hosts import canonical_host
from policyengine.oci.references import canonical_name

FIELDS = ("registry", "repository")
"""The fields of the image that begin with a registry's name."""


def warn(roots: object, problems: Problems) -> None:
    """Warn where a registry is written in another form than its one name: no image is in a registry of that name."""
    for part in parts(roots):
        match part:
            case checked.Equal(left=checked.Field() as asked, right=checked.Constant() as wanted):
                _check(asked, wanted, problems)
            case checked.In(item=checked.Field() as asked, members=checked.Constant() as wanted):
                _check(asked, wanted, problems)
            case checked.Matches(subject=checked.Field() as asked, patterns=checked.Constant() as wanted):
                _check(asked, wanted, problems)


def _check(asked: checked.Field, wanted: checked.Constant, problems: Problems) -> None:
    if not isinstance(asked.base, checked.TheImage) or asked.name not in FIELDS:
        return
    for text in _texts(wanted):
        name = one_name(text)
        if name != text:
            problems.warn(
                "W210", wanted.span, f"no image has the name {quoted(text)}, which is written another way",
                help=f"write {quoted(name)}",
            )  # fmt: skip
            return


def _texts(wanted: Expr) -> Iterator[str]:
    assert isinstance(wanted, checked.Constant)
    values = wanted.value if wanted.type.container else (wanted.value,)
    return (value for value in values if isinstance(value, str))


def one_name(text: str) -> str:
    """The registry or repository that `text` writes in its one name; globs, and what is no such name, as they are.

    Of a glob the registry counts, where it has no wildcard but `*.` at its beginning.
    """
    host, slash, path = text.partition("/")
    labels = host.removeprefix("*.")
    wild = host[: len(host) - len(labels)]
    try:
        if not slash or wild or any(mark in path for mark in "*?"):
            return f"{wild}{canonical_host(labels)}{slash}{path}"
        return "/".join(canonical_name(host, path))
    except ValueError:
        return text
