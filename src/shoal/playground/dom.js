/** Makes elements. Text is always text: nothing here, and nothing on the page, reads HTML. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [props] `class`, `on…` listeners, properties, `data-…`, `aria-…`
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  decorate(element, props);
  add(element, children);
  return element;
}

/**
 * The same for SVG, where all props but listeners are attributes.
 * @param {string} tag @param {Record<string, any>} [props] @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function svg(tag, props = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  add(element, children);
  return element;
}

/** @param {HTMLElement} element @param {Record<string, any>} props */
function decorate(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "style") Object.assign(element.style, value);
    else if (name.includes("-") || !(name in element) || name === "list") {
      if (value !== false) element.setAttribute(name, String(value));
    } else /** @type {any} */ (element)[name] = value;
  }
}

/** @param {Element} element @param {(Child | Child[])[]} children */
function add(element, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

/** Sets a text only where it differs. @param {Node} node @param {string} text */
export function say(node, text) {
  if (node.firstChild?.nodeValue !== text) node.textContent = text;
}

/**
 * A drop-down of names.
 * @param {Record<string, any>} props
 * @param {readonly (readonly [string, string])[]} options value and text
 * @param {string} chosen @param {(value: string) => void} choose
 */
export function choice(props, options, chosen, choose) {
  const select = h("select", { ...props, onchange: () => choose(select.value) });
  for (const [value, text] of options) select.append(h("option", { value }, text));
  select.value = chosen;
  return select;
}

/**
 * Tabs, gone through by the arrow keys.
 * @param {string} label @param {string} kind starts the tabs' ids
 * @param {readonly (readonly [string, string])[]} names and texts
 * @param {(name: string) => void} choose
 */
export function tabList(label, kind, names, choose) {
  const tabs = names.map(([name, text], k) =>
    h(
      "button",
      {
        class: "tab",
        type: "button",
        role: "tab",
        id: `${kind}-${name}`,
        "data-testid": `${kind}-${name}`,
        onclick: () => choose(name),
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
          if (!step) return;
          event.preventDefault();
          const next = (k + step + names.length) % names.length;
          choose(names[next][0]);
          tabs[next].focus();
        },
      },
      text,
    ),
  );
  return {
    element: h("div", { class: "tabs", role: "tablist", "aria-label": label }, tabs),
    /** @param {string} chosen */
    show(chosen) {
      tabs.forEach((tab, k) => {
        tab.setAttribute("aria-selected", String(names[k][0] === chosen));
        tab.tabIndex = names[k][0] === chosen ? 0 : -1;
      });
    },
  };
}

/** A drawing of 20 × 20. @param {string} path */
export function icon(path) {
  return svg(
    "svg",
    { viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" },
    svg("path", { d: path }),
  );
}

/** @type {WeakMap<Element, {width: number, height: number}>} */
const sizes = new WeakMap();
/** @type {() => void} */
let resized = () => {};
const watcher = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    sizes.set(target, { width: contentRect.width, height: contentRect.height });
  }
  resized();
});

/** @param {() => void} act called when an element whose size was asked for has another one */
export function onResize(act) {
  resized = act;
}

/** An element's size, remembered: to ask the browser in every frame would make it lay out again.
 * @param {Element} element */
export function sizeOf(element) {
  let size = sizes.get(element);
  if (!size) {
    size = { width: element.clientWidth, height: element.clientHeight };
    sizes.set(element, size);
    watcher.observe(element);
  }
  return size;
}

/**
 * The drawing context of a canvas, its pixels those of the screen.
 * @param {HTMLCanvasElement} canvas
 */
export function context(canvas) {
  const { width, height } = sizeOf(canvas);
  const ratio = Math.min(2, devicePixelRatio || 1);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const draw = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  draw.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { draw, width, height };
}
