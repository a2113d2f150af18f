from pathlib import Path

import pytest

from tests.command import policyengine

CROOKED = 'policy   p\nrule r deny "t"   require image   is signed\n'


@pytest.fixture
def crooked(tmp_path: Path) -> Path:
    path = tmp_path / "p.policy"
    path.write_text(CROOKED)
    return path


def test_files_are_brought_into_form_and_stay_so(crooked: Path) -> None:
    first = policyengine("fmt", crooked)
    assert (first.code, first.out) == (0, "1 file changed, 0 already in form\n")
    assert crooked.read_text() != CROOKED
    assert policyengine("fmt", crooked).out == "0 files changed, 1 already in form\n"
    assert policyengine("check", crooked).code == 0


def test_check_and_diff_change_nothing(crooked: Path) -> None:
    checked = policyengine("fmt", "--check", crooked)
    assert checked.code == 1
    assert f"would change {crooked}" in checked.out
    shown = policyengine("fmt", "--diff", crooked)
    assert shown.code == 1
    assert "-policy   p\n" in shown.out
    assert "+policy p\n" in shown.out
    assert crooked.read_text() == CROOKED
    policyengine("fmt", crooked)
    assert policyengine("fmt", "--check", crooked).code == 0


def test_a_mistake_of_syntax_changes_no_file_at_all(crooked: Path) -> None:
    (crooked.parent / "q.policy").write_text("policy q rule")
    ran = policyengine("fmt", crooked.parent)
    assert (ran.code, ran.out) == (2, "")
    assert "q.policy" in ran.err
    assert crooked.read_text() == CROOKED
