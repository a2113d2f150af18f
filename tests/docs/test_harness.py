"""The harness that executes the documentation complains of what is not so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import policies, sessions
from tests.docs.pages import Block

RULE = 'rule a deny "t"\n  require image is signed\n'


def complaints(text: str, info: str = "policy") -> str:
    return "\n".join(policies.complaints(policies.case([Block("page.md", 1, info, text)])))


WRONG = [
    # the kind of block, its text, and what is complained of
    ("policy", f'policy p\n{RULE}test "t" expect allow\n', "t: expected `allow`"),
    ("policy", f"policy p\n{RULE}  message 3\n", "line 4: E002 is not marked"),
    ("policy", f"policy p\nlet a = 1\n{RULE}", "line 2: W201 is not marked"),
    ("policy", f"policy p\n{RULE}# error E101\n", "line 4: E101 is marked and not found"),
    ("policy", 'policy p\nrule a deny "t"\n  require image # error E101\n', "line 3: E103 is not marked"),
    ("policy", 'policy p\nrule a deny "t"\n  require image # error E103: severity\n', "does not say `severity`"),
    ("policy", 'policy p\nrule a deny "t"\n  require image # error E103, E103\n', "E103 is marked and not found"),
    ("policy fragment", 'test "t" expect allow\n', "t: expected `allow`"),
    ("policy fragment", RULE.replace("signed", "sined"), "is not marked"),
    ("policy conditions finding", "finding.fix\n", "E103 is not marked"),
    ("policy conditions image", "image is signed\nimage.siz > 3\n", "line 3: E102 is not marked"),
]


@pytest.mark.parametrize(("info", "text", "complaint"), WRONG)
def test_complains(info: str, text: str, complaint: str) -> None:
    assert complaint in complaints(text, info)


RIGHT = [
    ("policy", f'policy p\n{RULE}test "t" expect deny by a\n'),
    ("policy", 'policy p\nrule a deny "t"\n  require image # error E103: bool | true or false\n'),
    ("policy fragment", "let unused = 1\n"),
    ("policy conditions finding", "finding.fix is present\n\nfinding.severity > 3 # error E103\n"),
    ("policy", f"policy p\nlet 1 # error E002\n# and so on, 3 times\n{RULE}"),
]


@pytest.mark.parametrize(("info", "text"), RIGHT)
def test_does_not_complain(info: str, text: str) -> None:
    assert complaints(text, info) == ""


def test_files_of_one_set_are_compiled_together() -> None:
    one = Block("page.md", 1, "policy set x", f"policy p\n{RULE}")
    other = Block("page.md", 9, "policy set x", 'tests for p\ntest "t" expect allow\n')

    assert policies.complaints(policies.case([one, other]))[0].startswith("t: expected `allow`")


# ---------------------------------------------------------------------------- commands


def test_a_session_prints_what_the_command_prints(tmp_path: Path) -> None:
    session = sessions.Session(tmp_path)
    session.play(Block("page.md", 1, "policy file p.policy", f'policy p\n{RULE}test "t" expect allow\n'))

    played = session.play(Block("page.md", 9, "console", "$ policyengine test p.policy\nall is well\n$ echo $?\n0\n"))

    assert played.startswith("$ policyengine test p.policy\n")
    assert "1 test: 1 failed" in played
    assert played.endswith("$ echo $?\n1\n")
    assert str(tmp_path) not in played


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("policyengine eval --oci-layuot x:y p.policy", "--oci-layuot"),
        ("policyengine evaluate x", "no command `evaluate`"),
        ("policyengine check p.policy --environment dev", "--environment"),
        ("make nothing", "make knows no `nothing`"),
        ("polycyengine test", "no command that is known"),
    ],
)
def test_complains_of_a_command(line: str, complaint: str) -> None:
    assert complaint in "".join(sessions.wrong_commands(line))


@pytest.mark.parametrize(
    "line",
    [
        "policyengine eval registry.example.com/a@sha256:… policies/ -o json=decision.json  # decide",
        "NO_COLOR=1 policyengine check policies/ > problems.txt",
        "make test",
        "policyengine --version",
    ],
)
def test_does_not_complain_of_a_command(line: str) -> None:
    assert sessions.wrong_commands(line) == []
