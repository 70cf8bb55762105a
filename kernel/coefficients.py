"""Print the polynomials of functions.h: interpolation at Chebyshev's points, in long double.

expm1(r) = r + r² q(r) for |r| ≤ ln(2)/(2 PARTS). tanh(y) = y + y u q(u) with u = y², for
|y| ≤ ln(2)/(4 PARTS). log(1 + x) = 2 s + 2 s z q(z) with s = x / (2 + x),
z = s², for 1 + x between √½ and √2. log(1 + E) = E + E² q(E) for E from 0 to 1.
"""

from math import factorial

import numpy as np

LN2 = np.log(np.longdouble(2))


def interpolate(f, low, high, degree):
    """Coefficients, lowest power first, of the polynomial through f at Chebyshev's points."""
    k = np.arange(degree + 1, dtype=np.longdouble)
    nodes = np.cos((2 * k + 1) * np.longdouble(np.pi) / (2 * degree + 2))
    x = (low + high) / 2 + (high - low) / 2 * nodes
    # Newton's divided differences, then expanded: NumPy solves no systems in long double.
    c = f(x)
    for j in range(1, degree + 1):
        c[j:] = (c[j:] - c[j - 1 : -1]) / (x[j:] - x[:-j])
    powers = np.zeros(degree + 1, dtype=np.longdouble)
    for j in range(degree, -1, -1):
        powers[1:], powers[0] = powers[:-1] - x[j] * powers[1:], -x[j] * powers[0]
        powers[0] += c[j]
    return powers


def expm1_tail(r):
    """(expm1(r) - r) / r², by its series."""
    return sum(r**n / np.longdouble(factorial(n + 2)) for n in range(25))


def tanh_tail(u):
    """(tanh(y)/y - 1) / u, u = y², by its continued fraction y/(1 + u/(3 + u/(5 + ...)))."""
    rest = np.longdouble(41)
    for n in range(39, 4, -2):
        rest = n + u / rest
    return -1 / (3 + u / rest + u)


def log_tail(z):
    """(atanh(s)/s - 1) / z, z = s²: 1/3 + z/5 + z²/7 + ..."""
    return sum(z**n / np.longdouble(2 * n + 3) for n in range(30))


def log1p_tail(E):
    """(log(1 + E) - E) / E², by its series up to 1/4 and by log1p beyond."""
    near = sum((-E) ** n / np.longdouble(n + 2) for n in range(35)) * -1
    return np.where(E < 0.25, near, (np.log1p(E) - E) / np.maximum(E, 0.1) ** 2)


if __name__ == "__main__":
    z_most = (np.sqrt(np.longdouble(2)) - 1) ** 4 * 1.0001  # s = (√2 - 1)²
    for name, f, low, high, degrees in (
        ("expm1, PARTS 1", expm1_tail, -LN2 / 2, LN2 / 2, {"double": 10, "float": 5}),
        ("expm1, PARTS 16", expm1_tail, -LN2 / 32, LN2 / 32, {"double": 5, "float": 2}),
        ("tanh, PARTS 1", tanh_tail, np.longdouble(0), (LN2 / 4) ** 2, {"double": 6, "float": 2}),
        ("tanh, PARTS 16", tanh_tail, np.longdouble(0), (LN2 / 64) ** 2, {"double": 2, "float": 0}),
        ("log", log_tail, np.longdouble(0), z_most, {"double": 6, "float": 2}),
        ("log1p", log1p_tail, np.longdouble(0), np.longdouble(1), {"double": 21, "float": 9}),
    ):
        for real, degree in degrees.items():
            q = interpolate(f, low, high, degree)
            x = np.linspace(float(low), float(high), 10001).astype(np.longdouble)
            error = np.abs(np.polyval(q[::-1], x) - f(x)).max()
            digits = 9 if real == "float" else 17
            print(f"{name} {real}: error {float(error):.1e}")
            print("   ", ", ".join(f"{float(c):.{digits}g}" for c in q))
