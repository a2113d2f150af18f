"""Names of registries and repositories in policies: images are known by one name, and no other form of it matches."""

from __future__ import annotations

from collections.abc import Iterator

from policyengine.evidence.problems import quoted
from policyengine.language import checked
from policyengine.language.demand import parts
from policyengine.language.diagnostics import Problems
from policyengine.oci.hosts import canonical_host
from policyengine.oci.references import canonical_name

FIELDS = ("registry", "repository")
"""The fields of the image that begin with a registry's name."""


def warn(roots: object, problems: Problems) -> None:
    """Warn (W210) of names that are not in the one form that images have, and so match none."""
    for part in parts(roots):
        match part:
            case (
                checked.Equal(left=checked.Field() as asked, right=checked.Constant() as wanted)
                | checked.In(item=checked.Field() as asked, members=checked.Constant() as wanted)
                | checked.Matches(subject=checked.Field() as asked, patterns=checked.Constant() as wanted)
            ):
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


def _texts(wanted: checked.Constant) -> Iterator[str]:
    values = wanted.value if wanted.type.container else (wanted.value,)
    return (value for value in values if isinstance(value, str))


def one_name(text: str) -> str:
    """The one name of the registry or repository that `text` writes in some form.

    Of a glob only the registry is brought into that form, and only if it has no wildcard but `*.` at its beginning.
    What is no name of a registry or repository is returned as it is.
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
