/** The controls of the network: number of units, g, and how the weights start. */

import { choice, h, say } from "./dom.js";
import { exact } from "./format.js";
import { count } from "./lessons.js";
import { numberField } from "./number_field.js";
import { SETTINGS } from "./settings.js";
import { t } from "./strings.js";

/** @param {import("./session.js").Session} session */
export function makeControls(session) {
  const units = numberField({
    label: t("network.units"),
    testid: "n_h",
    get: () => session.n_h,
    set: (value) => session.set("n_h", value),
    low: 0,
    high: 50,
    step: 1,
    show: String,
  });
  const by = (/** @type {number} */ step) => () => session.set("n_h", session.n_h + step);
  const activation = choice(
    {
      "aria-label": t("network.activation"),
      title: t("network.activation"),
      "data-testid": "activation",
    },
    (SETTINGS.activation.of ?? []).map((name) => /** @type {const} */ ([name, t(`g.${name}`)])),
    session.state.activation,
    (value) => session.set("activation", value),
  );
  const scheme = choice(
    { "aria-label": t("network.scheme"), title: t("network.scheme"), "data-testid": "scheme" },
    (SETTINGS.scheme.of ?? []).map((name) => /** @type {const} */ ([name, t(`scheme.${name}`)])),
    session.settings.scheme,
    (value) => session.set("scheme", value),
  );
  const scale = numberField({
    label: t("network.scale"),
    testid: "scale",
    get: () => session.settings.scale,
    set: (value) => session.set("scale", value),
    low: 0,
    high: 1e6,
    ratio: true,
    show: exact,
  });
  const seed = numberField({
    label: t("network.seed"),
    testid: "random_state",
    get: () => session.settings.random_state,
    set: (value) => session.set("random_state", value),
    low: 0,
    high: 2 ** 32 - 1,
    step: 1,
    show: String,
  });
  const numbers = h("small", { class: "numbers" });
  const layer = h(
    "div",
    { class: "row" },
    h(
      "span",
      { class: "stepper" },
      h(
        "button",
        {
          type: "button",
          "aria-label": t("network.fewer"),
          "data-testid": "fewer-units",
          onclick: by(-1),
        },
        "−",
      ),
      units.element,
      h(
        "button",
        {
          type: "button",
          "aria-label": t("network.more.one"),
          "data-testid": "more-units",
          onclick: by(1),
        },
        "+",
      ),
      h("span", {}, t("network.units")),
    ),
    activation,
  );
  const start = h(
    "div",
    { class: "row start", "data-control": "start" },
    h("span", {}, t("network.start")),
    scheme,
    scale.element,
    h("label", { class: "labelled" }, h("span", {}, t("data.seed")), seed.element),
    h("span", { class: "stretch" }),
    numbers,
  );
  return {
    units: layer,
    start,
    update() {
      units.draw();
      scale.draw();
      seed.draw();
      if (activation.value !== session.state.activation)
        activation.value = session.state.activation;
      if (scheme.value !== session.settings.scheme) scheme.value = session.settings.scheme;
      scale.element.hidden = session.settings.scheme !== "normal";
      say(numbers, t("network.numbers", { n: count(session) }));
    },
  };
}
