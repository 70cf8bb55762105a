/** The colours of classes and of values, light and dark. Each class has a shape as well. */

/** @typedef {[number, number, number]} Colour */

/** @type {Colour[]} of the classes: blue and orange first, told apart by every eye */
const CLASSES = [
  [31, 119, 200],
  [224, 106, 16],
  [36, 150, 90],
  [150, 80, 180],
  [190, 150, 20],
  [200, 60, 110],
  [90, 100, 120],
  [20, 160, 170],
  [130, 90, 60],
  [110, 130, 30],
];

/** @param {number} label */
export function classColour(label) {
  return css(CLASSES[label % CLASSES.length]);
}

/** @param {Colour} colour @param {number} [alpha] */
function css([r, g, b], alpha = 1) {
  return `rgb(${r} ${g} ${b} / ${alpha})`;
}

const preference = matchMedia("(prefers-color-scheme: dark)");
let dark = preference.matches;

export function isDark() {
  return dark;
}

/** Takes the theme that was chosen, or the system's. @param {boolean | null} chosen */
export function setDark(chosen) {
  if (chosen !== null) document.documentElement.dataset.theme = chosen ? "dark" : "light";
  dark = chosen ?? preference.matches;
}

/** The ground that pictures fade into. @returns {Colour} */
const ground = () => (isDark() ? [27, 31, 38] : [252, 252, 250]);

/** @param {Colour} a @param {Colour} b @param {number} t @returns {Colour} */
function mix(a, b, t) {
  return /** @type {Colour} */ (a.map((x, k) => Math.round(x + (b[k] - x) * t)));
}

/** @param {Colour} colour */
const pixel = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** @type {Map<string, Uint32Array>} */
const tables = new Map();
const LEVELS = 256;

/** Pixels from the first class's colour over the ground to another's. @param {number} label */
function table(label = 1) {
  const key = `${label} ${isDark()}`;
  let pixels = tables.get(key);
  if (!pixels) {
    pixels = new Uint32Array(LEVELS);
    for (let k = 0; k < LEVELS; k++) {
      const t = (2 * k) / (LEVELS - 1) - 1; // -1 … 1
      const end = t < 0 ? CLASSES[0] : CLASSES[label];
      pixels[k] = pixel(mix(ground(), end, 0.82 * Math.abs(t) ** 0.85));
    }
    tables.set(key, pixels);
  }
  return pixels;
}

/**
 * Values into a picture: `low` is the first colour, `high` the second.
 * @param {Float64Array} values @param {number} low @param {number} high @param {Uint32Array} pixels
 */
export function paint(values, low, high, pixels) {
  const colours = table();
  const factor = (LEVELS - 1) / (high - low || 1);
  for (let k = 0; k < values.length; k++) {
    const level = (values[k] - low) * factor;
    pixels[k] = colours[level > 0 ? (level < LEVELS - 1 ? level + 0.5 : LEVELS - 1) | 0 : 0];
  }
}

/**
 * Probabilities of several classes into a picture: the likeliest one's colour, as strong as it is
 * ahead of a guess. @param {import("./engine.js").Matrix} A2 @param {Uint32Array} pixels
 */
export function paintClasses({ rows, cols, data }, pixels) {
  const base = ground();
  for (let i = 0; i < cols; i++) {
    let best = 0;
    for (let j = 1; j < rows; j++) if (data[j * cols + i] > data[best * cols + i]) best = j;
    const ahead = (data[best * cols + i] - 1 / rows) / (1 - 1 / rows);
    pixels[i] = pixel(mix(base, CLASSES[best % CLASSES.length], 0.15 + 0.65 * ahead));
  }
}

/** One value's colour, as in `paint`. @param {number} value @param {number} low @param {number} high */
export function valueColour(value, low, high) {
  const t = Math.max(-1, Math.min(1, (2 * (value - low)) / (high - low || 1) - 1));
  return css(mix(ground(), t < 0 ? CLASSES[0] : CLASSES[1], 0.25 + 0.75 * Math.abs(t)));
}

/** A weight's colour: the sign. @param {number} weight */
export function signColour(weight) {
  return css(CLASSES[weight < 0 ? 0 : 1]);
}

/**
 * An example's mark: circle, diamond, square or triangle by class, hollow where it is held out.
 * @param {CanvasRenderingContext2D} draw @param {number} x @param {number} y
 * @param {number} label @param {{radius: number, colour?: string, hollow?: boolean}} how
 */
export function mark(
  draw,
  x,
  y,
  label,
  { radius: r, colour = classColour(label), hollow = false },
) {
  draw.beginPath();
  if (label % 4 === 0) draw.arc(x, y, r, 0, 2 * Math.PI);
  else if (label % 4 === 1) {
    const d = 1.25 * r;
    draw.moveTo(x, y - d);
    draw.lineTo(x + d, y);
    draw.lineTo(x, y + d);
    draw.lineTo(x - d, y);
    draw.closePath();
  } else if (label % 4 === 2) draw.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
  else {
    draw.moveTo(x, y - 1.2 * r);
    draw.lineTo(x + 1.1 * r, y + 0.8 * r);
    draw.lineTo(x - 1.1 * r, y + 0.8 * r);
    draw.closePath();
  }
  draw.fillStyle = hollow ? css(ground()) : colour;
  draw.strokeStyle = hollow ? colour : css(ground());
  draw.lineWidth = hollow ? 1.5 : 0.9;
  draw.fill();
  draw.stroke();
}
