"""The twelve equations: each label is where it should be, and docs/equations.md is true."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NETWORK = ROOT / "src" / "shoal" / "network.py"
PAGE = ROOT / "docs" / "equations.md"
GOLDEN = json.loads((ROOT / "tests" / "golden" / "course.json").read_text(encoding="utf-8"))
LABELS = [f"Eq {number}" for number in range(1, 13)]

# The same mathematics in other languages carries the same labels, from the day it is there.
TWINS = [
    path
    for path in (
        ROOT / "kernel" / "network.h",
        ROOT / "src" / "shoal" / "playground" / "engine.js",
    )
    if path.exists()
]

# Rows of the tables on the page, by their first cell.
ROWS = {
    cells[0]: cells[1:]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) > 1
}


def mentions(text: str, label: str) -> bool:
    """Whether a label occurs, alone or in a list or range such as "Eq 1, 2" or "Eq 7-11"."""
    wanted = int(label.removeprefix("Eq "))
    for numbers in re.findall(r"\bEq (\d+(?:(?:, | and | to |-)\d+)*)", text):
        parts = [int(number) for number in re.findall(r"\d+", numbers)]
        if "-" in numbers or " to " in numbers:
            parts = list(range(parts[0], parts[-1] + 1))
        if wanted in parts:
            return True
    return False


def claims() -> dict[str, str]:
    """Docstring of every test function here."""
    return {
        node.name: ast.get_docstring(node) or ""
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


TESTS = claims()
every_label = pytest.mark.parametrize("label", LABELS)


@every_label
@pytest.mark.parametrize("path", [NETWORK, PAGE, *TWINS], ids=lambda path: path.name)
def test_each_label_stands_beside_its_code_and_on_the_page(path: Path, label: str) -> None:
    """network.py, each of its twins in other languages, and the page carry all twelve labels."""
    assert mentions(path.read_text(encoding="utf-8"), label)


@every_label
def test_each_label_stands_in_a_test(label: str) -> None:
    """At least one test says in its docstring that it proves the equation."""
    assert any(mentions(docstring, label) for docstring in TESTS.values())


@every_label
def test_the_quoted_line_is_the_line_with_that_label(label: str) -> None:
    """The Python line in the table is code of network.py, and its comment has the label."""
    quoted = ROWS[label][2].strip("`")
    source = NETWORK.read_text(encoding="utf-8").splitlines()
    lines = [line.partition("  # ") for line in source]
    assert any(code.strip() == quoted and mentions(note, label) for code, _, note in lines)


@every_label
def test_the_named_test_exists_and_claims_the_equation(label: str) -> None:
    """The test in the table is there, and its docstring has the label."""
    name = ROWS[label][3].strip("`")
    assert mentions(TESTS[name], label)


def test_every_test_that_the_page_names_exists() -> None:
    """No section leans on a test that is not there."""
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
    assert named
    assert named <= TESTS.keys()


def test_figures_on_the_page_are_the_recorded_ones() -> None:
    """The tables of initial scales and of sharpness, and the last lines that differ."""
    scales = GOLDEN["vanishing"]["by_scale"]
    for scale, entry in scales.items():
        assert float(ROWS[scale][0]) == entry["g_prime"]
        assert float(ROWS[scale][1]) == pytest.approx(entry["cost"], rel=2e-3)
    iterations = [cell.replace(",", "") for cell in ROWS["seed 2, iteration"]]
    sharpness = dict(zip(iterations, map(float, ROWS["sharpness"]), strict=True))
    assert sharpness == GOLDEN["sharpness"]["by_seed"]["2"]
    published = GOLDEN["train_flower"]["runs"][0]["later"]["8000"].values()
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"{cost:.6f}" in text for cost in published)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see Eq 1", ["Eq 1"]),
        ("Eq 12", ["Eq 12"]),
        ("(Eq 1, 2, 3)", ["Eq 1", "Eq 2", "Eq 3"]),
        ("Eq 7, 8, 10 and 11", ["Eq 7", "Eq 8", "Eq 10", "Eq 11"]),
        ("Eq 9-11", ["Eq 9", "Eq 10", "Eq 11"]),
        ("Eq 1 to 4", ["Eq 1", "Eq 2", "Eq 3", "Eq 4"]),
        ("equation 1, or Seq 1", []),
    ],
)
def test_labels_are_read_as_people_read_them(text: str, found: list[str]) -> None:
    """Eq 1 is not in "Eq 12", and lists and ranges count."""
    assert [label for label in LABELS if mentions(text, label)] == found
