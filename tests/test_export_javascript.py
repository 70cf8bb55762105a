"""The JavaScript export: run in Node, and called as its user would."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings

from export_models import HOSTILE, KINDS, PLAIN, category, hostile_model, make_model, models, number
from shoal import Model, export_model
from shoal.export.target import find_program, run_program
from shoal.table import Column, Columns

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def evaluate(model: Model, folder: Path, expression: str) -> object:
    """The value of an expression in which the module's functions are known."""
    export_model(model, folder / "model.mjs", check=True)
    script = folder / "evaluate.mjs"
    script.write_text(
        'import * as model from "./model.mjs";\n'
        "const error = (f) => { try { f(); } catch (e) { return `${e.name}: ${e.message}`; } };\n"
        f"console.log(JSON.stringify({expression}));\n",
        encoding="utf-8",
    )
    return json.loads(run_program([find_program(["node"], "Node"), script]))


@pytest.mark.parametrize(("task", "activation"), KINDS)
def test_it_computes_what_the_model_computes(task: str, activation: str, tmp_path: Path) -> None:
    """Scores, probabilities and classes, to 1e-12, for every output and activation."""
    done = export_model(make_model(task, activation), tmp_path / "model.js", check=True)
    assert done.measured.deviation <= 1e-12
    assert done.measured.other_class == 0


def test_rows_as_its_user_has_them(tmp_path: Path) -> None:
    """Objects in any order, arrays, dates, truths, numbers that name a level, undefined."""
    columns = Columns(
        (
            Column("day", "date", center=18262.5, scale=105.6),
            Column("wet", "boolean", center=0.25, scale=0.4),
            category("code", ("7", "2.5", "True")),
        )
    )
    pairs = evaluate(
        make_model("regression", "tanh", columns),
        tmp_path,
        """[
        [[18262.75, 1, "7"], { code: 7, day: new Date("2020-01-01T18:00Z"), wet: true }],
        [[18262, 0, "2.5"], [new Date("2020-01-01"), false, 2.5]],
        [[18262, 0, "True"], [18262, 0, true]],
        [[null, null, null], [undefined, NaN, NaN]],
        [[null, 0, null], [new Date(NaN), 0, null]],
        ].map((rows) => rows.map(model.predict))""",
    )
    for one, other in pairs:
        assert one == other
    assert len({one for one, _ in pairs}) == 5


def test_wrong_rows_are_errors(tmp_path: Path) -> None:
    """A column that lacks, a text for a number and a row too short are told, not guessed."""
    model = make_model("regression", "tanh", Columns((number("a"), number("toString"))))
    assert evaluate(
        model,
        tmp_path,
        """[error(() => model.predict({ a: 1 })), error(() => model.predict([1, "1"])),
        error(() => model.predict([1])), error(() => model.predict({ a: 1, toString: null }))]""",
    ) == [
        "TypeError: a row lacks the column toString",
        'TypeError: column toString needs a number, not "1"',
        "RangeError: a row has 2 values, not 1",
        None,
    ]


def test_intervals_are_the_models(tmp_path: Path) -> None:
    """The bounds of `Model.predict_interval`."""
    model = make_model("multi-output", "tanh", PLAIN, dtype="float64")
    got = evaluate(model, tmp_path, "model.intervals([52.5, 44])")
    right = model.predict_interval(np.array([[52.5, 44.0]]))
    np.testing.assert_allclose(got, right[0], atol=1e-12)


def test_it_measures_itself_and_leaves_no_script_element(tmp_path: Path) -> None:
    """In ASCII but for comments, and nothing in it ends a script element or begins a comment."""
    largest, classes = evaluate(
        hostile_model(30), tmp_path, "[model.largestDeviation(), model.CLASSES]"
    )
    assert largest <= 1e-12
    assert classes == sorted(HOSTILE)
    text = (tmp_path / "model.mjs").read_text(encoding="utf-8")
    assert "</script" not in text
    assert "<!--" not in text
    assert "-->" not in text


@settings(max_examples=8, deadline=None)
@given(models())
def test_any_model(tmp_path_factory: pytest.TempPathFactory, model: Model) -> None:
    """Whatever the columns, their names, the task and the network: to 1e-12."""
    path = tmp_path_factory.mktemp("any") / "model.mjs"
    assert export_model(model, path, check=True).measured.other_class == 0


def test_in_a_script_element_of_a_browser(tmp_path: Path, browser: "Browser") -> None:
    """The whole file, hostile names and all, inside a page: the test vectors come out."""
    export_model(hostile_model(30), tmp_path / "model.mjs")
    module = (tmp_path / "model.mjs").read_text(encoding="utf-8")
    page = browser.new_page()
    page.set_content(
        f'<meta charset="utf-8"><script type="module">{module}\n'
        "document.title = `deviation ${largestDeviation()} of ${TEST.rows.length}`;</script>"
    )
    page.wait_for_function("document.title.startsWith('deviation')", timeout=10_000)
    word, largest, *rest = page.title().split()
    page.close()
    assert (word, *rest) == ("deviation", "of", "24")
    assert float(largest) <= 1e-12
