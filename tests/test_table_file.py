"""Tables from files and back: dialects of CSV, JSON, Parquet, types, notes, and exact errors."""

import csv
import datetime
import gzip
import io
import json
import random
from pathlib import Path

import polars as pl
import pytest

from shoal.errors import DataError, ParameterError
from shoal.table_csv import read_csv
from shoal.table_file import load_table, write_table
from shoal.table_text import MISSING, MISSING_UNLESS_TEXT, read_text_columns


def load(folder: Path, content: str | bytes, name: str = "table.csv") -> tuple[pl.DataFrame, str]:
    """The table of a file with this content, and all notes in one text."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    frame, notes = load_table(path)
    return frame, "\n".join(notes)


def typed(*values: str | None, **options: object) -> tuple[list[object], str]:
    """The values of one text column after it was read, and the notes."""
    frame = pl.DataFrame({"x": values}, schema={"x": pl.String})
    read, notes = read_text_columns(frame, **options)  # type: ignore[arg-type]
    return read["x"].to_list(), "\n".join(notes)


# ---- the same table in many forms ---------------------------------------------------------------

ROWS = [{"name": "Zoë, née X", "n": 1, "x": 1.5}, {"name": 'say "y"', "n": 20, "x": -0.25}]


def written(separator: str = ",", line_end: str = "\n") -> str:
    """ROWS as a CSV."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(ROWS[0]), delimiter=separator, lineterminator=line_end)
    writer.writeheader()
    writer.writerows(ROWS)
    return buffer.getvalue()


def parquet(frame: pl.DataFrame) -> bytes:
    """A frame as a Parquet file."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
FORMS = {
    "comma": ("t.csv", written().encode()),
    "semicolon": ("t.csv", written(";").encode()),
    "tab": ("t.tsv", written("\t").encode()),
    "bar": ("t.txt", written("|").encode()),
    "a suffix that says nothing": ("t.dat", written(";").encode()),
    "no suffix": ("t", written().encode()),
    "CRLF": ("t.csv", written(line_end="\r\n").encode()),
    "CR": ("t.csv", written(line_end="\r").encode()),
    "no end of the last line": ("t.csv", written().rstrip("\n").encode()),
    "empty lines around and between": (
        "t.csv",
        ("\n\n" + written().replace("\n", "\n\n")).encode(),
    ),
    "blanks around names and values": (
        "t.csv",
        b' name , n , x\n"Zo\xc3\xab, n\xc3\xa9e X", 1 , 1.5 \n"say ""y""",20,-0.25\n',
    ),
    "byte order mark": ("t.csv", written().encode("utf-8-sig")),
    "UTF-16": ("t.csv", written().encode("utf-16")),
    "Windows-1252": ("t.csv", written().encode("cp1252")),
    "a spreadsheet's hint": ("t.csv", b"sep=;\r\n" + written(";", "\r\n").encode()),
    "decimal comma": ("t.csv", written(";").replace("1.5", "1,5").replace("0.25", "0,25").encode()),
    "gzip": ("t.csv.gz", gzip.compress(written().encode())),
    "JSON lines": ("t.jsonl", LINES.encode()),
    "JSON lines without a suffix": ("t", LINES.encode()),
    "JSON lines with an empty line": ("t.ndjson", LINES.replace("\n", "\n\n").encode() + b"\n"),
    "JSON array": ("t.json", json.dumps(ROWS).encode()),
    "indented JSON array": ("t.json", json.dumps(ROWS, indent=2).encode()),
    "JSON with numbers as text": (
        "t.json",
        json.dumps([{k: str(v) for k, v in row.items()} for row in ROWS]).encode(),
    ),
    "Parquet": ("t.parquet", parquet(pl.DataFrame(ROWS))),
    "Parquet by another name": ("t.csv", parquet(pl.DataFrame(ROWS))),
}


@pytest.mark.parametrize("form", FORMS)
def test_one_table_in_many_forms_is_one_table(form: str, tmp_path: Path) -> None:
    """Dialect, encoding, compression and format do not change what is read, types included."""
    name, content = FORMS[form]
    frame, _ = load(tmp_path, content, name)
    assert frame.to_dicts() == ROWS
    assert frame.schema == {"name": pl.String, "n": pl.Int64, "x": pl.Float64}


@pytest.mark.parametrize("form", FORMS)
def test_a_pipe_is_read_like_a_file(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From standard input, where there is no suffix, every form is recognised all the same."""
    stdin = io.TextIOWrapper(io.BytesIO(FORMS[form][1]))
    monkeypatch.setattr("sys.stdin", stdin)
    assert load_table("-")[0].to_dicts() == ROWS


def test_a_plain_table_needs_no_note(tmp_path: Path) -> None:
    """Notes are for what is special: a comma-separated UTF-8 file has none."""
    assert load(tmp_path, "a,b\n1,x\n2,y\n")[1] == ""


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"a;b\n1;2\n", "separated by semicolons"),
        (b"a\tb\n1\t2\n", "separated by tabs"),
        ("a,b\n1,é\n".encode("cp1252"), "not UTF-8 (byte 0xe9 in line 2), so read as Windows-1252"),
        ("a,b\n1,é\x81\n".encode("latin-1"), "so read as Latin-1"),
        ("a,b\n1,2\n".encode("utf-16"), "read as UTF-16"),
        (b"a;b\n1,5;2\n", "a: numbers with a decimal comma"),
        (b'a,b\n"1,234",2\n', "a: numbers with separated thousands"),
        (b",b\n1,2\n", "column 1 has no name and is called column_1"),
        (b"5.1,3.5\n4.9,3.0\n", "is a row with names missing?"),
        (b"zip,b\n01234,2\n", "zip: leading zeros ('01234')"),
        (
            b"a\n1\n2\n3\n4\nfive\n",
            "a: read as text, since 1 of 5 values is no number: 'five' in row 5",
        ),
        (b"day,n\n31/12/2020,1\n01/02/2020,2\n", "write dates like 2026-11-23"),
    ],
)
def test_what_is_special_is_said(content: bytes, note: str, tmp_path: Path) -> None:
    """Every decision beyond the plain one is a note that begins with the file."""
    notes = load(tmp_path, content)[1]
    assert note in notes
    assert notes.startswith(str(tmp_path / "table.csv"))


# ---- types --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("1", "-2", "+3"), [1, -2, 3]),
        (("1", "2.5", "1e3", ".5"), [1.0, 2.5, 1000.0, 0.5]),
        (("12345678901234567890", "1"), [12345678901234567890.0, 1.0]),
        (("1,234.5", "12"), [1234.5, 12.0]),
        (("1 234", "5"), [1234, 5]),
        (("1.234.567,5", "2,25"), [1234567.5, 2.25]),
        (("true", "FALSE", "True"), [True, False, True]),
        (("yes", "no"), ["yes", "no"]),
        (("0", "1"), [0, 1]),
        (("007", "12"), ["007", "12"]),
        (("0.5", "-0.25"), [0.5, -0.25]),
        (("1", "2x"), ["1", "2x"]),
        (("0x10", "1_000"), ["0x10", "1_000"]),
        (("2020-02-29", "1969-07-20"), [datetime.date(2020, 2, 29), datetime.date(1969, 7, 20)]),
        (("2021-02-29", "2020-01-01"), ["2021-02-29", "2020-01-01"]),
        (
            ("2020-01-02 03:04", "2020-01-02T03:04:05.5"),
            [datetime.datetime(2020, 1, 2, 3, 4), datetime.datetime(2020, 1, 2, 3, 4, 5, 500_000)],
        ),
        (
            ("2020-01-02 03:04+02:00", "2020-01-02T01:04:00Z"),
            [datetime.datetime(2020, 1, 2, 1, 4, tzinfo=datetime.UTC)] * 2,
        ),
        (("2020-01-02 03:04Z", "2020-01-02 03:04"), ["2020-01-02 03:04Z", "2020-01-02 03:04"]),
        (("a", " b "), ["a", "b"]),
    ],
)
def test_a_column_has_the_first_type_that_fits_all_its_values(
    values: tuple[str, ...], expected: list[object]
) -> None:
    """Numbers in several styles, truths, ISO dates; else text; and values are exact."""
    read, _ = typed(*values, None)
    assert read == [*expected, None]
    assert [type(value) for value in read[:-1]] == [type(value) for value in expected]


def test_the_last_row_of_a_long_file_counts(tmp_path: Path) -> None:
    """A column of 100,000 whole numbers with a fraction at its end is a column of fractions."""
    frame, _ = load(tmp_path, "a,b\n" + "1,2\n" * 100_000 + "1.5,x\n")
    assert frame.dtypes == [pl.Float64, pl.String]


@pytest.mark.parametrize("word", [*MISSING, *MISSING_UNLESS_TEXT])
def test_words_for_nothing_are_missing_among_numbers(word: str) -> None:
    """Each of the words that stand for a missing value is one beside numbers."""
    assert typed("1", word, "2")[0] == [1, None, 2]


def test_words_that_may_be_names_stay_names_among_texts() -> None:
    """ "None" and "-" can be categories; "NA" and an empty cell cannot."""
    assert typed("wool", "None", "-", "NA", "")[0] == ["wool", "None", "-", None, None]


def test_a_comma_is_read_as_the_rest_of_the_file_suggests() -> None:
    """1,234 is a thousand where commas mark no decimals, and 1.234 where semicolons separate."""
    assert typed("1,234", "2,000")[0] == [1234, 2000]
    assert typed("1,234", "2,000", comma_first=True)[0] == [1.234, 2.0]


def test_a_label_stays_as_it_is_written() -> None:
    """A target column of truths or dates is text, spelled as in the file; one of numbers is not."""
    assert typed("True", "false", kinds={"x": "label"})[0] == ["True", "false"]
    assert typed("2020-01-01", "None", kinds={"x": "label"})[0] == ["2020-01-01", "None"]
    assert typed("1", "2", kinds={"x": "label"})[0] == [1, 2]


def test_columns_a_model_does_not_read_stay_as_they_are_written() -> None:
    """Blanks, zeros and words for nothing survive in columns that are only passed on."""
    values = ["007", " NA ", "1.50", "", "=1+1"]
    assert typed(*values, keep_others=True)[0] == values


def test_a_category_stays_text_in_a_file_where_it_looks_like_a_number() -> None:
    """Kinds are the model's: one row "1" of a category is the level "1", not a number."""
    assert typed("1", kinds={"x": "category"})[0] == ["1"]
    assert typed("007", kinds={"x": "number"})[0] == [7]
    assert typed("1", "0", kinds={"x": "boolean"})[0] == [1, 0]


@pytest.mark.parametrize(
    ("kind", "values"),
    [("number", ("1", "x")), ("boolean", ("true", "x")), ("date", ("2020-01-01", "x"))],
)
def test_a_value_of_another_kind_is_named(kind: str, values: tuple[str, ...]) -> None:
    """Text where the model had numbers, truths or dates is an error with column, row and value."""
    with pytest.raises(DataError, match=rf"column 'x' must hold a {kind}.*row 2 has 'x'"):
        typed(*values, kinds={"x": kind})


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,c\n1,2,3\n4,5\n", "row 2 (line 3) has 2 values, but there are 3 columns"),
        ("a,b,c\n1,2,3\n4,5,6,7\n", "row 2 (line 3) has 4 values, but there are 3 columns"),
        ("\n\na,b\n1,2\n\n3\n", "row 2 (line 6) has 1 value, but"),
        ('a,b\n1,"x\ny"\n3\n', "row 2 (line 4) has 1 value, but"),
        ("a\n1\n2,3\n", "row 2 (line 3) has 2 values, but there are 1 columns"),
        ('a,b\n1,"x\n2,y\n', "row 1 (up to line 3) cannot be read"),
        ("a,b,a\n1,2,3\n", "columns 1 and 3 are both called 'a'"),
        ("a,b\n", "it has column names but no rows: a, b"),
        ("", "it is empty"),
        (" \n\n", "it is empty"),
        (b"a,b\n1,\0\n", "this is not text"),
        (bytes(range(256)) * 4, "this is not text"),
        (b"PK\x03\x04" + b"x" * 50, "an Excel workbook"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\x1f\x8b\x08broken", "gzip compression is damaged"),
        (b"PAR1" + b"\0" * 30, "this Parquet file is damaged"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said(
    content: str | bytes, message: str, tmp_path: Path
) -> None:
    """A DataError names the file, and the row and line where there is one."""
    with pytest.raises(DataError) as caught:
        load(tmp_path, content)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "table.csv"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", '{"a": 1}\n{"a"\n', "line 2 is not JSON"),
        ("t.jsonl", '{"a": 1}\n[2]\n', "line 2 is not a JSON object"),
        ("t.json", '[{"a": 1}, 2]', "item 2 is not a JSON object"),
        ("t.json", '[{"a": 1}', "is not JSON"),
        ("t.json", "[]", "it has no columns"),
        ("t.json", '[{"a": [1, 2]}]', "it has no columns"),
        ("t.parquet", "a,b\n1,2\n", "called Parquet but is not"),
        ("t.shoal", "a,b\n1,2\n", "the model comes first"),
    ],
)
def test_what_is_wrong_with_other_files_is_said(
    name: str, content: str, message: str, tmp_path: Path
) -> None:
    """JSON errors name line or item; a file whose name lies is told so."""
    with pytest.raises(DataError) as caught:
        load(tmp_path, content, name)
    assert message in str(caught.value)


def test_deeply_nested_json_is_an_error_and_no_crash(tmp_path: Path) -> None:
    """A hundred thousand brackets are refused in words."""
    with pytest.raises(DataError):
        load(tmp_path, "[" * 100_000, "t.json")


def test_a_missing_file_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    """A mistyped name brings the right one, a folder and an address their own words."""
    (tmp_path / "penguins.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"no such file; did you mean .*penguins\.csv"):
        load_table(tmp_path / "pengiuns.csv")
    with pytest.raises(DataError, match="this is a folder"):
        load_table(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        load_table(tmp_path / "no" / "t.csv")
    with pytest.raises(DataError, match="download it first"):
        load_table("https://example.org/t.csv")


# ---- JSON and Parquet details -------------------------------------------------------------------


def test_json_that_only_python_reads_is_read(tmp_path: Path) -> None:
    """NaN, mixed numbers and truths, keys that come late: the second reader takes them."""
    frame, _ = load(tmp_path, '{"a": NaN, "b": true}\n{"a": 2, "b": 1, "c": "x"}\n', "t.jsonl")
    assert frame.columns == ["a", "b", "c"]
    assert frame["c"].to_list() == [None, "x"]
    assert frame["a"].to_list()[1] == 2


def test_columns_that_are_no_column_of_a_table_are_left_out(tmp_path: Path) -> None:
    """Lists and other structures are left out with a note; categories and decimals are read."""
    frame = pl.DataFrame(
        {
            "id": [1, 2],
            "list": [[1], [2, 3]],
            "category": pl.Series(["x", "y"], dtype=pl.Categorical),
            "price": pl.Series(["1.10", "2.20"]).str.to_decimal(scale=2),
            "took": [datetime.timedelta(seconds=90), None],
        }
    )
    read, notes = load(tmp_path, parquet(frame), "t.parquet")
    assert "column 'list' is left out: it holds List(Int64)" in notes
    assert read.to_dict(as_series=False) == {
        "id": [1, 2],
        "category": ["x", "y"],
        "price": [1.1, 2.2],
        "took": [90.0, None],
    }


# ---- what a table may not do --------------------------------------------------------------------


def test_polars_and_the_standard_library_read_the_same() -> None:
    """On 3,000 random texts of quotes, separators and line ends the fast way gives the slow's."""
    random_ = random.Random(0)
    characters = [
        "a",
        "1",
        "\n",
        "\n",
        ",",
        ",",
        " ",
        "é",
        '"x"',
        '"x,\n"',
        '""',
        ";",
        "\t",
        "\r\n",
    ]
    n_read = 0
    for _ in range(3_000):
        body = "".join(random_.choice(characters) for _ in range(random_.randrange(1, 30)))
        text = f"a,b\n{body}"
        try:
            expected = [tuple(row) for row in csv.reader(io.StringIO(text), strict=True) if row]
        except csv.Error:
            expected = None
        try:
            frame = read_csv(text)[0]
        except DataError:
            assert expected is None or any(
                len(row) != 2 and (len(row) > 1 or row[0].strip()) for row in expected
            ), repr(text)
            continue
        n_read += 1
        if expected is not None and frame.width == 2:
            assert frame.rows() == [row for row in expected[1:] if len(row) == 2], repr(text)
    assert n_read > 200


def test_broken_files_are_errors_in_words_and_nothing_else(tmp_path: Path) -> None:
    """Of 600 mutated text files and cut Parquet files each is a table or a DataError.

    Parquet is only cut: with other changes polars may ask for more memory than there is and end
    the process, which nothing in it can prevent.
    """
    random_ = random.Random(1)
    n_refused = 0
    for _ in range(600):
        form = random_.choice(list(FORMS))
        name, content = FORMS[form]
        data = bytearray(content)
        for _ in range(random_.randrange(1, 4)):
            at = random_.randrange(len(data))
            if "Parquet" in form:
                del data[at:]
            elif random_.random() < 0.3:
                del data[at : at + random_.randrange(1, 20)]
            else:
                data[at] = random_.randrange(256)
            if not data:
                break
        path = tmp_path / name
        path.write_bytes(bytes(data))
        try:
            frame, _ = load_table(path)
        except DataError:
            n_refused += 1
        else:
            assert frame.width >= 1
            assert frame.height >= 1
    assert 50 < n_refused < 550


# ---- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.json", "t.parquet"])
def test_what_is_written_is_read_again(name: str, tmp_path: Path) -> None:
    """Every format that can be written gives the same table back, float64 bit for bit."""
    frame = pl.DataFrame({"x": [0.1, 1 / 3, -1e-300], "s": ["a,b", 'q"', "=1+1"], "n": [1, 2, 3]})
    write_table(frame, tmp_path / name)
    assert load_table(tmp_path / name)[0].equals(frame)


def test_a_suffix_of_no_format_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """The message lists what there is."""
    with pytest.raises(ParameterError, match=r"'\.xlsx' says no format.*\.csv.*\.parquet"):
        write_table(pl.DataFrame({"a": [1]}), tmp_path / "t.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """Where the folder does not exist nothing appears, and the message names the file."""
    from shoal.errors import ShoalError

    with pytest.raises(ShoalError, match=r"cannot write .*t\.csv"):
        write_table(pl.DataFrame({"a": [1]}), tmp_path / "no" / "t.csv")
    assert not list(tmp_path.iterdir())
