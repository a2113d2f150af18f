"""Declaring the names of a file: parameters, constants, functions, kinds of documents, imports."""

from __future__ import annotations

import re
from collections.abc import Mapping

from policyengine.evidence.problems import closest
from policyengine.language import checked, syntax
from policyengine.language.diagnostics import Problems
from policyengine.language.schema import COLLECTIONS, CUSTOM_FIELDS, DOCUMENTS, ENUMS, RECORDS, Field, Schema
from policyengine.language.scope import DefineEntry, Entry, ImportEntry, LetEntry, Module, ParamEntry
from policyengine.language.syntax import Name
from policyengine.language.types import FOREIGN, SCALARS, UNKNOWN, Type

MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
"""The grammar of media types (RFC 6838, section 4.2), which artifact types follow."""

RESERVED = frozenset({"image", "signature", "document", *RECORDS, *COLLECTIONS, "x509", "keyless", "key"})
"""Names that the language itself gives a meaning."""

WORDS = frozenset(word for words in ENUMS.values() for word in words)
"""The words of severities, categories and the like: a constant `CRITICAL` would change what `is CRITICAL` asks."""

CUSTOM_TYPES = (
    "text",
    "int",
    "decimal",
    "bool",
    "time",
    "date",
    "severity",
    "purl",
    "license",
    "digest",
    "vulnerability",
)
"""The types that a field of a declared kind can have."""

POLICY_ONLY = (
    syntax.Environment, syntax.AppliesTo, syntax.AcceptUnsigned, syntax.AssumeSeverity, syntax.EvidenceKind,
    syntax.Rule, syntax.Waive, syntax.Test,
)  # fmt: skip
ALLOWED: Mapping[str, tuple[type, ...]] = {
    "policy": (syntax.Import, syntax.Param, syntax.Let, syntax.Define, *POLICY_ONLY),
    "library": (syntax.Import, syntax.Param, syntax.Let, syntax.Define),
    "tests": (syntax.Test,),
    "waivers": (syntax.Waive,),
}
"""The items that each kind of file may hold (language reference, section 3)."""


def declared_type(node: syntax.TypeName, schema: Schema, problems: Problems) -> Type:
    """The type that an author wrote; a foreign name is answered with ours."""
    if node.name in SCALARS:
        return Type(node.name, node.container)
    if schema.is_record(node.name):
        if node.container == "set":
            problems.error(
                "E103", node.span, "records are listed, not put into sets", suggestion=f"list of {node.name}"
            )
            return UNKNOWN
        return Type(node.name, node.container)
    near = FOREIGN.get(node.name.lower()) or closest(node.name, [*SCALARS, *RECORDS])
    help = f"write `{near}`" if near else f"the types are {', '.join(SCALARS)}, and the records"
    problems.error("E101", node.span, f"there is no type `{node.name}`", help=help, suggestion=near)
    return UNKNOWN


def declare(module: Module, libraries: Mapping[str, Module], problems: Problems) -> None:
    """Enter every name that the file of `module` declares; names in other files must be known to `libraries`."""
    _kinds(module, problems)
    for item in module.file.items:
        if isinstance(item, syntax.Broken) and item.name is not None:
            module.broken.add(item.name.text)
        elif not isinstance(item, ALLOWED[module.file.kind]):
            _misplaced(item, module.file.kind, problems)
        elif isinstance(item, syntax.Import):
            _import(item, module, libraries, problems)
        elif isinstance(item, syntax.Param | syntax.Let | syntax.Define):
            _enter(item.name, _entry(item, module, problems), module, problems)


def _misplaced(item: syntax.Item, kind: str, problems: Problems) -> None:
    """The report of an item in a kind of file where it has no meaning."""
    if not isinstance(item, syntax.Broken):
        word = type(item).__name__.lower()
        holds = {"library": "only import, param, let and define", "tests": "only tests", "waivers": "only waivers"}
        problems.error(
            "E119", item.span, f"this `{word}` cannot stand in a file of kind `{kind}`: it holds {holds[kind]}"
        )


def _entry(item: syntax.Param | syntax.Let | syntax.Define, module: Module, problems: Problems) -> Entry:
    if isinstance(item, syntax.Let):
        return LetEntry(item, module)
    result = declared_type(item.type, module.schema, problems)
    if isinstance(item, syntax.Param):
        if module.schema.is_record(result.name):
            help = f"a parameter is one of {', '.join(SCALARS)}, or a set or list of them"
            problems.error("E103", item.type.span, f"nobody can give {result} as a parameter", help=help)
            result = UNKNOWN
        return ParamEntry(item, module, result)
    arguments = tuple(declared_type(argument.type, module.schema, problems) for argument in item.arguments)
    _distinct([argument.name for argument in item.arguments], "argument", problems)
    return DefineEntry(item, module, arguments, result)


def _enter(name: Name, entry: Entry, module: Module, problems: Problems) -> None:
    """Enter one name, once."""
    known = module.schema
    if name.text in RESERVED | WORDS or name.text in known.collections or name.text in known.kinds:
        problems.error(
            "E104", name.span, f"`{name.text}` already means something in the language", help="choose another name"
        )
    elif name.text in module.entries or name.text in module.imports:
        problems.error("E104", name.span, f"`{name.text}` is declared a second time", help="choose another name")
    else:
        module.entries[name.text] = entry


def _import(item: syntax.Import, module: Module, libraries: Mapping[str, Module], problems: Problems) -> None:
    """Enter an imported library under its alias, or the last part of its name."""
    name = item.module.text
    library = libraries.get(name)
    if library is None:
        near = closest(name, libraries)
        help = f"did you mean `{near}`?" if near else "name its file or folder on the command line"
        problems.error("E112", item.module.span, f"there is no library `{name}`", help=help, suggestion=near)
    alias = item.alias.text if item.alias is not None else name.rpartition(".")[2]
    if alias in RESERVED or alias in module.schema.collections:
        message = f"`{alias}` already means something in the language"
        problems.error("E104", item.span, message, help="import it `as` another name")
    elif alias in module.imports or alias in module.entries:
        problems.error("E104", item.span, f"`{alias}` is declared a second time", help="import it `as` another name")
    else:
        module.imports[alias] = ImportEntry(item, library)


def _distinct(names: list[Name], what: str, problems: Problems) -> None:
    seen: set[str] = set()
    for name in names:
        if name.text in seen:
            problems.error("E104", name.span, f"the {what} `{name.text}` is there twice", help="choose another name")
        seen.add(name.text)


# ---------------------------------------------------------------------------- kinds of documents


def _kinds(module: Module, problems: Problems) -> None:
    """Enter the kinds of documents that a policy declares, so that every expression knows their records."""
    kinds: dict[str, Mapping[str, Field]] = {}
    types: dict[str, str] = {}
    for item in module.file.items:
        if not isinstance(item, syntax.EvidenceKind) or module.file.kind != "policy":
            continue
        name = item.name.text
        if name in RESERVED or f"{name}s" in RESERVED or name in kinds:
            problems.error("E104", item.name.span, f"the kind `{name}` is there already", help="choose another name")
            continue
        artifact_type = item.artifact_type.value
        if (other := types.setdefault(artifact_type, name)) != name:
            message = f"`{other}` is what documents of the type `{artifact_type}` are already"
            problems.error("E104", item.artifact_type.span, message, help="declare all of their fields in one kind")
        kinds[name] = {
            **CUSTOM_FIELDS,
            **{spec.name: Field(spec.type, spec.optional) for spec in fields_of(item, problems)},
        }
    module.schema = Schema(kinds)


def fields_of(item: syntax.EvidenceKind, problems: Problems) -> tuple[checked.CustomField, ...]:
    """The fields of a declared kind; what is wrong with them is reported."""
    if MEDIA_TYPE.fullmatch(item.artifact_type.value) is None:
        problems.error(
            "E124", item.artifact_type.span, f"`{item.artifact_type.value}` is not an artifact type",
            help="it is a media type: `application/vnd.acme.coverage+json`",
        )  # fmt: skip
    _distinct([field.name for field in item.fields], "field", problems)
    return tuple(_field(field, problems) for field in item.fields)


def _field(field: syntax.EvidenceField, problems: Problems) -> checked.CustomField:
    name, type_ = field.name.text, declared_type(field.type, Schema(), problems)
    if name in CUSTOM_FIELDS:
        problems.error("E104", field.name.span, f"every document has a `{name}` already", help="choose another name")
    if type_ != UNKNOWN and (type_.container or type_.name not in CUSTOM_TYPES):
        help = f"a field of a document is one of {', '.join(CUSTOM_TYPES)}"
        problems.error("E124", field.type.span, f"a document has no {type_} in it", help=help)
    path = field.path.value if field.path is not None else name
    if not path or any(not part for part in path.split(".")):
        assert field.path is not None
        problems.error(
            "E124", field.path.span, f"`{path}` is not a path", help="write names with dots: `totals.percent`"
        )
    return checked.CustomField(name, type_, field.optional, path)


def document_kinds(schema: Schema) -> tuple[str, ...]:
    """Every kind of document that a policy knows."""
    return (*DOCUMENTS, *schema.kinds)
