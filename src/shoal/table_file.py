"""Tables from files and pipes, and back: CSV in its dialects, JSON lines, Parquet.

What the bytes are counts for more than what the file is called. polars reads what is regular; a
JSON it refuses is read again by the standard library, object by object, which either reads it or
says which one is wrong. `shoal.table_csv` does the same for CSV.
"""

import difflib
import gzip
import io
import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from shoal.atomic import atomic_write
from shoal.errors import DataError, ParameterError
from shoal.table_csv import read_csv
from shoal.table_text import read_text_columns

FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
FOREIGN = (  # what people hand over instead of a table, by its first bytes
    (b"PK\x03\x04", "a zip archive or an Excel workbook: unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV"),
    (b"%PDF", "a PDF: export the table as CSV"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"SQLite format 3\x00", "an SQLite database: export the table as CSV"),
    (b"\x89HDF", "an HDF5 file: export the table as CSV or Parquet"),
    (b"ARROW1", "an Arrow file: save the table as Parquet"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: decompress it first"),
    (b"\xfd7zXZ", "compressed with xz: decompress it first"),
    (b"BZh", "compressed with bzip2: decompress it first"),
    (b"\x80\x04\x95", "a Python pickle: save the table as CSV or Parquet"),
)
SAMPLE = 1 << 16  # characters looked at to tell text from other things


def load_table(
    source: str | os.PathLike[str],
    *,
    kinds: Mapping[str, str] | None = None,
    keep_others: bool = False,
) -> tuple[pl.DataFrame, list[str]]:
    """Read a table.

    Parameters
    ----------
    source : str or path
        A CSV (separated by comma, semicolon, tab or bar; UTF-8, UTF-16 or Windows-1252), JSON
        lines, JSON array or Parquet file, the text ones gzipped or not; "-" is standard input.
    kinds, keep_others
        What is known of the columns of a text file: see `shoal.table_text.read_text_columns`.

    Returns
    -------
    frame : DataFrame
        Columns of numbers, booleans, dates and texts; at least one of each, columns and rows.
    notes : list of str
        What was decided on the way, a sentence each.

    Raises
    ------
    DataError
        If it cannot be read, is no table, or has no rows. The message names the file, and where
        they are known the row and the column.
    """
    name = "standard input" if os.fspath(source) == "-" else str(source)
    try:
        data = _read_bytes(source)
        suffix = Path(name.lower().removesuffix(".gz")).suffix
        frame, notes = _parse(data, suffix, kinds, keep_others)
        if not frame.width:
            raise DataError("it has no columns")
        if not frame.height:
            raise DataError(f"it has column names but no rows: {', '.join(frame.columns[:8])}")
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    return frame, [f"{name}: {note}" for note in notes]


def write_table(frame: pl.DataFrame, target: str | os.PathLike[str]) -> None:
    """Write a table whole or not at all, in the format of the file's suffix; "-" is a CSV pipe.

    Raises
    ------
    ParameterError
        If the suffix is of no known format.
    ShoalError
        If the file cannot be written.
    """
    writers: dict[str, Callable[[io.BytesIO], object]] = {
        "csv": frame.write_csv,
        "tsv": lambda buffer: frame.write_csv(buffer, separator="\t"),
        "jsonl": frame.write_ndjson,
        "json": frame.write_json,
        "parquet": frame.write_parquet,
    }
    buffer = io.BytesIO()
    writers[table_format(target)](buffer)
    if os.fspath(target) == "-":
        rest = buffer.getbuffer()
        while rest:  # with PYTHONUNBUFFERED a write may do a part and say so
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
    else:
        with atomic_write(target) as file:
            file.write(buffer.getvalue())


def table_format(target: str | os.PathLike[str]) -> str:
    """The format that a file's suffix asks for; CSV for a pipe.

    Raises
    ------
    ParameterError
        If there is none.
    """
    if os.fspath(target) == "-":
        return "csv"
    suffix = Path(target).suffix.lower()
    if suffix not in FORMATS:
        raise ParameterError(
            f"{target}: the suffix '{suffix}' says no format to write; use one of: "
            + ", ".join(FORMATS)
        )
    return FORMATS[suffix]


# ---- bytes -------------------------------------------------------------------------------------


def _read_bytes(source: str | os.PathLike[str]) -> bytes:
    """All bytes of a file or of standard input, unzipped."""
    try:
        if os.fspath(source) == "-":
            data = sys.stdin.buffer.read()
        else:
            data = Path(source).read_bytes()
    except FileNotFoundError:
        raise DataError(f"there is no such file{_nearest_file(Path(source))}") from None
    except IsADirectoryError:
        raise DataError("this is a folder; name a file in it") from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}") from None
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"its gzip compression is damaged: {error}") from None
    if not data.strip():
        raise DataError("it is empty")
    return data


def _nearest_file(path: Path) -> str:
    """A hint for a mistyped name, or nothing."""
    if re.match(r"[a-z][a-z0-9+.-]+://", str(path).replace(":/", "://")):
        return "; shoal reads files and pipes, so download it first"
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return f": there is no folder {path.parent} either"
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""


def _parse(
    data: bytes, suffix: str, kinds: Mapping[str, str] | None, keep_others: bool
) -> tuple[pl.DataFrame, list[str]]:
    """A table from bytes: Parquet by its magic, JSON by its suffix or first character, else CSV."""
    if data.startswith(b"PAR1"):
        return _plain(_read_parquet(data))
    if FORMATS.get(suffix) == "parquet":
        raise DataError("it is called Parquet but is not: it does not begin with 'PAR1'")
    if suffix == ".shoal":
        raise DataError("this is a model, not a table; the model comes first, then the table")
    for magic, what in FOREIGN:
        if data.startswith(magic):
            raise DataError(f"this is {what}")
    text, notes = _decode(data)
    declared = FORMATS.get(suffix, "json" if text.lstrip()[:1] in ("{", "[") else "csv")
    comma_first = False
    if declared in ("json", "jsonl"):
        frame, more = _plain(_read_json(text))
    else:
        frame, comma_first, more = read_csv(text)
    typed, decisions = read_text_columns(
        frame, kinds=kinds, keep_others=keep_others, comma_first=comma_first
    )
    return typed, notes + more + decisions


def _decode(data: bytes) -> tuple[str, list[str]]:
    """Text from bytes, and what is special about its encoding."""
    notes = []
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
        notes.append("read as UTF-16")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            byte = data[error.start]
            encoding = (
                "cp1252" if all(c not in data for c in b"\x81\x8d\x8f\x90\x9d") else "latin-1"
            )
            text = data.decode(encoding)
            title = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}[encoding]
            notes.append(f"not UTF-8 (byte {byte:#04x} in line {line}), so read as {title}")
    start = text[:SAMPLE]
    control = len(re.findall(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", start))
    if "\0" in text or control > 1 + len(start) / 100:
        raise DataError("this is not text, and no other format that is known: not a table")
    return text, notes


# ---- JSON and Parquet --------------------------------------------------------------------------


def _read_json(text: str) -> pl.DataFrame:
    """Columns from a JSON array of objects, or from one object a line."""
    is_array = text.lstrip().startswith("[")
    read: Any = pl.read_json if is_array else pl.read_ndjson
    try:
        frame: pl.DataFrame = read(text.encode(), infer_schema_length=None)
        return frame
    except pl.exceptions.PolarsError:
        return pl.DataFrame(list(_records(text, is_array)), infer_schema_length=None, strict=False)


def _records(text: str, is_array: bool) -> Iterator[dict[str, Any]]:
    """Objects of a JSON array, or of JSON lines, each checked to be one."""
    decode = json.JSONDecoder().decode
    place, at = ("item" if is_array else "line"), 0
    try:
        values: Iterable[Any] = (
            decode(text)
            if is_array
            else (decode(line) for line in text.split("\n") if line.strip())
        )
        for at, value in enumerate(values, start=1):
            if not isinstance(value, dict):
                raise DataError(f'{place} {at} is not a JSON object like {{"column": value}}')
            yield value
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{place} {at + 1} is not JSON: {error}") from None


def _read_parquet(data: bytes) -> pl.DataFrame:
    """Columns of a Parquet file."""
    try:
        return pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"this Parquet file is damaged: {error}") from None


def _plain(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Only numbers, truths, dates and texts; other columns are left out, and said to be."""
    notes = []
    columns = []
    for series in frame:
        dtype = series.dtype
        if dtype.is_decimal():
            series = series.cast(pl.Float64)
        elif dtype in (pl.Categorical, pl.Enum):
            series = series.cast(pl.String)
        elif dtype == pl.Duration:
            series = series.dt.total_microseconds() / 1e6
        elif not (
            dtype.is_numeric() or dtype in (pl.Boolean, pl.String, pl.Null, pl.Date, pl.Datetime)
        ):
            notes.append(f"column '{series.name}' is left out: it holds {dtype}")
            continue
        columns.append(series)
    return pl.DataFrame(columns), notes
