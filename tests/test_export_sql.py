"""SQL, as DuckDB, SQLite and PostgreSQL run it."""

import datetime
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from databases import in_duckdb, in_postgres, in_sqlite
from export_models import HOSTILE, models
from shoal import LOSSES, Model, Parameters, export_model
from shoal.errors import ParameterError, ShoalError
from shoal.export.prepared import Cells, Outputs, Prepared, deviation, vectors
from shoal.export.sql import Sql, check_names
from shoal.export.target import Measured
from shoal.table import Column, Columns
from sound_models import BINNED, POSITIONS, SOUND, make_model

Ask = Callable[..., Outputs]
ENGINES = ["duckdb", "postgres", "sqlite"]
DRAWN = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module", params=ENGINES)
def ask(request: pytest.FixtureRequest) -> Ask:
    """What a database says of rows, by statement, model and rows."""
    if request.param == "postgres":
        connection = request.getfixturevalue("postgres")
        return lambda *given: in_postgres(connection, *given)
    return {"duckdb": in_duckdb, "sqlite": in_sqlite}[request.param]


@pytest.fixture(params=ENGINES)
def execute(request: pytest.FixtureRequest) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """Runs statements in a database that is empty at first, and gives the last one's rows."""

    def run(statement: str) -> list[tuple[Any, ...]]:
        found = connection.execute(statement)
        return found.fetchall() if found is not None and found.description else []

    if request.param == "postgres":
        connection = request.getfixturevalue("postgres")
        with connection.transaction(force_rollback=True):
            yield run
    else:
        connect = {"duckdb": duckdb.connect, "sqlite": sqlite3.connect}[request.param]
        connection = connect(":memory:")
        yield run
        connection.close()


def can_be_named(model: Model) -> bool:
    """Whether a table can have columns of these names; see `test_names_that_no_sql_can_say`."""
    try:
        check_names(Prepared(model))
    except ShoalError:
        return False
    return True


def statement_of(model: Model, **options: Any) -> str:
    """The statement of a model."""
    return Sql(**options).write(Prepared(model), "m", Measured()).decode()


def sizable(n_h: int, n_x: int) -> Model:
    """A network of so many units and plain columns."""
    columns = Columns(tuple(Column(f"column {k}", "number") for k in range(n_x)))
    return make_model(
        LOSSES["sigmoid"](),
        n_h=n_h,
        columns=columns,
        activation="relu",
        classes=np.array(["no", "yes"]),
    )


@DRAWN
@given(model=models().filter(can_be_named))
def test_any_model(ask: Ask, model: Model) -> None:
    """Whatever its kind and its names: to 1e-9, the same class, in the rows' order."""
    prepared = Prepared(model)
    cells = vectors([entry.column for entry in prepared.inputs], 40, seed=1)
    expected = prepared.reference(cells)
    outputs = ask(statement_of(model), prepared, cells)
    assert deviation(outputs, expected) <= 1e-9
    assert outputs.labels == expected.labels


@pytest.mark.parametrize("name", SOUND)
def test_export_model(name: str, tmp_path: Path) -> None:
    """It writes the statement if SQLite answers rightly; the header says how rightly."""
    path = tmp_path / "m.sql"
    exported = export_model(SOUND[name], path, check=True)
    assert exported.measured.deviation <= 1e-12
    assert f"-- In SQLite: {exported.measured}.\n" in path.read_text(encoding="utf-8")


def test_models_of_the_usual_size(ask: Ask) -> None:
    """518 units of 45 inputs run in every database."""
    model = sizable(518, 45)
    prepared = Prepared(model)
    cells: Cells = list(np.random.default_rng(0).normal(size=(45, 50)))
    outputs = ask(statement_of(model), prepared, cells)
    assert deviation(outputs, prepared.reference(cells)) <= 1e-12


def test_wide_models(ask: Ask) -> None:
    """500 columns of hostile names run in every database, and 1,500 inputs of one column."""
    levels = tuple(f"town {k}" for k in range(1499))
    towns = Column("town", "category", levels=levels, shares=(1 / 1500,) * 1500, others=True)
    columns = tuple(Column(f"{k} {HOSTILE[k % 17]}", "number") for k in range(500))
    for some in (columns, (towns,)):
        model = make_model(LOSSES["identity"](), columns=Columns(some))
        prepared = Prepared(model)
        cells = vectors(some, 3)
        outputs = ask(statement_of(model), prepared, cells)
        assert deviation(outputs, prepared.reference(cells)) <= 1e-12


def test_many_classes(ask: Ask) -> None:
    """100 classes run in every database, the first of equals chosen."""
    classes = np.array([f"class {k}" for k in range(100)])
    model = make_model(LOSSES["softmax"](), n_y=100, columns=POSITIONS, classes=classes)
    model.parameters.W2[7], model.parameters.b2[7] = model.parameters.W2[3], 9.0
    model.parameters.b2[3] = 9.0
    prepared = Prepared(model)
    cells = vectors([entry.column for entry in prepared.inputs], 4)
    outputs = ask(statement_of(model), prepared, cells)
    assert deviation(outputs, prepared.reference(cells)) <= 1e-12
    assert outputs.labels == prepared.reference(cells).labels
    assert "class 3" in outputs.labels


def test_size() -> None:
    """100 units of 30 columns are within 200 kB, and twice the units are twice the size."""
    one, two, four = (len(statement_of(sizable(n, 30))) for n in (100, 200, 400))
    assert one <= 200_000
    assert abs((four - two) - 2 * (two - one)) < 0.05 * four


def test_rows_ids_and_clashes(execute: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """Every row comes back once, in order, with all its columns; a name that is there stays."""
    columns = Columns((Column("shoal_row", "number"), Column("prediction", "number", missing=0.5)))
    model = make_model(LOSSES["identity"](), columns=columns)
    statement = statement_of(model, table='my "data"; --')
    table = '"my ""data""; --"'
    execute(f"CREATE TABLE {table} (id TEXT, shoal_row FLOAT, prediction FLOAT, extra INTEGER)")
    rows = [("b", 0.5, None, 7), ("a", None, 2.0, None), (None, 0.5, None, 7), ("b", 0.5, None, 7)]
    for row in rows:
        values = ", ".join("NULL" if v is None else f"'{v}'" for v in row)
        execute(f"INSERT INTO {table} VALUES ({values})")
    answer = execute(statement)
    assert [row[1:-1] for row in answer] == rows
    assert [row[0] for row in answer] == [1, 2, 3, 4]
    X = {"shoal_row": [0.5, np.nan, 0.5, 0.5], "prediction": [np.nan, 2.0, np.nan, np.nan]}
    expected = Prepared(model).reference([np.array(v) for v in X.values()]).values
    np.testing.assert_allclose([row[-1:] for row in answer], expected, atol=1e-12)
    assert 'AS "prediction_2"' in statement
    execute(f"CREATE VIEW scored AS {statement.rstrip().removesuffix(';')}")
    assert execute("SELECT * FROM scored ORDER BY 1") == answer


def test_missing_values(execute: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """NULL is missing; so are NaN and infinity where there are any, and an empty text."""
    model = make_model(LOSSES["identity"](), columns=Columns((Column("x", "number", missing=0.5),)))
    execute("CREATE TABLE data (x DOUBLE PRECISION)")
    values = ["NULL"]
    if execute("SELECT CAST('NaN' AS DOUBLE PRECISION)") != [(0.0,)]:  # as SQLite says, without NaN
        texts = ("NaN", "Infinity", "-Infinity")
        values += [f"CAST('{text}' AS DOUBLE PRECISION)" for text in texts]
    execute(f"INSERT INTO data VALUES ({'), ('.join(values)}), (0.25)")
    answer = [row[-1] for row in execute(statement_of(model))]
    missing, known = Prepared(model).reference([np.array([np.nan, 0.25])]).values[:, 0]
    np.testing.assert_allclose(answer, [missing] * len(values) + [known], atol=1e-12)
    execute("CREATE TABLE texts (x TEXT)")
    execute("INSERT INTO texts VALUES (''), ('0.25')")
    answer = [row[-1] for row in execute(statement_of(model, table="texts"))]
    np.testing.assert_allclose(answer, [missing, known], atol=1e-12)


def test_dates(execute: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """Dates, times, and texts that are either, count days since 1970, leap years included."""
    columns = Columns((Column("day", "date", center=0.0, scale=1.0, missing=0.5),))
    parameters = Parameters(
        np.zeros((0, 2)), np.zeros((0, 1)), np.array([[1.0, -1.0]]), np.zeros((1, 1))
    )
    model = Model(parameters, "tanh", LOSSES["identity"](), columns)
    moments = [
        *("1970-01-01", "1970-12-31", "1969-12-31", "2000-02-29", "2000-03-01", "1900-03-01"),
        *("2024-02-29", "2023-12-31 23:59:59", "2026-11-25 06:30:00.25", "0001-01-01"),
        *("9999-12-31", "2100-02-28", "2100-03-01"),
    ]
    first = datetime.datetime(1970, 1, 1)
    days = [
        (datetime.datetime.fromisoformat(text) - first) / datetime.timedelta(days=1)
        for text in moments
    ]
    for kind in ("TEXT", "TIMESTAMP"):
        execute(f"CREATE TABLE data_{kind} (day {kind})")
        values = ", ".join(f"('{text}')" for text in moments)
        execute(f"INSERT INTO data_{kind} VALUES {values}, (NULL)")
        answer = [row[-1] for row in execute(statement_of(model, table=f"data_{kind}".lower()))]
        np.testing.assert_allclose(answer, [*days, -1.0], rtol=0, atol=1e-9)
    execute("CREATE TABLE numbers (day FLOAT)")
    execute("INSERT INTO numbers VALUES (-0.5), (18262.25)")
    answer = [row[-1] for row in execute(statement_of(model, table="numbers"))]
    np.testing.assert_allclose(answer, [-0.5, 18262.25], rtol=0, atol=1e-9)
    execute("CREATE TABLE dates (day DATE)")
    execute("INSERT INTO dates VALUES ('2024-03-01')")
    assert execute(statement_of(model, table="dates"))[0][-1] == pytest.approx(19783.0)


def test_types_that_read_as_others(execute: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """Booleans that are, or 0 and 1; levels that are whole numbers, in whatever type."""
    columns = Columns(
        (
            Column("wet", "boolean", center=0.5, scale=0.5),
            Column("rooms", "category", levels=("1", "2"), shares=(0.5, 0.25), others=False),
        )
    )
    model = make_model(LOSSES["identity"](), columns=columns)
    expected = Prepared(model).reference([np.array([1.0, 0.0, np.nan]), ["1", "2", None]]).values
    for kinds, rows in {
        ("BOOLEAN", "INTEGER"): "(TRUE, 1), (FALSE, 2), (NULL, NULL)",
        ("INTEGER", "DOUBLE PRECISION"): "(1, 1.0), (0, 2.0), (NULL, NULL)",
        ("TEXT", "TEXT"): "('true', '1'), ('False', '2'), ('', NULL)",
    }.items():
        execute("DROP TABLE IF EXISTS data")
        execute(f"CREATE TABLE data (wet {kinds[0]}, rooms {kinds[1]})")
        execute(f"INSERT INTO data VALUES {rows}")
        answer = [row[-1:] for row in execute(statement_of(model))]
        np.testing.assert_allclose(answer, expected, atol=1e-12)


def test_extreme_scores(ask: Ask) -> None:
    """Scores of ±1e5 overflow nothing, and underflow nothing: PostgreSQL makes errors of both."""
    losses = {"sigmoid": 1, "softmax": 3, "poisson": 1, "identity": 1}
    for name, n_y in losses.items():
        for activation in ("sigmoid", "tanh", "softplus", "gelu", "silu"):
            model = make_model(
                LOSSES[name](),
                n_y=n_y,
                columns=POSITIONS,
                activation=activation,
                classes=np.arange(max(2, n_y)) if name in ("sigmoid", "softmax") else None,
            )
            prepared = Prepared(model)
            cells: Cells = [np.array([1e5, -1e5, 1e3, 0.0, 1e-9]), np.array([-1e5, 3e4, 0, 1, 1])]
            expected = prepared.reference(cells)
            outputs = ask(statement_of(model), prepared, cells)
            assert outputs.values is not None
            assert expected.values is not None
            np.testing.assert_allclose(outputs.values, expected.values, rtol=1e-9, atol=1e-9)


def test_intervals(ask: Ask) -> None:
    """A regression with residuals gives the interval of `predict_interval`, of any coverage."""
    training = {"residuals": [np.linspace(0, 3, 11).tolist()]}
    model = make_model(LOSSES["identity"](), columns=POSITIONS, training=training)
    assert ask(statement_of(model), Prepared(model), [np.zeros(2), np.ones(2)]).values is not None
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE data (x1 REAL, x2 REAL)")
        database.execute("INSERT INTO data VALUES (0.5, -1)")
        answer = database.execute(statement_of(model, coverage=0.5))
    assert [name for name, *_ in answer.description][3:] == ["prediction", "lower", "upper"]
    expected = model.predict_interval(np.array([[0.5, -1.0]]), 0.5)
    np.testing.assert_allclose(answer.fetchone()[4:], expected[0], atol=1e-12)
    database.close()


def test_names_are_those_of_predict() -> None:
    """As `shoal predict --proba` calls them."""
    named = re.findall(r'AS "(.*)"(?:,|\n)', statement_of(SOUND["multiclass"]).split("SELECT")[-1])
    assert named == ["prediction", "probability_1", "probability_2", "probability_9"]
    named = re.findall(r'AS "(.*)"(?:,|\n)', statement_of(SOUND["quantile"]).split("SELECT")[-1])
    assert named == ["prediction_0.1", "prediction_0.5", "prediction_0.9"]


def test_a_column_that_is_not_there_is_an_error() -> None:
    """SQLite, too, says so, which takes a name in quotes for a text if there is no such column."""
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE data (x1 REAL)")
        with pytest.raises(sqlite3.OperationalError, match="no such column"):
            database.execute(statement_of(SOUND["huber"]))
    database.close()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "A"), "'a' and 'A' are the same to a database"),
        (("x" * 63 + "1", "x" * 63 + "2"), "looks at 63 bytes"),
        (("a\0b",), "holds a NUL"),
        (("",), "one of this model has none"),
        (("True",), "a truth value to SQLite"),
        (("\ud800",), "cannot be written in SQL"),
    ],
)
def test_names_that_no_sql_can_say(names: tuple[str, ...], message: str) -> None:
    """They are refused, with the reason."""
    columns = Columns(tuple(Column(name, "number") for name in names))
    with pytest.raises(ShoalError, match=message):
        statement_of(make_model(LOSSES["identity"](), columns=columns))


def test_refusals() -> None:
    """More inputs than a database has columns, a table without a name, a coverage of 1."""
    levels = tuple(f"{k}" for k in range(2000))
    many = Column("town", "category", levels=levels, shares=(0.0005,) * 2000)
    with pytest.raises(ShoalError, match="databases have at most 1,600"):
        statement_of(make_model(LOSSES["identity"](), columns=Columns((many,))))
    classes = np.array([f"{k}" for k in range(201)])
    with pytest.raises(ShoalError, match="more than 200 are too many"):
        statement_of(make_model(LOSSES["softmax"](), n_y=201, classes=classes))
    nul = make_model(LOSSES["sigmoid"](), columns=Columns(()), classes=np.array(["a", "b\0c"]))
    with pytest.raises(ShoalError, match="holds a NUL"):
        statement_of(nul)
    for table in ("", "a..b", 3):
        with pytest.raises(ParameterError, match="table must be the name of a table"):
            Sql(table=table)
    with pytest.raises(ParameterError, match="coverage must be between 0 and 1"):
        Sql(coverage=0.0)


def test_a_table_in_a_schema(tmp_path: Path) -> None:
    """Its name is schema.table, each part quoted for itself."""
    path = tmp_path / "m.sql"
    export_model(
        make_model(LOSSES["softmax"](), n_y=3, columns=BINNED, classes=np.arange(3)),
        path,
        check=True,
        table="sales.new customers",
    )
    assert 'FROM "sales"."new customers" AS shoal_table' in path.read_text(encoding="utf-8")
