"""From the cells of a table to x, in SQL."""

from shoal.cells import LARGEST
from shoal.export.dense import knots, n_written, ways
from shoal.export.prepared import Input
from shoal.export.sql_words import clamped, literal, quoted

# Days in the months before, in a year that is no leap year.
DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def cell(entry: Input) -> str:
    """A cell as a double, or a date's and a category's as a text; NULL if it is missing."""
    found = f"shoal_rows.{quoted(entry.column.name)}"
    text = f"CAST({found} AS TEXT)"
    if entry.column.kind == "number":
        # To SQLite an empty text is 0.
        return f"CASE WHEN {text} <> '' THEN CAST({found} AS DOUBLE PRECISION) END"
    if entry.column.kind == "boolean":
        return (
            f"CASE WHEN lower({text}) IN ('true', 't', '1', '1.0') THEN 1e0 "
            f"WHEN lower({text}) IN ('false', 'f', '0', '0.0') THEN 0e0 END"
        )
    return text


def date_parts(v: str, k: int) -> list[str]:
    """The numbers in a date's text."""

    def part(word: str, start: int, condition: str) -> str:
        number = f"CAST(substr({v}, {start}, {4 if word == 'year' else 2}) AS INTEGER)"
        return f"CASE WHEN {condition} THEN {number} ELSE 0 END AS {word}{k}"

    is_date, timed = f"{v} LIKE '____-__-__%'", f"{v} LIKE '____-__-__ __:__%'"
    timed = f"{timed} OR {v} LIKE '____-__-__T__:__%'"
    to_seconds = f"({timed}) AND length({v}) >= 19"
    zone = f"{v} LIKE '%+%' OR {v} LIKE '%Z' OR {v} LIKE '%-%-%-%'"
    has_fraction = f"substr({v}, 20, 1) = '.' AND NOT ({zone})"
    fraction = f"CAST(substr({v}, 20, 7) AS DOUBLE PRECISION)"
    return [
        part("year", 1, is_date),
        part("month", 6, is_date),
        part("day", 9, is_date),
        part("hour", 12, timed),
        part("minute", 15, timed),
        part("second", 18, to_seconds),
        f"CASE WHEN {to_seconds} AND {has_fraction} THEN {fraction} ELSE 0e0 END AS fraction{k}",
    ]


def days(v: str, k: int) -> str:
    """Days since 1970-01-01, of the parts of a date; a number in the place of a date is days."""

    def leap_years(year: str) -> str:  # up to a year; a / b cuts in two databases, and not in one
        return " ".join(
            f"{sign} ({year} - {year} % {n}) / {n}"
            for sign, n in (("+", 4), ("-", 100), ("+", 400))
        )

    year, month, day = f"year{k}", f"month{k}", f"day{k}"
    before = " ".join(f"WHEN {n} THEN {days}" for n, days in enumerate(DAYS_BEFORE, start=1))
    is_leap = f"{year} % 4 = 0 AND ({year} % 100 <> 0 OR {year} % 400 = 0)"
    seconds = f"3600 * hour{k} + 60 * minute{k} + second{k} + fraction{k}"
    return (
        f"CASE WHEN {year} > 0 THEN 365 * ({year} - 1970) {leap_years(f'({year} - 1)')} - 477 "
        f"+ CASE {month} {before} END + CASE WHEN {month} > 2 AND {is_leap} THEN 1 ELSE 0 END "
        f"+ {day} - 1 + ({seconds}) / 86400e0 "
        f"WHEN {v} <> '' THEN CAST({v} AS DOUBLE PRECISION) END"
    )


def value(entry: Input, v: str) -> str:
    """A number within its bounds, or NULL; of a category the number of its way."""
    column = entry.column
    if not entry.is_category:
        bounded = clamped(v, column.low, column.high) if entry.bounded else v
        return (
            f"CASE WHEN {v} BETWEEN {literal(-LARGEST)} AND {literal(LARGEST)} THEN {bounded} END"
        )
    way = ways(entry)
    known = "".join(f" WHEN {v} = {literal(text)} THEN {n}" for text, n in way.texts.items())
    return f"CASE WHEN {v} IS NULL THEN {way.missing}{known} ELSE {way.unknown} END"


def inputs(entry: Input, v: str) -> list[str]:
    """The inputs that a value becomes, those of `written`."""
    if entry.is_category:
        return [f"CASE {v} WHEN {n} THEN 1e0 ELSE 0e0 END" for n in range(n_written(entry))]
    center, scale, missing = (
        literal(entry.center),
        literal(entry.scale),
        map(literal, entry.missing),
    )
    known = [f"({v} - {center}) / {scale}"]
    for before, at, after in knots(entry):
        rise = f"({v} - {literal(before)}) / {literal(at - before)}"
        fall = f"({literal(after)} - {v}) / {literal(after - at)}"
        if after > LARGEST:
            fall = "1e0"
        known.append(
            f"CASE WHEN {v} <= {literal(before)} THEN 0e0 WHEN {v} < {literal(at)} THEN {rise} "
            f"WHEN {v} < {literal(after)} THEN {fall} ELSE 0e0 END"
        )
    if entry.column.missing > 0:
        known.append("0e0")
    return [
        f"CASE WHEN {v} IS NULL THEN {absent} ELSE {present} END"
        for absent, present in zip(missing, known, strict=True)
    ]
