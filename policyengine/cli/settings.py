"""The settings that a configuration may make: each is an option of the same name.

A file that was only found lies where the sources of images lie, and whoever writes the sources writes the file. So it
may say how an answer looks and how long to wait for it, and it may demand more. It never says what is trusted, what
decides, about what and when, or where anything is read or written (docs/adr/0012).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from policyengine.errors import UsageError
from policyengine.evidence.problems import quoted

PREFIX = "POLICYENGINE_"
HARMLESS = frozenset({"check", "test", "fmt"})
"""Commands that decide about no image: for them a found file may say where policies and the trust of tests are."""


class Setting(Struct, frozen=True):
    """One setting. `kind` is its type in a file, `found` whether a file that nobody named may make it.

    `default` is what holds without it, in words.
    """

    kind: str
    default: str
    help: str
    found: bool = False


SETTINGS: Mapping[str, Setting] = {
    "policies": Setting("paths", "none", "policy files and folders"),
    "environment": Setting("text", "none", "an `environment` of the policies"),
    "param": Setting("table", "none", "values of `param`s, by name"),
    "trust-policy": Setting("path", "Notation's", "Notation's trustpolicy.json"),
    "trust-store": Setting("path", "Notation's", "the folder that contains x509/ca/…"),
    "registry-config": Setting("path", "docker's and podman's", "logins, as `docker login` keeps them"),
    "ca-file": Setting("path", "the system's", "certificates of the registry's authority"),
    "plain-http": Setting("flag", "false", "no TLS"),
    "offline": Setting("flag", "false", "open no connection"),
    "referrers": Setting("text", "auto", "how to find what is attached: auto, api or tag"),
    "timeout": Setting("number", "60", "seconds for one image", found=True),
    "workers": Setting("integer", "8", "requests at once", found=True),
    "output": Setting("texts", "table", "reports, as FORMAT or FORMAT=FILE", found=True),
    "all": Setting("flag", "false", "show every violation", found=True),
    "color": Setting("text", "auto", "when to paint: auto, always or never", found=True),
    "fail-on": Setting("text", "deny", "with `warn`, what warns denies too", found=True),
    "no-fail": Setting("flag", "false", "exit 0 for a denial"),
}

FORMS = {
    "text": "a text",
    "path": "a text",
    "texts": "a list of texts",
    "paths": "a list of texts",
    "flag": "true or false",
    "number": "a number",
    "integer": "a whole number",
    "table": "a table of names and values",
}


def variable(name: str) -> str:
    """The environment variable of a setting: `POLICYENGINE_TRUST_POLICY`."""
    return PREFIX + name.upper().replace("-", "_")


def from_environment(name: str, environment: Mapping[str, str]) -> Any:
    """What the variable of a setting says, as a file would; `None` where it is unset or empty.

    Paths are separated as in PATH, other lists by lines.
    """
    text = environment.get(variable(name), "")
    if not text:
        return None
    match SETTINGS[name].kind:
        case "paths":
            return [part for part in text.split(os.pathsep) if part]
        case "texts" | "table":
            return [line for line in text.splitlines() if line]
        case _:
            return text


def shaped(name: str, value: Any, folder: Path) -> Any:
    """A value from a file in `folder`, as the option takes it; raises `UsageError` for another type than the setting's.

    Paths are taken from that folder.
    """
    kind = SETTINGS[name].kind
    match kind, value:
        case ("text", str()) | ("flag", bool()):
            return value
        case "path", str() if value:
            return _below(folder, value)
        case ("number", int() | float()) | ("integer", int()) if not isinstance(value, bool):
            return value
        case ("texts" | "paths", list()) if value and all(isinstance(each, str) and each for each in value):
            return [_below(folder, each) if kind == "paths" else _report(folder, each) for each in value]
        case "table", dict():
            return [f"{key}={_parameter(key, each)}" for key, each in value.items()]
        case _:
            raise UsageError(f"the setting {quoted(name)} is not {FORMS[kind]}", f"it is for {SETTINGS[name].help}")


def _below(folder: Path, path: str) -> str:
    return str(folder / path)


def _report(folder: Path, text: str) -> str:
    """`FORMAT=FILE`, with the file taken from the folder."""
    form, equals, path = text.partition("=")
    return f"{form}={_below(folder, path)}" if equals and path not in ("", "-") else text


def _parameter(name: str, value: Any) -> str:
    """The value of a parameter as `--param` takes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)
        case _:
            raise UsageError(f"the value of the parameter {quoted(name)} is no text, whole number or truth value",
                             f"write it as a text, as --param {name}=… takes it")  # fmt: skip


def may_be_found(name: str, value: Any, command: str) -> bool:
    """Whether a file that nobody named may give the setting this value for this command."""
    if name in ("policies", "trust-policy", "trust-store"):
        return command in HARMLESS
    if name == "output":
        return not any("=" in each for each in value)
    return SETTINGS[name].found
