/** The course's "for i = 1 to m": the same sums, one example after the other. */

import { gradientsOfExample, lossesOf, matrixNamed, partialSums } from "./cells.js";
import { fill, h, say } from "./dom.js";
import { short, whole } from "./format.js";
import { exampleOf } from "./points.js";
import { t } from "./strings.js";

/** @param {import("./session.js").Session} session */
export function makeLoop(session) {
  let done = 0; // examples that the loop has been through
  let running = false;
  const slider = h("input", {
    type: "range",
    min: "0",
    class: "loop-slider",
    "data-testid": "loop-slider",
    "aria-label": t("loop.slider"),
    oninput: () => {
      running = false;
      done = Number(slider.value);
      session.notify();
    },
  });
  const run = h(
    "button",
    { type: "button", class: "small", "data-testid": "loop-run", onclick: () => start() },
    t("loop.run"),
  );
  const count = h("p", { class: "hint", "data-testid": "loop-count" });
  const code = h("pre", { class: "code" });
  const sums = h("div", { class: "sums" });
  const element = h(
    "div",
    { class: "loop" },
    h("div", { class: "row" }, run, slider),
    count,
    code,
    sums,
  );

  const start = () => {
    const m = session.examples.train.X.cols;
    if (done >= m) done = 0;
    running = !running;
    const fast = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const tick = () => {
      if (!running) return;
      done = Math.min(m, done + (fast ? m : Math.max(1, Math.round(m / 100))));
      if (done === m) running = false;
      session.notify();
      requestAnimationFrame(tick);
    };
    tick();
  };

  return {
    element,
    update() {
      const m = session.examples.train.X.cols;
      const { n_h } = session;
      done = Math.min(done, m);
      if (done === m) session.facts.add("looped");
      slider.max = String(m);
      if (Number(slider.value) !== done) slider.value = String(done);
      say(run, t(running ? "loop.pause" : "loop.run"));
      say(
        count,
        t("loop.count", { done: whole(done * n_h), all: whole(m * n_h), m: whole(m), n_h }),
      );
      const i = exampleOf(session.state.points, Math.max(0, done - 1));
      const now = gradientsOfExample(session, i);
      const list = (/** @type {number[]} */ values) => {
        const shown = values
          .slice(0, 4)
          .map((v) => short(v))
          .join(", ");
        return done ? `  [${shown}${values.length > 4 ? ", …" : ""}]` : "";
      };
      const losses = session.playing ? [] : lossesOf(session);
      let J = 0;
      for (let k = 0; k < done && losses.length; k++) J += losses[k];
      const lines = [
        [t("loop.for", { i: done, m }), ""],
        ["  z₁ = W₁ x + b₁", list(now.z1)],
        ["  a₁ = g(z₁)", list(now.a1)],
        ["  z₂ = W₂ a₁ + b₂", list(now.z2)],
        ["  a₂ = σ(z₂)", list(now.a2)],
        ["  J += L(a₂, y)", losses.length ? `  ${short(J)}` : ""],
        ["  dz₂ = a₂ − y", list(now.dz2)],
        ["  dW₂ += dz₂ a₁ᵀ;  db₂ += dz₂", ""],
        ["  dz₁ = W₂ᵀ dz₂ ∗ g′(z₁)", list(now.dz1)],
        ["  dW₁ += dz₁ xᵀ;  db₁ += dz₁", ""],
        [t("loop.divide"), losses.length && done === m ? `  J = ${short(J / m, 6)}` : ""],
      ].filter(([line]) => n_h || !/₁ =|W₁|a₁ = /.test(line));
      fill(
        code,
        lines.map(([line, values]) => h("div", {}, line, h("span", { class: "live" }, values))),
      );
      if (session.playing) {
        fill(sums, "");
        return;
      }
      const partial = partialSums(session, done);
      const same =
        done === m &&
        ["dW1", "dW2"].every((name) => {
          const whole = matrixNamed(session, name).data;
          return partial[/** @type {"dW1"} */ (name)].data.every((value, k) => value === whole[k]);
        });
      fill(
        sums,
        ["dW2", "dW1"].map((name) => {
          const A = partial[/** @type {"dW1"} */ (name)];
          const shown = Array.from(A.data.subarray(0, 4), (v) => short(v)).join("  ");
          return h("p", {}, `${name} = ${shown}${A.data.length > 4 ? " …" : ""}`);
        }),
        done === m
          ? h(
              "p",
              { class: "verdict", "data-testid": "loop-same" },
              t(same ? "loop.same" : "loop.differs"),
            )
          : null,
      );
    },
  };
}
