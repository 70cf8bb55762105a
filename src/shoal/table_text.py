"""From the text of a cell to a number, a date or a truth: whole columns at a time, nothing guessed.

A column is given the first type that *every* one of its values reads as, so the last row of a
long file counts as much as the first. What is decided is said in notes: one sentence each.

========  =====================================================================================
type      values
========  =====================================================================================
boolean   true and false, in any case
number    1, -2.5, 1e-3; 1,234.5 and 1 234.5 with separated thousands; 1,5 and 1.234,5 with a
          decimal comma. Whole numbers with leading zeros (007) are names, and stay text.
date      2026-11-23
time      2026-11-23 14:05, with seconds, fractions and a zone or without
text      everything else
========  =====================================================================================
"""

from collections.abc import Mapping

import polars as pl

from shoal.errors import DataError

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "Null", "null", "?")
# Among texts these may be names ("None" can be a category), among numbers and dates they cannot.
MISSING_UNLESS_TEXT = ("None", "none", "-", "--", ".", "NaT")

_GROUP = "[ '\u00a0\u202f"  # what separates thousands in any country, and in some also:
_EXPONENT = r"([eE][+-]?\d+)?$"
DECIMAL_POINT = (
    "separated thousands",
    rf"^[+-]?(\d+|\d{{1,3}}({_GROUP},]\d{{3}})+)(\.\d*)?{_EXPONENT}",
    f"{_GROUP},]",
)
DECIMAL_COMMA = (
    "a decimal comma",
    rf"^[+-]?(\d+|\d{{1,3}}({_GROUP}.]\d{{3}})+)?(,\d*)?{_EXPONENT}",
    f"{_GROUP}.]",
)
_DATE = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$"
_DATE_ELSEWHERE = r"^\d{1,2}[/.]\d{1,2}[/.](\d{4}|\d{2})$"


def read_text_columns(
    frame: pl.DataFrame,
    *,
    kinds: Mapping[str, str] | None = None,
    keep_others: bool = False,
    comma_first: bool = False,
) -> tuple[pl.DataFrame, list[str]]:
    """Give each text column of a frame its type.

    Parameters
    ----------
    frame : DataFrame
        Columns that are not text are left alone.
    kinds : mapping of str to str, optional
        What is known of a column: "number", "boolean" or "date" must be one; "category" stays
        text; "label" is a number if it reads as one and else stays text, as it is written.
    keep_others : bool
        Leave the columns not in `kinds` exactly as they are written, instead of reading them.
    comma_first : bool
        Whether 1,234 is rather 1.234 than 1234 where nothing else in the column tells.

    Returns
    -------
    frame : DataFrame
    notes : list of str

    Raises
    ------
    DataError
        If a value does not read as the kind its column must have.
    """
    kinds = kinds or {}
    notes: list[str] = []
    columns = []
    for series in frame:
        kind = kinds.get(series.name, "keep" if keep_others else "")
        if series.dtype == pl.String and kind != "keep":
            series = _read_column(series, kind, comma_first, notes).alias(series.name)
        columns.append(series)
    return pl.DataFrame(columns), notes


def _read_column(series: pl.Series, kind: str, comma_first: bool, notes: list[str]) -> pl.Series:
    """One column in the first type that all its values read as."""
    name = series.name
    text = series.str.strip_chars()
    text = text.set(text.is_in(MISSING), None)
    if kind == "category":
        return text
    strict = text.set(text.is_in(MISSING_UNLESS_TEXT), None)
    n_present = len(strict) - strict.null_count()
    if not n_present:
        return text if kind == "label" else strict
    digits, style = _digits(strict, comma_first)
    types = {
        "number": digits.cast(pl.Float64, strict=False),
        "boolean": _as_boolean(strict),
        "date": _as_date(strict),
    }
    allowed = {"label": ("number",), "number": ("number", "boolean"), "date": ("date",)}
    allowed["boolean"] = allowed["number"]
    best = max(allowed.get(kind, types), key=lambda word: types[word].count())
    typed = types[best]
    n_wrong = n_present - typed.count()
    if not n_wrong:
        if best != "number":
            return typed
        zeros = strict.filter(strict.str.contains(r"^[+-]?0\d+$"))
        if len(zeros) and kind != "number":
            notes.append(f"{name}: leading zeros ('{zeros[0]}'), so the numbers are names")
            return text
        if style:
            notes.append(f"{name}: numbers with {style}")
        whole = digits.cast(pl.Int64, strict=False)
        return whole if whole.count() == n_present else typed
    row = int((strict.is_not_null() & typed.is_null()).arg_max() or 0)
    if kind in types:
        raise DataError(
            f"column '{name}' must hold a {kind} in each row, as when the model was fitted, "
            f"but row {row + 1} has '{text[row]}'"
        )
    if n_wrong < n_present / 2:
        notes.append(
            f"{name}: read as text, since {n_wrong} of {n_present} values "
            f"{'is' if n_wrong == 1 else 'are'} no {best}: '{text[row]}' in row {row + 1}"
        )
    elif strict.drop_nulls().str.contains(_DATE_ELSEWHERE).all():
        notes.append(
            f"{name}: read as text, since day and month cannot be told apart in '{text[row]}'; "
            "write dates like 2026-11-23"
        )
    return text


def _digits(text: pl.Series, comma_first: bool) -> tuple[pl.Series, str]:
    """The text with numbers of the column's style in plain digits, and what is special about it."""
    plain = text.cast(pl.Float64, strict=False)
    if plain.count() == text.count():
        return text, ""
    for style, pattern, group in (
        (DECIMAL_COMMA, DECIMAL_POINT) if comma_first else (DECIMAL_POINT, DECIMAL_COMMA)
    ):
        if text.drop_nulls().str.contains(pattern).all():
            return text.str.replace_all(group, "").str.replace(",", ".", literal=True), style
    return text, ""


def _as_boolean(text: pl.Series) -> pl.Series:
    """Truths; null for what is none."""
    lower = text.str.to_lowercase()
    return (lower == "true").set(~lower.is_in(("true", "false")), None)


def _as_date(text: pl.Series) -> pl.Series:
    """Dates, or dates with times if any has one, in UTC if they have a zone; null for what is none.

    Times of which only some have a zone cannot be compared, and are text.
    """
    parts = text.str.extract_groups(_DATE)
    day, minute, second, zone = (parts.struct.field(field) for field in parts.struct.fields)
    if not minute.count():
        return day.str.to_date("%Y-%m-%d", strict=False)
    stamp = day + "T" + minute.fill_null("00:00") + second.fill_null(":00")
    if not zone.count():
        return stamp.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False)
    zone = zone.str.replace("Z", "+00:00", literal=True)
    return (stamp + zone).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", strict=False)
