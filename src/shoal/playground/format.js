/** Numbers as the page shows them, in the language's way. */

let comma = false;

/** @param {boolean} wanted whether the decimal sign is a comma */
export function setDecimalComma(wanted) {
  comma = wanted;
}

/** @param {string} text */
function dress(text) {
  const signed = text.replace("-", "−");
  return comma ? signed.replace(".", ",") : signed;
}

/**
 * A number in about six places: 0.0123, −1.25, 38.2, 1.2e5.
 * @param {number} value @param {number} [digits] after the point
 */
export function short(value, digits = 3) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e5 || size < 0.5 * 10 ** -digits) {
    return dress(value.toExponential(1).replace("e+", "e"));
  }
  const places = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? Math.min(digits, 2) : digits;
  return dress(value.toFixed(places));
}

/** So many digits after the point. @param {number} value @param {number} digits */
export function fixed(value, digits) {
  return Number.isFinite(value) ? dress(value.toFixed(digits)) : short(value);
}

/** All that matters, as typed back. @param {number} value */
export function exact(value) {
  return dress(String(Number(value.toPrecision(12))));
}

/** A share in percent. @param {number} share */
export function percent(share) {
  return Number.isFinite(share) ? `${dress(String(Number((100 * share).toFixed(2))))} %` : "–";
}

/** 12,345. @param {number} value */
export function whole(value) {
  const text = String(Math.round(value));
  return text.replace(/\B(?=(\d{3})+(?!\d))/g, comma ? "." : ",");
}

/** Three to seven round numbers in a range, with as many digits as tell them apart.
 * @param {number} low @param {number} high */
export function ticks(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough) ?? rough;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const all = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    const value = k * step;
    const size = Math.abs(value);
    const odd = size >= 1e7 || digits > 7;
    all.push({
      value,
      text: odd ? short(value) : size >= 1000 ? whole(value) : fixed(value, digits),
    });
  }
  return all;
}
