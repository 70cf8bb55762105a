/** A slice of the cost: J over two directions of the parameters, and the way that training took. */

import { isDark } from "./colours.js";
import { choice, context, h, say } from "./dom.js";
import { BLOCKS } from "./engine.js";
import { short } from "./format.js";
import { contour } from "./geometry.js";
import { directions, flat, landscape, parametersAt, project } from "./surface.js";
import { t } from "./strings.js";

const FINE = 41; // points each way
const COARSE = 21; // where the network or the data are large
const KINDS = /** @type {const} */ (["gradient", "weights", "swap"]);

/** @param {import("./session.js").Session} session */
export function makeLandscape(session) {
  /** @type {(typeof KINDS)[number]} */
  let kind = "gradient";
  /** @type {[number, number]} */
  let chosen = [0, 1];
  /** @type {{slice: ReturnType<typeof directions>, J: import("./engine.js").Matrix} | null} */
  let made = null;
  let shape = "";
  const canvas = h("canvas", {
    class: "landscape",
    role: "img",
    tabIndex: 0,
    "aria-label": t("landscape.help"),
    "data-testid": "landscape",
  });
  const picture = document.createElement("canvas");
  const note = h("p", { class: "hint" });
  const pick = h("span", {});
  const kinds = choice(
    { "aria-label": t("landscape.kind"), "data-testid": "landscape-kind" },
    KINDS.map((name) => [name, t(`landscape.${name}`)]),
    kind,
    (value) => {
      kind = /** @type {typeof kind} */ (value);
      chosen = [0, 1];
      shape = "";
      made = null;
      session.notify();
    },
  );
  const again = h(
    "button",
    {
      type: "button",
      class: "small",
      "data-testid": "landscape-again",
      onclick: () => ((made = null), session.notify()),
    },
    t("landscape.again"),
  );
  const element = h(
    "div",
    { class: "landscape-view" },
    canvas,
    h("div", { class: "landscape-side" }, h("div", { class: "row" }, kinds, pick), again, note),
  );
  let dragging = false;

  const names = () => {
    const { parameters } = session.state;
    return BLOCKS.flatMap((block) => {
      const { rows, cols } = parameters[block];
      return Array.from(
        { length: rows * cols },
        (_, k) => `${block}[${Math.floor(k / cols) + 1}, ${(k % cols) + 1}]`,
      );
    });
  };
  const choosers = () => {
    const list =
      kind === "weights"
        ? names()
        : Array.from({ length: session.n_h }, (_, j) => `${t("table.unit")} ${j + 1}`);
    pick.replaceChildren(
      ...(kind === "gradient"
        ? []
        : [0, 1].map((n) =>
            choice(
              { "aria-label": t("landscape.pick", { n: n + 1 }) },
              list.map((name, k) => [String(k), name]),
              String(chosen[n]),
              (value) => {
                chosen = /** @type {[number, number]} */ (
                  chosen.map((old, k) => (k === n ? Number(value) : old))
                );
                made = null;
                session.notify();
              },
            ),
          )),
    );
  };
  const toScreen = (
    /** @type {[number, number]} */ [s, u],
    /** @type {number} */ size,
    /** @type {number} */ reach,
  ) =>
    /** @type {const} */ ([((s + reach) / (2 * reach)) * size, ((reach - u) / (2 * reach)) * size]);

  const put = (/** @type {[number, number]} */ place) => {
    if (made) session.editParameters(parametersAt(made.slice, place, session.state.parameters));
  };
  const set = (/** @type {PointerEvent} */ event) => {
    if (!made) return;
    const { left, top, width } = canvas.getBoundingClientRect();
    const { reach } = made.slice;
    const across = ((event.clientX - left) / width) * 2 * reach - reach;
    put([across, reach - ((event.clientY - top) / width) * 2 * reach]);
  };
  canvas.addEventListener("keydown", (event) => {
    const moves = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    });
    const move = moves[event.key];
    if (!move || !made) return;
    event.preventDefault();
    event.stopPropagation();
    session.pause();
    const step = made.slice.reach / (event.shiftKey ? 200 : 25);
    const [s, u] = project(flat(session.state.parameters), made.slice);
    put([s + step * move[0], u + step * move[1]]);
  });
  canvas.addEventListener("pointerdown", (event) => {
    session.pause();
    session.beginGesture();
    dragging = true;
    canvas.setPointerCapture(event.pointerId);
    set(event);
  });
  canvas.addEventListener("pointermove", (event) => dragging && set(event));
  canvas.addEventListener("pointerup", () => {
    if (dragging) session.endGesture();
    dragging = false;
  });

  return {
    element,
    update() {
      const { parameters } = session.state;
      const now = [kind, session.n_h, parameters.W1.cols, parameters.W2.rows].join();
      if (now !== shape) {
        shape = now;
        made = null;
        choosers();
      }
      if (!made) {
        const { train } = session.examples;
        const swapless = kind === "swap" && (session.n_h < 2 || chosen[0] === chosen[1]);
        const slice = directions(
          swapless ? "gradient" : kind,
          chosen,
          train,
          parameters,
          session.form,
        );
        const n = parameters.W1.rows * train.X.cols > 8000 ? COARSE : FINE;
        made = { slice, J: landscape(train, parameters, session.form, slice, n) };
      }
      const { draw, width: size } = context(canvas);
      if (!size) return;
      const { slice, J } = made;
      const finite = J.data.filter(Number.isFinite);
      const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
      const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
      drawLevels(picture, J, low, high);
      draw.imageSmoothingEnabled = true;
      draw.drawImage(picture, 0, 0, size, size);
      draw.strokeStyle = isDark() ? "rgb(255 255 255 / .35)" : "rgb(0 0 0 / .3)";
      draw.lineWidth = 0.8;
      for (let k = 1; k < 10; k++) {
        draw.beginPath();
        const pieces = contour(J.data, J.rows, low + (high - low) * (k / 10) ** 2);
        for (let n = 0; n < pieces.length; n += 4) {
          draw.moveTo(pieces[n] * size, pieces[n + 1] * size);
          draw.lineTo(pieces[n + 2] * size, pieces[n + 3] * size);
        }
        draw.stroke();
      }
      draw.strokeStyle = isDark() ? "#fff" : "#111";
      draw.lineWidth = 1.8;
      draw.beginPath();
      const same = session.timeline.states.filter(
        (state) =>
          state.parameters.W1.rows === session.n_h && state.iteration <= session.state.iteration,
      );
      for (const state of [...same, session.state])
        draw.lineTo(...toScreen(project(flat(state.parameters), slice), size, slice.reach));
      draw.stroke();
      const [x, y] = toScreen(project(flat(parameters), slice), size, slice.reach);
      draw.beginPath();
      draw.arc(x, y, 5.5, 0, 2 * Math.PI);
      draw.fillStyle = "#e0b020";
      draw.fill();
      draw.stroke();
      say(
        note,
        t("landscape.note", { low: short(low), high: short(high), J: short(session.trace.J, 4) }),
      );
    },
  };
}

/** Low is light. @param {HTMLCanvasElement} canvas @param {import("./engine.js").Matrix} J
 * @param {number} low @param {number} high */
function drawLevels(canvas, J, low, high) {
  canvas.width = canvas.height = J.rows;
  const image = new ImageData(J.rows, J.rows);
  const dark = isDark();
  J.data.forEach((value, k) => {
    const level = Math.sqrt(Math.max(0, Math.min(1, (value - low) / (high - low || 1))));
    const from = dark ? [40, 70, 95] : [236, 246, 240];
    const to = dark ? [22, 22, 34] : [92, 84, 140];
    from.forEach((c, n) => (image.data[4 * k + n] = c + (to[n] - c) * level));
    image.data[4 * k + 3] = 255;
  });
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
