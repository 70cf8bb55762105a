"""The JSON export says everything that another runtime needs."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import json_reader
from export_models import HOSTILE, KINDS, hostile_model, make_model, models
from shoal import Model, export_model
from shoal.export.prepared import Outputs, Prepared, deviation, harmless
from shoal.export.target import Measured


def read(model: Model) -> dict:
    """The document of a model."""
    from shoal.export.json import Json

    return json.loads(Json().write(Prepared(model), "model.json", Measured()))


@pytest.mark.parametrize(("task", "activation"), KINDS)
def test_a_reader_that_knows_only_the_page(task: str, activation: str) -> None:
    """Sixty lines written from docs/export.md compute the test vectors."""
    model = make_model(task, activation)
    document = read(model)
    test = document["test"]
    answers = [json_reader.predict(document, row) for row in test["rows"]]
    scores, values = (np.array(part) for part in zip(*answers, strict=True))
    expected = Prepared(model).expected
    assert deviation(Outputs(scores, values, None), expected) < 1e-12
    assert test["scores"] == expected.scores.tolist()
    assert test["values"] == expected.values.tolist()
    assert test["labels"] == (expected.labels or [])


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.text(), min_size=2, max_size=2, unique=True),
    st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True),
    st.integers(0, 7),
    st.booleans(),
)
def test_any_text_is_a_name(names: list[str], levels: list[str], bins: int, others: bool) -> None:
    """Names and levels are any text at all; what the reader makes of the document is right."""
    from export_models import category, number
    from shoal.table import Columns

    columns = Columns(
        (number(names[0], bins=bins), category(names[1], tuple(levels), others=others))
    )
    model = make_model("regression", "silu", columns, seed=bins)
    document = read(model)
    assert [column["name"] for column in document["columns"]] == names
    got = [json_reader.predict(document, row)[0] for row in document["test"]["rows"]]
    assert deviation(Outputs(np.array(got), None, None), Prepared(model).expected) < 1e-12


def test_the_document_is_ascii_with_a_row_a_line(tmp_path: Path) -> None:
    """No character has a meaning to who embeds it, and a diff shows what changed."""
    model = hostile_model(40)
    export_model(model, tmp_path / "model.json")
    text = (tmp_path / "model.json").read_text(encoding="ascii")
    document = json.loads(text)
    assert document["classes"] == sorted(HOSTILE)
    assert sum(line.startswith('{"name"') for line in text.splitlines()) == 40


def test_the_file_is_what_is_checked(tmp_path: Path) -> None:
    """A number changed in the file shows in the outputs: the check reads the file."""
    from shoal.export.json import Json

    model = make_model("regression", "tanh")
    export_model(model, tmp_path / "model.json")
    document = json.loads((tmp_path / "model.json").read_text())
    document["b2"][0] += 0.5
    (tmp_path / "model.json").write_text(json.dumps(document))
    prepared = Prepared(model)
    outputs = Json().run(tmp_path / "model.json", prepared, prepared.rows)
    np.testing.assert_allclose(outputs.scores - prepared.expected.scores, 0.5)


def test_comments_cannot_be_left() -> None:
    """What a comment says of a name has no character that ends a comment anywhere."""
    for name in HOSTILE:
        words = harmless(name)
        assert not set(words) & set("*/\\?<>\"'`#@\n\r")
        assert words.isprintable()
        assert len(words) <= 60


@settings(max_examples=8, deadline=None)
@given(models())
def test_any_model(tmp_path_factory: pytest.TempPathFactory, model: Model) -> None:
    """Whatever the columns, their names, the task and the network: to 1e-12."""
    path = tmp_path_factory.mktemp("any") / "model.json"
    assert export_model(model, path, check=True).measured.other_class == 0
