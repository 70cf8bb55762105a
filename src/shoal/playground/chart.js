/** A chart of lines on a canvas, with axes, hover and a marker. */

import { isDark } from "./colours.js";
import { context, h } from "./dom.js";
import { exact, short, ticks, whole } from "./format.js";

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string} colour
 * @property {number} count
 * @property {(n: number) => number} x
 * @property {(n: number) => number} y
 * @property {number} [width]
 * @property {boolean} [dashed]
 * @property {boolean} [faint]
 *
 * @param {{label: string, testid: string}} how
 */
export function makeChart({ label, testid }) {
  const canvas = h("canvas", {
    class: "chart",
    role: "img",
    "aria-label": label,
    "data-testid": testid,
  });
  const tip = h("div", { class: "tip", hidden: true });
  const element = h("div", { class: "chart-frame" }, canvas, tip);
  /** @type {Series[]} */
  let shown = [];
  /** @type {{toX: (x: number) => number, fromX: (px: number) => number} | null} */
  let scale = null;

  canvas.addEventListener("pointermove", (event) => {
    if (!scale) return;
    const { left, width } = canvas.getBoundingClientRect();
    const px = event.clientX - left;
    const x = scale.fromX(px);
    const lines = shown
      .filter(({ count }) => count > 0)
      .map((series) => {
        const n = closest(series, x);
        return { n, text: `${series.name} ${short(series.y(n), 4)}`, x: series.x(n) };
      });
    if (!lines.length) return;
    tip.hidden = false;
    tip.textContent = [`${whole(lines[0].x)}`, ...lines.map(({ text }) => text)].join("\n");
    tip.style.left = `${Math.min(px + 10, width - 130)}px`;
  });
  canvas.addEventListener("pointerleave", () => (tip.hidden = true));

  return {
    element,
    canvas,
    /**
     * @param {Series[]} series
     * @param {{title: string, log?: boolean, marker?: number, low?: number, high?: number, level?: number, levelName?: string}} how
     */
    update(series, { title, log = false, marker, low, high, level, levelName }) {
      shown = series;
      const { draw, width, height } = context(canvas);
      if (!width) return;
      draw.clearRect(0, 0, width, height);
      const left = 46;
      const right = width - 8;
      const top = 20;
      const bottom = height - 18;
      let x1 = 1;
      let y0 = low ?? Infinity;
      let y1 = high ?? -Infinity;
      for (const { count, x, y } of series) {
        if (count) x1 = Math.max(x1, x(count - 1));
        const step = Math.max(1, Math.floor(count / 2000));
        for (let n = 0; n < count; n += step) {
          const value = y(n);
          if (!Number.isFinite(value) || (log && value <= 0)) continue;
          if (low === undefined && value < y0) y0 = value;
          if (high === undefined && value > y1) y1 = value;
        }
      }
      if (level !== undefined) [y0, y1] = [Math.min(y0, level), Math.max(y1, level * 1.05)];
      if (high !== undefined) y0 = Math.min(y0, high - 0.2);
      if (!(y1 - y0 > 1e-9 * Math.abs(y1)))
        [y0, y1] = Number.isFinite(y0)
          ? [y0 - (Math.abs(y0) || 1) * 0.1, y0 + (Math.abs(y0) || 1) * 0.1]
          : [0, 1];
      const f = (/** @type {number} */ v) => (log ? Math.log10(Math.max(v, 1e-12)) : v);
      const room = 0.06 * (f(y1) - f(y0));
      const [a, b] = [
        f(y0) - (low === undefined ? room : 0),
        f(y1) + (high === undefined ? room : 0),
      ];
      const toX = (/** @type {number} */ x) => left + (x / x1) * (right - left);
      const toY = (/** @type {number} */ y) => bottom - ((f(y) - a) / (b - a)) * (bottom - top);
      scale = { toX, fromX: (px) => ((px - left) / (right - left)) * x1 };

      const ink = isDark() ? "#a3abb8" : "#59616e";
      const faint = isDark() ? "#2c323c" : "#e1e3e6";
      draw.font = "10px system-ui, sans-serif";
      draw.lineWidth = 1;
      draw.fillStyle = ink;
      draw.textAlign = "right";
      draw.textBaseline = "middle";
      const values = log
        ? powers(a, b).map((value) => ({ value, text: exact(value) }))
        : ticks(a, b);
      for (const { value, text } of values) {
        const y = toY(value);
        draw.strokeStyle = faint;
        draw.beginPath();
        draw.moveTo(left, Math.round(y) + 0.5);
        draw.lineTo(right, Math.round(y) + 0.5);
        draw.stroke();
        draw.fillText(text, left - 5, y);
      }
      draw.textAlign = "center";
      draw.textBaseline = "top";
      for (const { value } of ticks(0, x1)) {
        const x = toX(value);
        if (Number.isInteger(value) && x > left + 12 && x < right - 14)
          draw.fillText(whole(value), x, bottom + 4);
      }
      draw.textAlign = "left";
      draw.textBaseline = "top";
      draw.font = "600 11px system-ui, sans-serif";
      draw.fillText(title, 2, 2);
      legend(
        draw,
        series.filter(({ faint: ghost }) => !ghost),
        right,
        ink,
      );

      draw.save();
      draw.beginPath();
      draw.rect(left, top - 2, right - left, bottom - top + 4);
      draw.clip();
      if (level !== undefined) {
        draw.strokeStyle = ink;
        draw.setLineDash([5, 4]);
        draw.beginPath();
        draw.moveTo(left, toY(level));
        draw.lineTo(right, toY(level));
        draw.stroke();
        draw.setLineDash([]);
        draw.font = "10px system-ui, sans-serif";
        draw.textAlign = "right";
        draw.textBaseline = "bottom";
        draw.fillText(levelName ?? "", right - 4, toY(level) - 2);
      }
      for (const one of series) line(draw, one, toX, toY, log, right - left);
      if (marker !== undefined) {
        draw.strokeStyle = ink;
        draw.globalAlpha = 0.5;
        draw.beginPath();
        draw.moveTo(toX(marker), top);
        draw.lineTo(toX(marker), bottom);
        draw.stroke();
        draw.globalAlpha = 1;
      }
      draw.restore();
    },
  };
}

/** @param {number} a @param {number} b exponents of ten */
function powers(a, b) {
  const all = [];
  const dense = b - a < 1.5;
  for (let k = Math.floor(a); k <= b; k++) {
    for (const factor of dense ? [1, 2, 5] : [1]) {
      const value = factor * 10 ** k;
      if (Math.log10(value) >= a && Math.log10(value) <= b) all.push(value);
    }
  }
  return all.length > 8 ? all.filter((_, k) => k % Math.ceil(all.length / 6) === 0) : all;
}

/** @param {CanvasRenderingContext2D} draw @param {Series} series
 * @param {(x: number) => number} toX @param {(y: number) => number} toY @param {boolean} log
 * @param {number} width */
function line(
  draw,
  { count, x, y, colour, width: thick = 1.6, dashed, faint },
  toX,
  toY,
  log,
  width,
) {
  if (!count) return;
  draw.strokeStyle = colour;
  draw.lineWidth = thick;
  draw.globalAlpha = faint ? 0.35 : 1;
  draw.setLineDash(dashed ? [4, 3] : []);
  draw.beginPath();
  const step = Math.max(1, Math.floor(count / (2 * width)));
  let pen = false;
  for (let n = 0; n < count; n = n + step >= count && n < count - 1 ? count - 1 : n + step) {
    const value = y(n);
    if (!Number.isFinite(value) || (log && value <= 0)) {
      pen = false;
      continue;
    }
    if (pen) draw.lineTo(toX(x(n)), toY(value));
    else draw.moveTo(toX(x(n)), toY(value));
    pen = true;
  }
  draw.stroke();
  draw.setLineDash([]);
  if (count === 1 && Number.isFinite(y(0))) {
    draw.fillStyle = colour;
    draw.fillRect(toX(x(0)) - 2.5, toY(y(0)) - 2.5, 5, 5);
  }
  draw.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} draw @param {Series[]} series @param {number} right @param {string} ink */
function legend(draw, series, right, ink) {
  draw.font = "10px system-ui, sans-serif";
  draw.textAlign = "right";
  draw.textBaseline = "top";
  let x = right;
  for (const { name, colour, dashed } of [...series].reverse()) {
    draw.fillStyle = ink;
    draw.fillText(name, x, 3);
    x -= draw.measureText(name).width + 4;
    draw.strokeStyle = colour;
    draw.lineWidth = 2;
    draw.setLineDash(dashed ? [4, 3] : []);
    draw.beginPath();
    draw.moveTo(x - 16, 8.5);
    draw.lineTo(x, 8.5);
    draw.stroke();
    draw.setLineDash([]);
    x -= 28;
  }
}

/** @param {Series} series @param {number} x */
function closest({ count, x: at }, x) {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(middle) < x) low = middle + 1;
    else high = middle;
  }
  return low && Math.abs(at(low - 1) - x) < Math.abs(at(low) - x) ? low - 1 : low;
}
