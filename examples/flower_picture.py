"""Draw what four hidden units make of the course's flower: flower.svg, in the current folder."""

from pathlib import Path

import numpy as np

import shoal

SIZE, REACH, CELL = 440, 4.8, 4  # pixels, units of X, pixels
COLOURS = ("#4477aa", "#ee6677")


def pixel(x: np.ndarray) -> np.ndarray:
    """From units of X to pixels; y points down in SVG, hence the minus signs below."""
    return SIZE * (x + REACH) / (2 * REACH)


X, Y = shoal.datasets.flower()  # (2, 400), (1, 400)
parameters = shoal.initialize(2, 4, 1, random_state=2)
parameters, _ = shoal.gradient_descent(X, Y, parameters, learning_rate=1.2, n_iterations=5000)

steps = np.arange(0, SIZE, CELL)
centres = 2 * REACH * (steps + CELL / 2) / SIZE - REACH
grid = np.array(np.meshgrid(centres, -centres)).reshape(2, -1)
predicted = (shoal.forward(grid, parameters).A2 > 0.5).reshape(len(steps), -1)

lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}">']
lines += [f'<path d="M0 0h{SIZE}v{SIZE}h-{SIZE}" fill="#d0dde9"/>']
for y, row in zip(steps, predicted, strict=True):
    edges = CELL * np.flatnonzero(np.diff(row, prepend=False, append=False))
    for start, stop in edges.reshape(-1, 2):
        lines += [f'<path d="M{start} {y}H{stop}v{CELL}H{start}" fill="#fad6db"/>']
for (x, y), label in zip(pixel(X.T * [1, -1]), Y[0].astype(int), strict=True):
    lines += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{COLOURS[label]}" stroke="white"/>']
Path("flower.svg").write_text("\n".join([*lines, "</svg>"]) + "\n", encoding="utf-8")
print(f"flower.svg: {SIZE} by {SIZE} pixels, {int(predicted.mean() * 100)} % of them red")
