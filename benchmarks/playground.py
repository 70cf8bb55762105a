"""How fast is the playground? Measured in Chromium without a window, on this machine.

    python benchmarks/playground.py

It needs what the tests need: `pip install ".[test]"`, and Chromium. Medians of a few runs, with the
least and the most. Chromium draws without a graphics processor here.
"""

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from browser import chromium, playing
from shoal.playground.boot import from_nothing
from shoal.playground.export import one_file

RUNS = 5
FIRST = "performance.getEntriesByName('first-contentful-paint')[0].startTime"

TRAIN = """async () => {
  const { initialize } = await import("/engine.js");
  const { draw } = await import("/datasets.js");
  const order = {
    train: draw("flower", { m: 400, noise: 0.2, random_state: 1 }),
    heldOut: null,
    parameters: initialize(2, 4, 1, { random_state: 2 }),
    rule: { activation: "tanh", output: "sigmoid", learning_rate: 1.2, frozen: {} },
    iterations: 10000, milliseconds: Infinity, until: "none", sharpness: false,
  };
  const worker = new Worker("/worker.js", { type: "module" });
  const run = (iterations) => new Promise((done) => {
    worker.onmessage = ({ data }) => done(data.report);
    worker.postMessage({ id: 0, order: { ...order, iterations } });
  });
  await run(1); // it has started
  const start = performance.now();
  const report = await run(10000);
  if (report.iterations !== 10000) throw new Error("it stopped early");
  return performance.now() - start;
}"""

PLAY = """async (speed) => {
  const frame = () => new Promise(requestAnimationFrame);
  const control = (id) => document.querySelector(`[data-testid=${id}]`);
  control("speed").value = speed;
  control("speed").dispatchEvent(new Event("change"));
  control("play").click();
  await frame();
  const before = shoal.frames(), start = performance.now(), t = shoal.state().iteration;
  while (performance.now() - start < 2000) await frame();
  const seconds = (performance.now() - start) / 1000;
  const rates = [shoal.frames() - before, shoal.state().iteration - t].map((n) => n / seconds);
  control("play").click();
  return rates;
}"""

DRAG = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const canvas = document.getElementById("plane");
  canvas.setPointerCapture = () => {}; // there is no pointer
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type,
    { clientX: left + x * width, clientY: top + y * height, pointerId: 1 }));
  document.querySelector("[data-testid=tool-add1]").click();
  send("pointerdown", 0.8, 0.2);
  document.querySelector("[data-testid=tool-move]").click();
  await frame();
  send("pointerdown", 0.8, 0.2);
  const waits = [];
  for (let k = 1; k <= 60; k++) {
    await frame();
    const before = shoal.frames();
    const start = performance.now();
    send("pointermove", 0.8 - k / 200, 0.2 + k / 200);
    let frames = 0;
    while (shoal.frames() === before) (await frame(), frames++);
    waits.push([frames, performance.now() - start]);
  }
  send("pointerup", 0.5, 0.5);
  return waits;
}"""


def main() -> None:
    """Measure, and print a line for each question."""
    firsts, paints, steps, pictures, iterations, frames, waits, draws = ([] for _ in range(8))
    with chromium() as browser:
        for _ in range(RUNS):
            with playing(browser) as page:
                firsts.append(page.evaluate(FIRST))
                paints.append(page.evaluate("shoal.paintedAt()"))
                steps.append(page.evaluate(TRAIN))
                rates = page.evaluate(PLAY, "600")
                pictures.append(rates[0])
                iterations.append(rates[1])
                draws += page.evaluate("shoal.drawTimes()")
                for frame, wait in page.evaluate(DRAG):
                    frames.append(frame)
                    waits.append(wait)
    show("first paint after the address", firsts, "ms")
    show("the whole picture after the address", paints, "ms")
    show("10,000 steps of the flower in a worker", steps, "ms")
    show("pictures a second while training, 4 units, 600 iterations a second", pictures, "")
    show("iterations a second meanwhile", iterations, "")
    show("drawing one picture", draws, "ms")
    show("frames until a dragged point is seen", frames, "")
    show("from the hand to the picture", waits, "ms")
    print(f"the page in one file: {len(one_file(from_nothing().json()).encode()):,} bytes")


def show(what: str, values: Sequence[float], unit: str) -> None:
    """Median, least and most."""
    low, high = min(values), max(values)
    print(f"{what}: {statistics.median(values):,.1f} {unit} ({low:,.1f} to {high:,.1f})")


if __name__ == "__main__":
    main()
