"""What the C targets share: literals and arrays, and compiling and running a file."""

import re
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError
from shoal.export.prepared import Input, Prepared, harmless, identifier
from shoal.export.target import find_program, run_program

MOST_BYTES = 4095  # of a string literal that every C99 compiler takes
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")


def text(value: str | None) -> str:
    """A string literal in ASCII, without trigraphs; NULL for what is missing.

    Raises
    ------
    DataError
        If a C string cannot hold it.
    """
    if value is None:
        return "NULL"
    content = value.encode("utf-8", "surrogatepass")
    if 0 in content:
        raise DataError(
            f"{value!r} has a NUL character, where a text ends in C: rename it, or choose another "
            "target"
        )
    if len(content) > MOST_BYTES:
        raise DataError(
            f"{value[:20]!r}... has {len(content):,} bytes, and a text in C99 at most "
            f"{MOST_BYTES:,}: shorten it, or choose another target"
        )
    plain = re.compile(rb"[A-Za-z0-9 _.,:;=+()!#$%&'*/<>@\[\]^`{|}~-]")
    safe = (chr(b) if plain.match(bytes([b])) else f"\\{b:03o}" for b in content)
    return f'"{"".join(safe)}"'


def double(value: float) -> str:
    """A number as a double, NAN for what is missing."""
    return "NAN" if value != value else repr(float(value))


def single(value: float) -> str:
    """A number as a float.

    Raises
    ------
    DataError
        If it is too large for one.
    """
    with np.errstate(over="ignore"):
        nearest = np.float32(value)
    if not np.isfinite(nearest):
        raise DataError(f'{value:g} is too large for a float: choose dtype="double"')
    return f"{nearest!s}f"


def array(words: Iterable[str], width: int = 96) -> str:
    """Words in braces, in lines."""
    lines, line = [], ""
    for word in words:
        if line and len(line) + len(word) > width:
            lines.append(line.rstrip())
            line = ""
        line += f"{word}, "
    lines.append(line.rstrip(", "))
    body = "\n    ".join(lines)
    return f"{{{body}}}" if len(lines) == 1 else f"{{\n    {body}}}"


def matrix(rows: Iterable[Iterable[str]]) -> str:
    """Rows of words in braces."""
    body = ",\n".join(array(row) for row in rows)
    return f"{{\n{body}\n}}"


def aligned(lines: Sequence[str]) -> list[str]:
    """Lines of code with a comment each, all comments in one place if there is room."""
    parts = [line.partition(" /*") for line in lines]
    width = min(44, max((len(code) for code, _, _ in parts), default=0))
    return [f"{code:{width}}{mark}{words}" for code, mark, words in parts]


def constant(kind: str, name: str, block: Array, word: Callable[[Any], str]) -> str:
    """The definition of an array of one or two dimensions, of words for its numbers.

    No array of C99 is empty: where there are no inputs, there is one that is 0.
    """
    if block.ndim == 2 and not block.shape[1]:
        block = np.zeros((len(block), 1), block.dtype)
    rows = [[word(value) for value in row] for row in np.atleast_2d(block).tolist()]
    shape = "".join(f"[{n}]" for n in block.shape)
    value = matrix(rows) if block.ndim == 2 else array(rows[0])
    return f"static const {kind} {name}{shape} = {value};"


def member(entry: Input, k: int) -> str:
    """The name of a column in the struct of a row: x and its number, and what its name allows."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", entry.column.name).strip("_")[:30].rstrip("_")
    return f"x{k}_{words}" if words else f"x{k}"


def levels_words(entry: Input) -> str:
    """The index of each level, for a comment."""
    levels = enumerate(entry.column.levels)
    each = ", ".join(f"{k} = {harmless(level)}" for k, level in levels)
    return f"{harmless(entry.column.name)}: {each or 'no level'}; above, unknown; -1, missing"


def level_index(entry: Input, value: str | None) -> int:
    """The index of a category's text: -1 if it is missing, the number of levels if unknown."""
    levels = entry.column.levels
    return -1 if value is None else levels.index(value) if value in levels else len(levels)


def n_bytes(dtype: str) -> int:
    """Size of a number."""
    return np.dtype(dtype).itemsize if dtype.startswith("int") else {"float": 4, "double": 8}[dtype]


def prefix(name: str) -> str:
    """What the names that a file exports begin with."""
    return identifier(Path(name).stem)


# ---- running it ---------------------------------------------------------------------------------

DRIVER = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define {macro}_IMPLEMENTATION
#include "{file}"

static char *at; /* in all that was read: numbers of 8 bytes, texts with their length before them */

static double next_number(void) {{
    double value;
    memcpy(&value, at, sizeof value);
    at += sizeof value;
    return value;
}}

static const char *next_text(void) {{
    const int length = (int)next_number();
    const char *start = at;
    if (length < 0) return NULL;
    at += length + 1;
    return start;
}}

static void tell(double value) {{ fwrite(&value, sizeof value, 1, stdout); }}

int main(int count, char **arguments) {{
    size_t size = 0, capacity = 1 << 16, got;
    long rows = count > 1 ? atol(arguments[1]) : 0;
    char *all = (char *)malloc(capacity);
    while ((got = fread(all + size, 1, capacity - size, stdin)) > 0) {{
        size += got;
        if (size == capacity) all = (char *)realloc(all, capacity *= 2);
    }}
    at = all;
    while (rows-- > 0) {{
        {prefix}_row row;
        memset(&row, 0, sizeof row);
{read}
{answer}
    }}
    free(all);
    (void)next_number;
    (void)next_text;
    return 0;
}}
"""


def run_c(
    path: Path,
    prepared: Prepared,
    m: int,
    columns: Sequence[Iterable[float | str | None]],
    answer: str,
    n_answers: int,
) -> Array:
    """What a file answers to rows, (m, n_answers).

    Parameters
    ----------
    path : Path
    prepared : Prepared
    m : int
        Number of rows.
    columns : sequence of columns
        Their cells as the struct takes them: numbers, or texts.
    answer : str
        Statements that tell so many numbers of `row`.
    n_answers : int
    """
    name, cells = prefix(path.name), [list(values) for values in columns]
    read = [
        f"        row.{member(entry, k)} = next_{'text' if _is_text(values) else 'number'}();"
        for k, (entry, values) in enumerate(zip(prepared.inputs, cells, strict=True))
    ]
    file = path.with_name(f"exported{path.suffix}")  # a name that an #include can take
    file.write_bytes(path.read_bytes())
    source = DRIVER.format(
        macro=name.upper(),
        file=file.name,
        prefix=name,
        read="\n".join(read),
        answer=answer,
    )
    driver, program = path.with_name("driver.c"), path.with_name("driver")
    driver.write_text(source, encoding="utf-8")
    compiler = find_program(
        ["cc", "gcc", "clang"], "a C compiler (Debian: apt install gcc libc6-dev)"
    )
    run_program([compiler, *FLAGS, "-O1", "-o", program, driver, "-lm"])
    packed = b"".join(_packed(value) for row in zip(*cells, strict=True) for value in row)
    answers = run_program([program, m], packed)
    return np.frombuffer(answers).reshape(m, n_answers)


def _is_text(values: Sequence[float | str | None]) -> bool:
    return any(isinstance(value, str) or value is None for value in values)


def _packed(value: float | str | None) -> bytes:
    if isinstance(value, str):
        content = value.encode("utf-8", "surrogatepass")
        return struct.pack("=d", len(content)) + content + b"\0"
    return struct.pack("=d", -1 if value is None else value)
