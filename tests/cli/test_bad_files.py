"""Bad policies, bad trust, and files that may not be read: all of it is found before anything is decided."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests import example
from tests.cli.bounded import DEEP, file, refused, sentence
from tests.cli.example import evaluate
from tests.command import policyengine
from tests.engine import layouts

pytestmark = pytest.mark.usefixtures("limited")

IMAGE = f"{example.LAYOUT}@{example.digest('clean')}"
POLICY = (example.POLICIES / "order-api.policy").read_bytes()
TRUST_POLICY = (example.FOLDER / "notation" / "trustpolicy.json").read_text()


# Policies


POLICY_FILES = {
    "Latin-1": (b'policy p "caf\xe9"', "is not UTF-8 text: line 1, byte 14"),
    "UTF-16": ('policy p "x"'.encode("utf-16"), "is not UTF-8 text"),
    "50 MB": (b"#" * 50_000_000, "is larger than 4194304 bytes"),
}


@pytest.mark.parametrize("name", POLICY_FILES)
def test_a_policy_file_that_is_no_text(name: str, tmp_path: Path) -> None:
    content, said = POLICY_FILES[name]

    refused(evaluate(IMAGE, policies=file(tmp_path, content)), 2, said)


def test_a_folder_without_policies(tmp_path: Path) -> None:
    (tmp_path / "folder.policy").mkdir()
    for folder in (tmp_path, tmp_path / "folder.policy"):
        refused(evaluate(IMAGE, policies=folder), 2, "no `*.policy` file in")


@pytest.mark.parametrize(("target", "said"), [("/dev/zero", "is larger than"), ("/nowhere", "no such file"), (".", "")])
def test_a_link_that_leads_to_no_policy(target: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "p.policy").symlink_to(target)

    refused(evaluate(IMAGE, policies=tmp_path), 2, said)


BROKEN = {
    "a name": ('policy p\nrule r deny "t"\n  require imag is signed\n', 3, 11, "there is no `imag`"),
    "nothing": ("", 1, 1, "the file is empty"),
    "a NUL": ('policy p\nrule r deny "t\0" require image is signed', 2, 15, "the character U+0000"),
    "parentheses": (f'policy p\nrule r deny "t" require {"(" * 100_000}', 2, 0, "nested deeper than 100 levels"),
    "negations": (f'policy p\nrule r deny "t" require {"not " * 100_000}', 2, 0, "nested deeper than 100 levels"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_policy_that_does_not_compile_is_shown_with_its_place(name: str, tmp_path: Path) -> None:
    text, line, column, said = BROKEN[name]
    path = file(tmp_path, text)
    finished = evaluate(IMAGE, policies=path)

    assert (finished.code, finished.out) == (2, "")
    assert said in finished.err
    assert re.search(rf"--> {re.escape(str(path))}:{line}:{column or '[0-9]+'}\n", finished.err)
    assert len(re.findall(r"^error\[PE120\]", finished.err, re.MULTILINE)) == 1
    assert len(finished.err) < 3_000


def test_parameters_and_environments_that_nobody_declares(tmp_path: Path) -> None:
    policies = file(tmp_path, 'policy p\nparam most: int\nrule r deny "t"\n  forbid more than most finding\n')

    refused(evaluate(IMAGE, policies=policies), 2, "the parameter `most` of `p` has no value")
    refused(evaluate(IMAGE, "--param", "mots=1", policies=policies), 2, "no policy has a parameter `mots`")
    refused(evaluate(IMAGE, "--param", "most=many", policies=policies), 2, "`many` is not an int")
    refused(evaluate(IMAGE, "--param", "most", policies=policies), 2, "`most` is not a parameter")
    refused(evaluate(IMAGE, "--environment", "prod"), 2, "no policy has an environment `prod`")
    assert evaluate(IMAGE, "--param", "most=5", policies=policies).code == 0


# Trust


TRUST_POLICIES = {
    "a member": (
        TRUST_POLICY.replace("registryScopes", "registryScope"),
        r'"registryScope" \(.*, line 6, column \d+\)',
    ),
    "a level": (TRUST_POLICY.replace("strict", "strickt"), r'"strickt".* \(.*, line 10, column \d+\)'),
    "a comma": (TRUST_POLICY.replace("],\n", "]\n", 1), r"line 9, column \d+"),
    "its end": (TRUST_POLICY[:100], r"ends too early \(.*, line 6, column \d+\)"),
    "nesting": (DEEP.decode(), r"nested deeper than 32 levels \(.*, line 1, column 33\)"),
    "a repetition": (TRUST_POLICY.replace("{", '{"version": "1.0",', 1), r"the same key occurs twice"),
    "nothing": ("", "the text is empty"),
    "size": (" " * 100_000_000, "has more than 1048576 bytes"),
}


@pytest.mark.parametrize("name", TRUST_POLICIES)
def test_a_trust_policy_with_a_mistake(name: str, tmp_path: Path) -> None:
    content, said = TRUST_POLICIES[name]
    finished = evaluate(IMAGE, "--trust-policy", file(tmp_path, content, "trustpolicy.json"))

    refused(finished, 2)
    assert re.search(said, sentence(finished))


def test_trust_that_is_not_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing.json", ".", "pipe"):
        refused(evaluate(IMAGE, "--trust-policy", tmp_path / name), 2, "trust policy")
    refused(evaluate(IMAGE, "--trust-store", tmp_path), 2, "has no folder x509")


# Permissions


@pytest.mark.usefixtures("unprivileged")
def test_files_that_may_not_be_read(layout: Path, tmp_path: Path) -> None:
    policy = file(tmp_path, POLICY)
    trust = file(tmp_path, TRUST_POLICY, "trustpolicy.json")
    roles = {role: layouts.blob(layout, digest) for digest, role in layouts.roles().items()}
    image = f"{layout}@{example.digest('clean')}"
    assert evaluate(image, "--trust-policy", trust, policies=policy).code == 0

    policy.chmod(0)
    refused(evaluate(image, policies=policy), 2, "cannot read", "permission denied")
    trust.chmod(0)
    refused(evaluate(image, "--trust-policy", trust), 2, "cannot be read: permission denied")
    roles["clean/scan/document"].chmod(0)
    report = evaluate(image, "-o", "json").json
    assert report["decision"] in ("deny", "error")
    roles["clean"].chmod(0)
    unread = evaluate(image)
    assert unread.code in (1, 3)
    assert "permission denied" in sentence(unread)


@pytest.mark.usefixtures("unprivileged")
def test_a_folder_of_policies_that_may_not_be_listed_is_not_empty(tmp_path: Path) -> None:
    folder = tmp_path / "policies" / "hidden"
    folder.mkdir(parents=True)
    file(tmp_path / "policies", POLICY)
    folder.chmod(0)

    refused(evaluate(IMAGE, policies=tmp_path / "policies"), 2, "cannot read the folder")


def test_a_pipe_in_a_folder_of_policies_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.policy")

    finished = policyengine("check", str(tmp_path), timeout=20)

    assert finished.code == 2
    assert "is a pipe" in finished.err


@pytest.mark.parametrize("options", [("--timeout", "-1"), ("--timeout", "nan"), ("--workers", "0")])
def test_bounds_that_are_none_are_refused_for_layouts_too(options: tuple[str, str]) -> None:
    layout = ("--oci-layout", f"{example.LAYOUT}:clean", "--repository", example.REPOSITORY)

    finished = policyengine("eval", *layout, *options, str(example.POLICIES))

    assert finished.code == 2


@pytest.mark.parametrize("value", ["1_0", " 5 ", "٣", "9" * 5000])
def test_a_number_on_the_command_line_is_written_as_in_the_language(value: str, tmp_path: Path) -> None:
    policy = tmp_path / "p.policy"
    policy.write_text('policy p\nparam n: int = 1\nrule a deny "t"\n  forbid more than n finding\n', encoding="utf-8")

    layout = ("--oci-layout", f"{example.LAYOUT}:clean", "--repository", example.REPOSITORY)
    finished = policyengine("eval", *layout, "--param", f"n={value}", str(policy))

    assert finished.code == 2
    assert len(finished.err) < 600
