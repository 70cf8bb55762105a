"""The command line as a process and on a terminal, and its page."""

import importlib.util
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from command_line import NEW, PENGUINS, QUICK, ROOT, shoal
from shoal import load_model
from shoal.cli.talk import ProgressLine, is_live, printable, sparkline
from shoal.history import Progress

# ---- the line of progress -----------------------------------------------------------------------


def at(iteration: int, max_iter: int = 10_000) -> Progress:
    """Progress as training reports it."""
    return Progress(iteration, max_iter, 1 / iteration, None, 0.1, None)  # type: ignore[arg-type]


def test_off_a_terminal_progress_is_a_dozen_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten thousand iterations are lines at 1, 2, 5, 10, ..., 10,000."""
    with ProgressLine("training", silent=False) as line:
        for iteration in range(1, 10_001):
            line(at(iteration))
    lines = capsys.readouterr().err.splitlines()
    shown = [int(line.split()[2].replace(",", "")) for line in lines]
    assert shown == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]


def test_a_sparkline_falls_with_the_loss() -> None:
    """From full to low, never longer than asked."""
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1]) == "█▇▆▅▄▃▂▁"
    assert len(sparkline(range(1000))) == 16
    assert sparkline([1.0]) == "▁"


def test_a_name_cannot_command_the_terminal(tmp_path: Path) -> None:
    """Escape sequences in column names and labels are spelled out, in talk and in tables."""
    assert printable("a\x1b[31mé\n") == "a\\x1b[31mé\n"
    table = tmp_path / "t.csv"
    labels = ["first", "second", "third\x1b[0m"]
    rows = [f"{i}.125,{labels[0 if i < 60 else 1 if i < 118 else 2]}" for i in range(120)]
    table.write_text("x\x1b[31m,y\n" + "\n".join(rows) + "\n")
    path = tmp_path / "m.shoal"
    fitted = shoal("fit", table, "-t", "y", "-o", path, *QUICK)
    texts = [fitted.stdout, fitted.stderr, shoal("inspect", path).stdout]
    assert not any("\x1b" in text for text in texts)
    assert "x\\x1b[31m" in fitted.stderr
    assert "third\\x1b[0m 2" in fitted.stderr


# ---- processes ----------------------------------------------------------------------------------


def command(*arguments: object) -> list[str]:
    """A command line for a process of its own."""
    return [sys.executable, "-m", "shoal", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """The environment of such a process: this source, and nothing that changes the talk."""
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "NO_COLOR", "TERM")}
    return kept | {"PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "error"} | more


def big_table(folder: Path) -> Path:
    """A table that takes seconds to learn."""
    random = np.random.default_rng(0)
    X = random.normal(size=(20_000, 10)).round(3)
    frame = pl.DataFrame(X, schema=[f"x{k}" for k in range(10)])
    path = folder / "big.csv"
    frame.with_columns(y=pl.Series((X[:, 0] * X[:, 1] > 0).astype(int))).write_csv(path)
    return path


def wait_for(path: Path, words: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a file of output has these words."""
    deadline = time.monotonic() + 60
    while words not in path.read_text():
        assert process.poll() is None, path.read_text()
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.02)


def test_ctrl_c_saves_the_best_model_so_far(tmp_path: Path) -> None:
    """During training it ends the fit with 130, within seconds, and a sound, scored model."""
    talk, path = tmp_path / "talk", tmp_path / "m.shoal"
    arguments = ["fit", big_table(tmp_path), "-t", "y", "-o", path, "--solver", "gd"]
    with talk.open("wb") as stderr:
        process = subprocess.Popen(
            command(*arguments, "--max-iter", 1_000_000),
            stderr=stderr,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        wait_for(talk, "iteration 2", process)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, talk.read_text()
    assert "Interrupted after" in talk.read_text()
    assert b"shoal" in out
    assert load_model(path).training["metrics"]["held_out"]["accuracy"] > 0.4


def test_ctrl_c_ends_tuning_with_the_best_trial_so_far(tmp_path: Path) -> None:
    """It ends with 130, a leaderboard, and a sound, scored model."""
    talk, path = tmp_path / "talk", tmp_path / "m.shoal"
    arguments = ["tune", PENGUINS, "-t", "species", "-o", path, "--trials", 100_000]
    with talk.open("wb") as stderr:
        process = subprocess.Popen(
            command(*arguments, "--members", 2, "--max-iter", 4),
            stderr=stderr,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        wait_for(talk, "trial 2", process)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, talk.read_text()
    assert "Interrupted. The best is number" in talk.read_text()
    assert b"log-loss" in out
    assert load_model(path).training["metrics"]["held_out"]["accuracy"] > 0.4


def test_ctrl_c_before_training_leaves_nothing(tmp_path: Path) -> None:
    """While it waits for a pipe the command ends with 130 and one word, without a file."""
    process = subprocess.Popen(
        command("fit", "-", "-t", "y", "-o", tmp_path / "m.shoal"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.decode().strip() == "shoal: interrupted"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_ends_the_command_quietly(
    unbuffered: str, model: Path, tmp_path: Path
) -> None:
    """Into a closed pipe a long prediction ends with 141 and says nothing."""
    table = tmp_path / "t.csv"
    header, *rows = NEW.read_text().splitlines()
    table.write_text("\n".join([header, *(rows * 20_000)]) + "\n")
    process = subprocess.Popen(
        command("predict", model, table, "-q"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED=unbuffered),
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as stderr:
        assert stderr.read() == b""
    assert process.wait(timeout=30) == 141


def on_terminal(arguments: Sequence[str], folder: Path, **env: str) -> str:
    """What a command writes when its stderr is a terminal."""
    main_end, other_end = pty.openpty()
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=other_end, cwd=folder, env=environment(**env)
    ) as process:
        os.close(other_end)
        written = b""
        while True:
            try:
                chunk = os.read(main_end, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            written += chunk
    os.close(main_end)
    assert process.returncode == 0, written
    return written.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_progress_is_a_live_line_only_on_a_terminal_that_can(tmp_path: Path) -> None:
    """One line is written over on a terminal; with NO_COLOR, CI or TERM=dumb lines follow lines."""
    fit = command("fit", PENGUINS, "-t", "species", "--holdout", 0, *QUICK)
    live = on_terminal(fit, tmp_path, TERM="xterm")
    assert "training  ▁  iteration 1 of at most 60" in live
    assert "\x1b[2K" in live  # what erases the line again
    assert "training:" not in live
    plain = on_terminal(fit, tmp_path, TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in plain
    assert "training: iteration 1 of at most 60" in plain


@pytest.mark.parametrize("variable", [("NO_COLOR", "1"), ("CI", "true"), ("TERM", "dumb")])
def test_what_turns_the_live_line_off(
    variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of three variables does, on what else is a terminal."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert is_live()
    monkeypatch.setenv(*variable)
    assert not is_live()


# ---- documents ----------------------------------------------------------------------------------


def maker() -> Any:
    """The module docs/make_cli.py."""
    path = ROOT / "docs" / "make_cli.py"
    spec = importlib.util.spec_from_file_location("make_cli", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_the_command_line_is_current() -> None:
    """docs/cli.md is what docs/make_cli.py makes of the commands."""
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == maker().page(), "run: python docs/make_cli.py"


def test_every_key_of_every_json_document_is_documented(model: Path, tmp_path: Path) -> None:
    """The page lists exactly the keys that each verb prints."""
    commands = {
        "fit": ("fit", PENGUINS, "-t", "species", "-o", tmp_path / "m.shoal", *QUICK),
        "tune": (
            *("tune", PENGUINS, "-t", "species", "-o", tmp_path / "m.shoal", *QUICK),
            *("--members", 2, "--trials", 2),
        ),
        "predict": ("predict", model, NEW),
        "predict -o": ("predict", model, NEW, "-o", tmp_path / "o.csv"),
        "evaluate": ("evaluate", model, PENGUINS),
        "explain": ("explain", model, PENGUINS),
        "explain --row": ("explain", model, PENGUINS, "--row", 1),
        "explain --row --math": ("explain", model, PENGUINS, "--row", 1, "--math"),
        "inspect": ("inspect", model),
        "report": ("report", model, PENGUINS, "-o", tmp_path / "r.html", "--no-rows"),
        "gradcheck": ("gradcheck", model, PENGUINS, "--rows", 20),
        "export": ("export", model, tmp_path / "model.py"),
        "doctor": ("doctor",),
    }
    for verb, arguments in commands.items():
        document = json.loads(shoal(*arguments, "--json").stdout)
        assert list(document) == list(maker().DOCUMENTS[verb])


@pytest.mark.parametrize(
    "verb",
    [
        "",
        "fit",
        "tune",
        "predict",
        "evaluate",
        "explain",
        "inspect",
        "report",
        "export",
        "gradcheck",
        "doctor",
    ],
)
def test_help_needs_nothing_heavy(verb: str) -> None:
    """To answer --help neither NumPy nor polars, scikit-learn or rich is imported."""
    code = (
        "import sys\nfrom shoal.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'numpy', 'polars', 'sklearn', 'rich', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    arguments = [verb, "--help"] if verb else ["--help"]
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment(), capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(f"Usage: shoal{' ' + verb if verb else ''} [OPTIONS]")
