"""The list of decisions names every page by its title."""

from pathlib import Path

ADR = Path(__file__).resolve().parents[2] / "docs" / "adr"


def test_every_decision_is_listed_by_its_number_and_title() -> None:
    listed = (ADR / "README.md").read_text(encoding="utf-8").splitlines()
    pages = sorted(ADR.glob("0*.md"))
    for page in pages:
        number, _, title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").partition(". ")
        assert page.name[:4] == f"{int(number):04}"
        assert f"| [{page.name[:4]}]({page.name}) | {title} |" in listed
    assert len({page.name[:4] for page in pages}) == len(pages)
    assert len([line for line in listed if line.startswith("| [")]) == len(pages)
