"""`explain --decision FILE`: an earlier decision, and where the same evidence gives another one today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policyengine import limits
from policyengine.decision.model import Decision
from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted
from policyengine.files import bounded
from policyengine.reports.json import document

SHOWN = 20
"""Differences that are told; of two different images everything differs."""

Report = Mapping[str, Any]


def read(path: str) -> Report:
    """The decision in a file that `eval -o json` wrote; raises `UsageError` for anything else."""
    from pydantic import ValidationError

    from policyengine.schemas import decision
    from policyengine.strictjson import JsonError, loads

    data = bounded(path, limits.DOCUMENT_BYTES, quoted(path))
    try:
        content = loads(data)
        decision.read(data)
    except (JsonError, ValidationError) as error:
        reason = str(error) if isinstance(error, JsonError) else _first(error)
        raise UsageError(f"{quoted(path)} holds no decision: {reason}", "name a file that eval -o json wrote") from None
    assert isinstance(content, dict)
    if "decisions" in content:
        raise UsageError(f"{quoted(path)} holds several decisions", "write each image's decision to a file of its own")
    return content


def _first(error: Any) -> str:
    """The first thing that is wrong with the shape of a report."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    places = [str(part) for part in problem["loc"] if part not in ("Decision", "Decisions")]
    return f"{'.'.join(places) or 'it'}: {problem['msg'].lower()}"


# ---------------------------------------------------------------------------- comparing


def differences(before: Report, decision: Decision) -> tuple[str, ...]:
    """Where `decision` is another than the one `before`: what went in, then what came out."""
    found = list(_differences(before, document(decision)))
    more = len(found) - SHOWN
    return tuple(found[:SHOWN]) + ((f"and {more} more differences",) if more > 0 else ())


def _differences(before: Report, now: Report) -> Iterator[str]:
    yield from _changed("the image", before["subject"].get("digest"), now["subject"].get("digest"))
    yield from _changed("the instant", before["at"], now["at"])
    yield from _policies(before["policySet"], now["policySet"])
    yield from _listed("the document", before["evidence"], now["evidence"], ("status", "reason"))
    yield from _listed("the signature", before["signatures"], now["signatures"], ("status", "reason", "identity"))
    yield from _changed("the decision", before["decision"], now["decision"])
    yield from _listed("the platform", before.get("platforms", ()), now.get("platforms", ()), ("decision",))
    yield from _rules(before["rules"], now["rules"])
    yield from _listed("the reason", _reasons(before), _reasons(now), ("message",))


def _policies(before: Report, now: Report) -> Iterator[str]:
    """The sources, environment and parameters; the digest speaks where nothing else does."""
    found = list(_changed("the environment", before.get("environment"), now.get("environment")))
    for name in sorted({*before["parameters"], *now["parameters"]}):
        found += _changed(f"the parameter {name}", before["parameters"].get(name), now["parameters"].get(name))
    yield from found or _changed("the policies", before["digest"], now["digest"])


def _rules(before: Sequence[Report], now: Sequence[Report]) -> Iterator[str]:
    yield from _listed("the rule", before, now, ("effectiveEffect", "status"), key="id")
    known = {rule["id"]: rule for rule in now}
    for rule in before:
        if rule["id"] in known:
            counted = len(rule["violations"]), len(known[rule["id"]]["violations"])
            yield from _changed(f"the number of violations of {rule['id']}", *counted)


def _reasons(report: Report) -> list[Report]:
    return [{**reason, "digest": reason["code"]} for reason in report["reasons"]]


def _listed(
    what: str, before: Sequence[Report], now: Sequence[Report], keys: Sequence[str], key: str = "digest"
) -> Iterator[str]:
    """What is in one of two lists and not in the other, and what `keys` of the rest are different."""
    old, new = ({_place(entry, key): entry for entry in entries} for entries in (before, now))
    for place in dict.fromkeys((*old, *new)):
        name = f"{what} {place[0]}{f' on {place[1]}' if place[1] else ''}"
        if place not in new:
            yield f"{name} is not there"
        elif place not in old:
            yield f"{name} was not there"
        else:
            for each in keys:
                yield from _changed(f"{name}, {each}", old[place].get(each), new[place].get(each))


def _place(entry: Report, key: str) -> tuple[str, str]:
    return entry[key], entry.get("platform", "") if key == "digest" else ""


def _changed(what: str, before: Any, now: Any) -> Iterator[str]:
    if before != now:
        yield f"{what} was {_shown(before)}, and is {_shown(now)}"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"
