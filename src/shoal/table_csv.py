"""CSV, whatever it was written by: the separator, the header, and cells as text.

polars reads what is regular. What it refuses, or may have misread, is read again row by row by
the standard library, which either reads it or says which row is wrong.
"""

import contextlib
import csv
import re
from collections.abc import Iterator

import polars as pl

from shoal.errors import DataError

SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}
SAMPLE = 1 << 16  # characters looked at to find the separator


def read_csv(text: str) -> tuple[pl.DataFrame, bool, list[str]]:
    """Read a CSV, every cell as text.

    Returns
    -------
    frame : DataFrame
    comma_first : bool
        Whether a comma in a number is likely a decimal one, as where semicolons separate.
    notes : list of str
        What was decided on the way.

    Raises
    ------
    DataError
        If two columns have one name, or a row has too many or too few cells; it names them.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    first = text.lstrip("\n")
    n_before = len(text) - len(first)
    text = first.rstrip("\n")
    declared = re.match(r'"?sep=(.)"?\n', text)  # a spreadsheet's hint to itself
    if declared:
        text, n_before = text[declared.end() :], n_before + 1
    separator = declared[1] if declared else _find_separator(text)
    names, notes = _clean_names(next(csv.reader(_lines(text), delimiter=separator)))
    if separator != ",":
        title = SEPARATORS.get(separator, repr(separator))
        notes.insert(0, f"columns are separated by {title}")
    frame = _read_cells(text, separator, len(names), n_before)
    frame.columns = names
    return frame, separator == ";", notes


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, without a second copy of it."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _find_separator(text: str) -> str:
    """The separator that occurs in the header and splits most rows into as many cells as it."""
    sample = text if len(text) <= SAMPLE else text[:SAMPLE].rpartition("\n")[0] or text[:SAMPLE]
    best, best_score = ",", (0.0, 0)
    for separator in ("\t", ";", "|", ","):
        try:
            reader = csv.reader(_lines(sample), delimiter=separator)
            counts = [len(row) for row in reader if row]
        except csv.Error:
            continue
        if counts and counts[0] > 1:
            score = (counts.count(counts[0]) / len(counts), counts[0])
            if score > best_score:
                best, best_score = separator, score
    return best


def _clean_names(names: list[str]) -> tuple[list[str], list[str]]:
    """Names without blanks around them, a name for the nameless, and what was done."""
    notes = []
    clean = [name.strip() for name in names]
    nameless = [k + 1 for k, name in enumerate(clean) if not name]
    for k in nameless:
        clean[k - 1] = f"column_{k}"
        notes.append(f"column {k} has no name and is called column_{k}")
    for k, name in enumerate(clean):
        if name in clean[:k]:
            raise DataError(
                f"columns {clean.index(name) + 1} and {k + 1} are both called '{name}'; "
                "rename one, or write a first row with names if there is none"
            )
    numbers = [name for name in clean if re.fullmatch(r"[+-]?\d+[.,]\d+", name)]
    if numbers:
        notes.append(
            f"the first row is taken for the names of the columns, and '{numbers[0]}' looks like "
            "a value; is a row with names missing?"
        )
    return clean, notes


def _read_cells(text: str, separator: str, width: int, n_before: int) -> pl.DataFrame:
    """All cells below the header as text."""
    frame = None
    # Of a single column polars takes every comma and open quotation mark for text, and in others
    # the last quotation mark of an odd number.
    if width > 1 and text.count('"') % 2 == 0:
        with contextlib.suppress(pl.exceptions.PolarsError):
            frame = pl.read_csv(
                text.encode() + b"\n",  # or a separator at the very end is overlooked
                separator=separator,
                infer_schema=False,
                empty_string_is_null=False,
            )
    if frame is not None and frame.width == width:
        # A row that ends early is filled up by polars, and an empty line is a row of nothing to
        # it. Both leave the last column empty somewhere, and separators too few.
        full = '"' not in text and text.count(separator) == (width - 1) * (frame.height + 1)
        if (
            full
            or not (frame.to_series(-1) == "").any()
            or frame.height == sum(1 for _ in _rows(text, separator, width, n_before))
        ):
            return frame
    cells = list(zip(*_rows(text, separator, width, n_before), strict=True)) or [()] * width
    return pl.DataFrame(
        [pl.Series(str(k), column, dtype=pl.String) for k, column in enumerate(cells)]
    )


def _rows(text: str, separator: str, width: int, n_before: int) -> Iterator[list[str]]:
    """The rows below the header, without empty lines, each checked to have `width` cells."""
    reader = csv.reader(_lines(text), delimiter=separator, strict=True)
    count = -1
    try:
        for row in reader:
            if not row or (width > 1 and len(row) == 1 and not row[0].strip()):
                continue
            count += 1
            if len(row) != width:
                raise DataError(
                    f"row {count} (line {n_before + reader.line_num}) has {len(row)} "
                    f"value{'s' * (len(row) != 1)}, but there are {width} columns"
                )
            if count:
                yield row
    except csv.Error as error:
        raise DataError(
            f"row {count + 1} (up to line {n_before + reader.line_num}) cannot be read: {error}; "
            "is a quotation mark left open?"
        ) from None
