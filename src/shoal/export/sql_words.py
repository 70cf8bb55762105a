"""Expressions that DuckDB, SQLite and PostgreSQL read alike.

What is written so that all three read it:

- `CASE` where one has greatest and another max; `exp` and `ln`, but of nothing beyond e^±100,
  because PostgreSQL takes what rounds to 0 for an error.
- `x BETWEEN -1e150 AND 1e150` for "neither missing nor NaN nor infinite".
- Numbers with an exponent, which makes them double everywhere.
- `LIMIT` with the largest number there is, in each step whose columns the next names more than
  once. It keeps the optimizers from writing one step into the other, where an expression would be
  computed as often as it is named; and nothing is stored.
- `table."column"`, because SQLite takes "column" alone for a text where there is no such column.
"""

from collections.abc import Iterable

from shoal.activations import GELU_CUBE, GELU_SCALE, LEAK

FENCE = "LIMIT 9223372036854775807"


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float | bool) -> str:
    """A value as SQL writes it; a float as double precision, in all digits."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return str(value)
    text = repr(0.0 if abs(value) < 1e-200 else float(value))
    return text if "e" in text else f"{text}e0"


def total(terms: Iterable[str]) -> str:
    """Their sum, in groups of groups, because a database has a limit of depth."""
    parts = list(terms) or ["0e0"]
    while len(parts) > 16:
        groups = (parts[k : k + 16] for k in range(0, len(parts), 16))
        parts = [f"({' + '.join(group)})" for group in groups]
    return "\n    + ".join(parts) if parts[0][0] == "(" else " + ".join(parts)


def product(weight: float, value: str) -> list[str]:
    """A term of a sum, or none."""
    return [f"{literal(weight)} * {value}"] if weight else []


def clamped(value: str, low: float, high: float) -> str:
    """The value, no further out than low and high."""
    low_text, high_text = literal(low), literal(high)
    return (
        f"CASE WHEN {value} < {low_text} THEN {low_text} WHEN {value} > {high_text} "
        f"THEN {high_text} ELSE {value} END"
    )


def sigmoid(z: str) -> str:
    """1 / (1 + e^-z)."""
    return f"1e0 / (1e0 + exp(-({clamped(z, -100.0, 100.0)})))"


def activation(name: str, z: str) -> str:
    """g(z) (Eq 2)."""
    positive = f"CASE WHEN {z} > 0e0 THEN {z} ELSE 0e0 END"
    v = f"({clamped(z, -22.0, 22.0)})"
    u = f"{literal(GELU_SCALE)} * ({v} + {literal(GELU_CUBE)} * {v} * {v} * {v})"
    return {
        "sigmoid": sigmoid(z),
        "tanh": f"2e0 * ({sigmoid(f'(2e0 * {z})')}) - 1e0",
        "relu": positive,
        "leaky_relu": f"CASE WHEN {z} > 0e0 THEN {z} ELSE {literal(LEAK)} * {z} END",
        "identity": z,
        "softplus": f"{positive} + ln(1e0 + exp(-({clamped(f'abs({z})', 0.0, 100.0)})))",
        "gelu": f"{z} * ({sigmoid(f'({u})')})",
        "silu": f"{z} * ({sigmoid(z)})",
    }[name]
