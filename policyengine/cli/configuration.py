"""`policyengine.toml`, or `[tool.policyengine]` in pyproject.toml: found, read and applied.

The command line beats the environment, which beats the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from msgspec import Struct

from policyengine import limits
from policyengine.cli.settings import SETTINGS, from_environment, may_be_found, shaped, variable
from policyengine.errors import UsageError
from policyengine.evidence.problems import closest, quoted
from policyengine.files import bounded

OWN, PROJECT = "policyengine.toml", "pyproject.toml"
TABLE = ("tool", "policyengine")
TRACE = rb"""(?m)tool\s*\.\s*["']?policyengine|^\s*\[\s*tool\s*\]"""
"""What a pyproject.toml with that table holds; any other one is not parsed, for it is there at every start."""

NAMING = "POLICYENGINE_CONFIG"
"""The variable that names a file; whoever sets the environment of a gate is trusted with the gate."""
REPLAYED = frozenset({"output", "all", "no-fail", "color"})
"""What there is left to say where everything else is in a record."""


class File(Struct, frozen=True):
    """A configuration: where it is, what it says, whether somebody named it, and the lines of its keys."""

    path: str
    values: Mapping[str, Any]
    named: bool
    lines: Mapping[str, int]

    def place(self, name: str) -> str:
        """The file and the line of a setting."""
        line = self.lines.get(name)
        return f"{self.path}:{line}" if line else self.path

    def value(self, name: str) -> Any:
        """What the file says of a setting, as the option takes it, or `None`; raises `UsageError`, with the place."""
        if name not in self.values:
            return None
        try:
            return shaped(name, self.values[name], Path(self.path).parent)
        except UsageError as error:
            raise UsageError(f"{self.place(name)}: {error.message}", error.help) from None


# ---------------------------------------------------------------------------- finding and reading


def configuration(named: str | None, ignored: bool, environment: Mapping[str, str]) -> File | None:
    """The configuration that holds: the one that is `named`, or else found; raises `UsageError`."""
    if ignored and named is not None:
        raise UsageError("--config and --no-config contradict each other", "leave one of them out")
    if ignored:
        return None
    path = named if named is not None else environment.get(NAMING) or None
    if path is not None:
        return _read(path, named=True)
    for path in _candidates():
        file = _read(path, named=False)
        if file is not None:
            return file
    return None


def _candidates() -> Iterator[str]:
    """The files that may be one, from the working folder up to the root of its repository, if it is in one."""
    for folder in _folders():
        for name in (OWN, PROJECT):
            if os.path.lexists(folder / name):
                yield str(folder / name)


def _folders() -> Iterator[Path]:
    try:
        here = Path.cwd()
    except OSError:  # the working folder is gone
        return
    up = [number for number, folder in enumerate((here, *here.parents)) if os.path.lexists(folder / ".git")]
    yield from (Path(*[".."] * number) for number in range(min(up, default=0) + 1))


def _read(path: str, named: bool) -> File | None:
    """The configuration in a file; `None` where a found pyproject.toml has none. Raises `UsageError`."""
    data = _content(path, named)
    project = Path(path).name == PROJECT
    if project and not named and not re.search(TRACE, data):
        return None
    text, values = _parsed(path, data)
    for key in TABLE if project else ():
        values = values.get(key, {}) if isinstance(values, dict) else {}
        if not values:
            if not named:
                return None
            raise UsageError(f"{quoted(path)} has no table [{'.'.join(TABLE)}]", f"write one, or a {OWN}")
    if not isinstance(values, dict):
        raise UsageError(f"{path}: [{'.'.join(TABLE)}] is not a table")
    file = File(path, values, named, dict(_lines(text, project)))
    for key in values:
        if key not in SETTINGS:
            near = closest(key, SETTINGS)
            help = f"did you mean `{near}`?" if near else f"the settings are {', '.join(SETTINGS)}"
            raise UsageError(f"{file.place(key)}: there is no setting {quoted(key)}", help)
    return file


def _content(path: str, named: bool) -> bytes:
    if not named and not Path(path).is_file():
        raise UsageError(f"the configuration {quoted(path)} is no regular file", "remove it, or add --no-config")
    return bounded(path, limits.TRUST_FILE_BYTES, f"the configuration {quoted(path)}")


def _parsed(path: str, data: bytes) -> tuple[str, Any]:
    import tomllib

    try:
        text = data.decode("utf-8")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start + 1} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column \d+\)", str(error))
        reason = str(error).replace(place[0], "") if place else str(error)
        reason = quoted(reason[:1].lower() + reason[1:], 200).strip("`")
        raise UsageError(f"{path}{f':{place[1]}' if place else ''}: this is not TOML: {reason}") from None
    except RecursionError:
        raise UsageError(f"{path}: this is nested too deep for a configuration") from None


def _lines(text: str, project: bool) -> Iterator[tuple[str, int]]:
    """The settings that are written one a line or as a table, with their lines; the last counts, as there is one."""
    header = r"tool\.policyengine" if project else ""
    inside = not project
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("["):
            table = (
                re.match(rf"\[\s*{header}\.?([\w-]*)\s*\]", line) if header else re.match(r"\[\s*([\w-]+)\s*\]", line)
            )
            inside = table is not None and not table[1]
            if table and table[1]:
                yield table[1], number
        elif inside and (key := re.match(r"""\s*["']?([\w-]+)["']?\s*[.=]""", line)):
            yield key[1], number


# ---------------------------------------------------------------------------- applying


def settle(context: click.Context) -> None:
    """Give the options of a command that the command line leaves open what the environment or the file says.

    Raises `UsageError` for what is wrong with either, and for a setting that a found file may not make.
    """
    file = configuration(context.params.pop("config", None), context.params.pop("no_config", False), os.environ)
    replaying = context.params.get("replay") is not None
    for name, param in _settings(context.command):
        if _given(context, name, param) or (replaying and name not in REPLAYED):
            continue
        value, origin = from_environment(name, os.environ), variable(name)
        if value is None and file is not None:
            value, origin = file.value(name), file.place(name)
            if value is not None and not file.named and not may_be_found(name, value, context.command.name or ""):
                raise _refused(file, name)
        if value is not None:
            context.params[param.name] = _converted(context, param, value, origin)


def _settings(command: click.Command) -> Iterator[tuple[str, click.Parameter]]:
    """The settings that a command heeds, with the parameters that they are."""
    for param in command.params:
        if param.name == "policies" and command.name != "explain":  # without policies it explains codes
            yield "policies", param
        for name in SETTINGS:
            if f"--{name}" in param.opts and (name != "output" or command.name == "eval"):
                yield name, param


def _given(context: click.Context, name: str, param: click.Parameter) -> bool:
    """Whether the command line says what a setting is about; policies may stand among the other arguments."""
    if name == "policies":
        arguments = context.params.get("arguments", ())
        return any((context.params[param.name], context.params.get("codes"), *map(os.path.lexists, arguments)))
    return context.get_parameter_source(param.name) is ParameterSource.COMMANDLINE


def _refused(file: File, name: str) -> UsageError:
    what = "names a file to write" if name == "output" else "weakens or moves what is decided"
    return UsageError(
        f"{file.place(name)}: the setting {quoted(name)} {what}, and nobody named this file on the command line",
        f"add --config {file.path} to trust it, or --no-config to pass over it",
    )


def _converted(context: click.Context, param: click.Parameter, value: Any, origin: str) -> Any:
    try:
        return param.type_cast_value(context, value)
    except click.BadParameter as error:
        reason = error.message.rstrip(".")
        raise UsageError(f"{origin}: {reason[:1].lower()}{reason[1:]}") from None
