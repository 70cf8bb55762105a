"""What README, docs and examples show is what happens.

In a Markdown file, a fenced `python` block is executed, all blocks of one file in one namespace,
and a `text` block after it is what it prints. A `console` block is a transcript: `$ ` starts a
command, the lines below it are what it prints on stdout and stderr together. Fences of other
languages are not executed. Commands run in an empty folder that has a copy of examples/.
"""

import contextlib
import io
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import shoal

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
SCRIPTS = sorted(ROOT.glob("examples/*.py"))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(
    r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[-+]?\d+)?(?: ?(?:ms|s|min|bytes)\b)?"
)


def same(shown: str, printed: str) -> bool:
    """Whether two outputs agree but for what differs between machines.

    Words and whole numbers are the same, spacing aside. Numbers with decimals agree to 5 % or
    0.02: another processor rounds otherwise, and training magnifies that. A duration is any
    duration, and a file size any size.
    """
    words = [NUMBER.sub("#", text).split() for text in (shown, printed)]
    numbers = [NUMBER.findall(text) for text in (shown, printed)]
    return words[0] == words[1] and all(map(close, *numbers))


def close(shown: str, printed: str) -> bool:
    """Whether two numbers agree in the sense of `same`."""
    if shown[-1].isalpha():
        return printed[-1].isalpha()
    if not set(shown) & set(".e"):
        return shown == printed
    a, b = (float(number.replace(",", "")) for number in (shown, printed))
    return abs(a - b) <= max(0.02, 0.05 * abs(a))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the examples, which is the current one, and can be imported from."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def run_command(command: str) -> str:
    """What a command prints, where `shoal` is the one under test and the terminal is plain."""
    shell = f'set -o pipefail; shoal() {{ "{sys.executable}" -m shoal "$@"; }}\n{command}'
    settings = {
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONUNBUFFERED": "1",  # stdout and stderr in the order of printing
        "SHOAL_ENGINE": "numpy",  # of which nothing is said where there is no compiler
        "PYTHONPATH": str(Path(shoal.__file__).parent.parent),
    }
    done = subprocess.run(
        ["bash", "-c", shell],
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def steps(page: Path) -> Iterator[tuple[str, str, str]]:
    """What a page executes: language, code, and the output that it shows."""
    fences = FENCE.findall(page.read_text(encoding="utf-8"))
    for (language, block), (next_language, next_block) in pairwise([*fences, ("", "")]):
        if language == "python":
            yield language, block, next_block if next_language == "text" else ""
        elif language == "console":
            for transcript in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = transcript.partition("\n")
                yield language, command, output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.usefixtures("folder")
def test_page(page: Path) -> None:
    """Every example on the page runs, in order, and prints what the page shows."""
    namespace: dict[str, object] = {}
    for language, code, shown in steps(page):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile(code, page.name, "exec"), namespace)
            printed = stdout.getvalue()
        else:
            printed = run_command(code)
        assert same(shown, printed), f"{page.name} shows for\n{code}\n{shown}\nand not\n{printed}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_script(script: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every example script is short, runs, and prints something."""
    runpy.run_path(str(folder / "examples" / script.name), run_name="__main__")
    assert capsys.readouterr().out
    assert len(script.read_text(encoding="utf-8").splitlines()) < 40


def test_flower_prints_the_published_costs(capsys: pytest.CaptureFixture[str]) -> None:
    """The flower example prints the costs of the course's exercise, to the last digit shown."""
    runpy.run_path(str(ROOT / "examples" / "flower.py"))
    costs = re.findall(r"update \d+: ([\d.]+)", capsys.readouterr().out)
    assert costs == ["0.693048", "0.288083", "0.254385", "0.233864", "0.226792"]


def test_equations_of_the_readme() -> None:
    """The lines of code that the README sets beside the equations are in network.py."""
    network = (ROOT / "src" / "shoal" / "network.py").read_text(encoding="utf-8")
    lines = re.findall(
        r"^\| Eq (\d+) \|.*\| `(.*)` \|$",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert [number for number, _ in lines] == ["1", "2", "3", "4"]
    for number, line in lines:
        assert f"{line}  # Eq {number}" in network


@pytest.mark.parametrize(
    ("shown", "printed", "agree"),
    [
        ("344 rows, 0.986", "344  rows,\n0.983\n", True),
        ("344 rows", "343 rows", False),
        ("accuracy 0.986", "accuracy 0.886", False),
        ("fitted in 0.4 s", "fitted in 12 s", True),
        ("fitted in 0.4 s", "fitted in vain", False),
        ("fitted in 0.4 s", "fitted in 0.4", False),
        ("saved (17,357 bytes)", "saved (17,402 bytes)", True),
        ("17,357 rows", "17,358 rows", False),
        ("species", "island", False),
        ("1.5", "1.5 2.5", False),
        ("bill_length_mm 43.92", "bill_length_mm 43.9", True),
    ],
)
def test_comparison_can_fail(shown: str, printed: str, agree: bool) -> None:
    """The comparison forgives rounding and durations, and nothing else."""
    assert same(shown, printed) is agree


def test_links() -> None:
    """Every relative link in a Markdown file leads to a file."""
    broken = [
        f"{page.name}: {target}"
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []
