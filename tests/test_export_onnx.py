"""ONNX, as onnxruntime runs it."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command_line import PENGUINS
from export_models import HOSTILE, models
from shoal import LOSSES, Model, Parameters, export_model, load_model
from shoal.errors import ParameterError, ShoalError
from shoal.export.onnx import Onnx, feed
from shoal.export.prepared import Prepared, vectors
from shoal.export.target import Measured
from shoal.table import Column, Columns
from sound_models import BINNED, COLUMNS, POSITIONS, SOUND, make_model

# What runs in browsers, on phones and on other accelerators, too; LabelEncoder, for texts, and
# IsNaN are those that not all of them have.
OPERATORS = """
    Abs Add ArgMax Cast Clip Concat Div Equal Exp Gather Greater Identity IsNaN LabelEncoder Log
    MatMul Max Min Mul Neg Relu Reshape Sigmoid Softmax Sub Tanh TopK Where
"""


def graph_of(model: Model, **options: object) -> onnx.ModelProto:
    """The graph of a model."""
    content = Onnx(**options).write(Prepared(model), "m", Measured())
    return onnx.load_from_string(content)


def session_of(graph: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Ready to run."""
    return onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def numbers(n_columns: int) -> Columns:
    """As many columns of numbers, with and without bins, and of texts."""
    kinds = (
        lambda name: Column(name, "number", scale=2.0, missing=0.1),
        lambda name: Column(name, "number", edges=(0.0, 0.5, 2.0), shares=(0.5, 0.25)),
        lambda name: Column(name, "category", levels=("a", "b"), shares=(0.5, 0.5)),
    )
    return Columns(tuple(kinds[k % 3](f"{HOSTILE[k % 17]} {k}") for k in range(n_columns)))


@settings(max_examples=60, deadline=None)
@given(models().filter(lambda model: model.columns.slots), st.sampled_from(["float", "double"]))
def test_any_model(tmp_path_factory: pytest.TempPathFactory, model: Model, dtype: str) -> None:
    """Whatever its kind and its names, it says the same: to 1e-6 in float, to 1e-12 in double.

    The whole check of the onnx package is in the writing.
    """
    prepared, target = Prepared(model), Onnx(dtype=dtype)
    path = tmp_path_factory.mktemp("onnx") / "m.onnx"
    path.write_bytes(target.write(prepared, "m", Measured()))
    cells = vectors([entry.column for entry in prepared.inputs], 60, seed=1)
    expected = prepared.reference(cells)
    outputs = target.run(path, prepared, cells)
    assert target.deviation(outputs, expected) <= target.tolerance(prepared)
    assert outputs.labels == expected.labels or dtype == "float"


@pytest.mark.parametrize("name", SOUND)
def test_export_model(name: str, tmp_path: Path) -> None:
    """It writes the file if what onnxruntime says of it is right; the file says how right."""
    path = tmp_path / "m.onnx"
    if name == "no inputs":
        with pytest.raises(ShoalError, match="uses no column"):
            export_model(SOUND[name], path)
        return
    exported = export_model(SOUND[name], path, check=True)
    assert exported.measured.deviation <= 1e-6
    said = {item.key: item.value for item in onnx.load(path).metadata_props}
    assert said["measured"] == str(exported.measured)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m.onnx"]  # no data beside it


def test_as_its_user_calls_it(model: Path, tmp_path: Path) -> None:
    """The lines that the export prints run on a data frame, missing values and all."""
    path = tmp_path / "penguins.onnx"
    fitted = load_model(model)
    usage = export_model(fitted, path).usage.replace("'penguins.onnx'", repr(str(path)))
    table = pd.read_csv(PENGUINS)
    names = {"onnxruntime": onnxruntime, "table": table}
    exec(usage, names)
    labels, probabilities = names["answer"]
    assert labels.tolist() == fitted.predict(table).tolist()
    assert np.abs(probabilities - fitted.predict_proba(table)).max() < 1e-5  # itself in float
    array = make_model(LOSSES["identity"](), columns=POSITIONS)
    usage = export_model(array, path).usage.replace("'penguins.onnx'", repr(str(path)))
    names |= {"X": np.array([[0.5, np.nan], [1.0, 2.0]])}
    exec(usage, names)
    assert np.abs(names["answer"][0][:, 0] - array.predict(names["X"])).max() < 1e-6


def test_outputs() -> None:
    """Their names, types and shapes are those of sklearn-onnx, without maps."""
    rows = {"binary": 2, "multiclass": 3}
    for name, n in rows.items():
        label, probabilities = session_of(graph_of(SOUND[name])).get_outputs()
        assert (label.name, label.shape) == ("label", ["rows"])
        assert label.type == {"binary": "tensor(string)", "multiclass": "tensor(int64)"}[name]
        assert (probabilities.name, probabilities.shape) == ("probabilities", ["rows", n])
        assert probabilities.type == "tensor(float)"
    label, probabilities = session_of(graph_of(SOUND["multilabel"])).get_outputs()
    assert (label.shape, probabilities.shape) == (["rows", 2], ["rows", 2])
    (prediction,) = session_of(graph_of(SOUND["huber"])).get_outputs()
    assert (prediction.name, prediction.shape) == ("prediction", ["rows", 1])


def test_intervals() -> None:
    """A regression with residuals gives the interval of `predict_interval`, of any coverage."""
    training = {"residuals": [np.linspace(0, 3, 11).tolist()]}
    model = make_model(LOSSES["identity"](), columns=POSITIONS, training=training)
    X = np.array([[0.0, 1.0], [2.0, -1.0]])
    for coverage in (0.5, 0.9):
        session = session_of(graph_of(model, coverage=coverage))
        _, lower, upper = session.run(None, {"X": X})
        expected = model.predict_interval(X, coverage)
        np.testing.assert_allclose(np.hstack([lower, upper]), expected, atol=1e-6)
    with pytest.raises(ParameterError, match="coverage must be between 0 and 1"):
        Onnx(coverage=1.0)


def test_any_number_of_rows() -> None:
    """One row, none and many."""
    prepared = Prepared(SOUND["bins"])
    session = session_of(graph_of(SOUND["bins"]))
    for n in (0, 1, 333):
        cells = vectors([entry.column for entry in prepared.inputs], n)
        labels, probabilities = session.run(None, feed(prepared, cells))
        assert labels.shape == (n,)
        assert probabilities.shape == (n, 3)


def test_many_columns_are_few_nodes() -> None:
    """500 columns have the nodes of 50, but for one encoder of each column of texts."""
    small, large = (
        graph_of(make_model(LOSSES["sigmoid"](), columns=numbers(n), classes=np.array([0, 1])))
        for n in (50, 500)
    )

    def encoders(graph: onnx.ModelProto) -> int:
        return sum(node.op_type == "LabelEncoder" for node in graph.graph.node)

    assert encoders(large) == 166
    assert len(large.graph.node) - encoders(large) == len(small.graph.node) - encoders(small)


def test_names() -> None:
    """What ONNX cannot have as a name gets another, and the file says which."""
    names = ("", "label", "a\0b", "a_b", "probabilities", "MatMul_7")
    columns = Columns(tuple(Column(name, "number") for name in names))
    model = make_model(LOSSES["sigmoid"](), columns=columns, classes=np.array(["a", "b"]))
    graph = graph_of(model)
    inputs = [value.name for value in session_of(graph).get_inputs()]
    assert inputs == ["_", "label_", "a_b", "a_b_", "probabilities_", "MatMul_7"]
    said = {item.key: item.value for item in graph.metadata_props}
    assert {c["column"]: c["input"] for c in json.loads(said["columns"])} == dict(
        zip(names, inputs, strict=True)
    )


def test_missing_texts() -> None:
    """A missing text is "", or, where that is a level, the text that the file names."""
    prepared = Prepared(SOUND["binary"])
    graph = graph_of(SOUND["binary"])
    said = json.loads({item.key: item.value for item in graph.metadata_props}["columns"])
    assert said[1]["missing"] == "?"  # COLUMNS has the level ""
    said = json.loads(
        {item.key: item.value for item in graph_of(SOUND["bins"]).metadata_props}["columns"]
    )
    assert said[2]["missing"] == ""
    assert prepared.inputs[1].column is COLUMNS.columns[2]
    assert BINNED.columns[2].name == said[2]["column"]


def test_metadata_has_test_vectors() -> None:
    """The file itself says what it must answer: rows, missing as null, and values."""
    graph = graph_of(SOUND["quantile"])
    said = {
        item.key: json.loads(item.value) for item in graph.metadata_props if item.value[0] in "[{"
    }
    vectors_of_file = said["test_vectors"]
    X = np.array([[np.nan if v is None else v for v in row] for row in vectors_of_file["rows"]])
    (prediction,) = session_of(graph).run(None, {"X": X})
    assert np.abs(prediction - vectors_of_file["values"]).max() < 1e-6
    assert np.isnan(X).any()


def test_versions_and_operators() -> None:
    """Opset 13, IR 7, and none but operators that are widely there, for every model."""
    used = set()
    for name, model in SOUND.items():
        if name != "no inputs":
            graph = graph_of(model)
            assert {(o.domain, o.version) for o in graph.opset_import} == {
                ("", 13),
                ("ai.onnx.ml", 2),
            }
            assert graph.ir_version == 7
            assert not any(tensor.external_data for tensor in graph.graph.initializer)
            used |= {node.op_type for node in graph.graph.node}
    assert used <= set(OPERATORS.split())


def test_large_units_are_computed_in_double() -> None:
    """Two units a thousand times the others', as a skip's are, cost no digits in float."""
    rng = np.random.default_rng(0)
    n_x, n_h = 30, 64
    columns = Columns(tuple(Column(f"x{k}", "number") for k in range(n_x)))
    W1, W2 = rng.normal(size=(n_h, n_x)), rng.normal(size=(1, n_h)) / n_h
    W1[-1] = -W1[-2]
    b1 = rng.normal(size=(n_h, 1))
    W1[-2:], b1[-2:, 0], W2[:, -2:] = 30 * W1[-2:], [2000.0, -2000.0], [1.0, -1.0]
    parameters = Parameters(W1, b1, W2, np.full((1, 1), -2000.0))
    prepared = Prepared(Model(parameters, "relu", LOSSES["identity"](), columns))
    X = rng.normal(size=(2000, n_x))
    graph = onnx.load_from_string(Onnx().write(prepared, "m", Measured()))
    (prediction,) = session_of(graph).run(None, feed(prepared, list(X.T)))
    expected = prepared.reference(list(X.T)).values
    assert np.abs(prediction - expected).max() < 1e-7 * expected.std()


def test_timestamps_keep_their_digits() -> None:
    """Seconds since 1970 within an hour, for which float has no digits left."""
    columns = Columns((Column("time", "number", center=1.7e9, scale=1040.0),))
    W1 = np.array([[1e-3], [-2e-3]])
    parameters = Parameters(W1, -W1 * 1.7e9, np.ones((1, 2)), np.zeros((1, 1)))
    prepared = Prepared(Model(parameters, "tanh", LOSSES["identity"](), columns))
    cells = [np.linspace(1.7e9 - 3000, 1.7e9 + 3000, 101)]
    graph = onnx.load_from_string(Onnx().write(prepared, "m", Measured()))
    (prediction,) = session_of(graph).run(None, feed(prepared, cells))
    assert np.abs(prediction - prepared.reference(cells).values).max() < 1e-6


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ONNX's float cannot hold, a name that is no text, and a missing package."""
    large = Parameters(np.full((2, 2), 1e39), np.ones((2, 1)), np.ones((1, 2)), np.ones((1, 1)))
    model = Model(large, "tanh", LOSSES["identity"](), POSITIONS)
    with pytest.raises(ShoalError, match="choose dtype=double"):
        graph_of(model)
    assert graph_of(model, dtype="double")
    surrogate = Columns((Column("\ud800", "number"),))
    with pytest.raises(ShoalError, match="cannot be written in ONNX"):
        graph_of(make_model(LOSSES["identity"](), columns=surrogate))
    with pytest.raises(ParameterError, match="dtype must be float or double"):
        Onnx(dtype="half")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ShoalError, match=r"pip install 'shoal\[onnx\]'"):
        graph_of(SOUND["huber"])
