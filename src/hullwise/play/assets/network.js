/** Layers: one row of controls for each, and the inputs with what each does to the walls. */

import { INPUTS, MAX_LAYERS, MAX_WIDTH, UNITS, equal } from "./state.js";
import { css } from "./theme.js";
import { $, make, options, press, setText } from "./widgets.js";

const WIDTHS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];

/** What is read, and where one unit's wall runs that sees this input alone. */
export const INPUT_FACES = {
  x: ["x", "M9 1V17", "an upright line"],
  y: ["y", "M1 9H17", "a level line"],
  x2: ["x²", "M5 1V17M13 1V17", "two upright lines"],
  y2: ["y²", "M1 5H17M1 13H17", "two level lines"],
  xy: ["xy", "M10.5 1Q10.5 7.5 17 7.5M7.5 17Q7.5 10.5 1 10.5", "a hyperbola"],
  sinx: ["sin x", "M3 1V17M7 1V17M11 1V17M15 1V17", "upright lines again and again"],
  siny: ["sin y", "M1 3H17M1 7H17M1 11H17M1 15H17", "level lines again and again"],
};
const SVG = "http://www.w3.org/2000/svg";

function wallIcon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 18 18");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** What the chosen inputs make of the walls. */
export function wallSentence(inputs) {
  if (inputs.some((name) => name.startsWith("sin"))) {
    return "The walls of the first layer wave, as sines do.";
  }
  if (inputs.some((name) => name.length === 2)) {
    return "The walls of the first layer are conic sections: ellipses, parabolas, hyperbolas.";
  }
  return "";
}

export class NetworkControls {
  constructor(store, theme) {
    this.store = store;
    this.theme = theme;
    this.shown = null;
    for (const name of INPUTS) $("inputs").append(this.inputButton(name));
    $("add-layer").addEventListener("click", () => {
      const { layers } = store.configuration;
      this.set([...layers, { ...(layers.at(-1) ?? { width: 8, unit: "relu" }) }]);
    });
    theme.listeners.push(() => this.colorLayers());
  }

  /** What inputs make of the walls, and how that is drawn. */
  showNote(more) {
    const text = this.walls ? `${this.walls} ${more}` : "";
    $("inputs-note").hidden = !text;
    setText($("inputs-note"), text);
  }

  inputButton(name) {
    const [text, path, wall] = INPUT_FACES[name];
    const title = `The wall of a unit that sees ${text} alone: ${wall}`;
    const button = make("button", { type: "button", title }, wallIcon(path), text);
    button.dataset.input = name;
    button.addEventListener("click", () => {
      const { inputs } = this.store.configuration;
      const next = inputs.includes(name)
        ? inputs.filter((other) => other !== name)
        : [...inputs, name];
      if (next.length) this.store.change({ inputs: next });
    });
    return button;
  }

  set(layers) {
    this.store.change({ layers });
  }

  setLayer(index, change) {
    this.set(this.store.configuration.layers.map((l, i) => (i === index ? { ...l, ...change } : l)));
  }

  show({ inputs, layers }) {
    for (const button of $("inputs").children) {
      const isOn = inputs.includes(button.dataset.input);
      press(button, isOn);
      button.disabled = isOn && inputs.length === 1;
    }
    this.walls = wallSentence(inputs);
    this.showNote("");
    $("add-layer").disabled = layers.length >= MAX_LAYERS;
    if (this.shown?.length !== layers.length) this.buildRows(layers);
    if (!equal(this.shown, layers)) this.fillRows(layers);
    this.shown = layers;
  }

  buildRows(layers) {
    const hadFocus = $("layers").contains(document.activeElement);
    $("layers").replaceChildren(...layers.map((_, i) => this.row(i)));
    if (hadFocus) $("add-layer").focus();
    this.colorLayers();
  }

  row(index) {
    const name = `layer ${index + 1}`;
    const width = make("input", {
      type: "number",
      min: 1,
      max: MAX_WIDTH,
      "aria-label": `Units of ${name}`,
    });
    width.addEventListener("change", () => {
      this.setLayer(index, { width: +width.value });
      width.value = this.store.configuration.layers[index].width;
    });
    const unit = make("select", { "aria-label": `Kind of units of ${name}` });
    options(unit, Object.entries(UNITS));
    unit.addEventListener("change", () => this.setLayer(index, { unit: unit.value }));
    const button = (text, label, act) => {
      const element = make("button", { type: "button", textContent: text, "aria-label": label });
      element.addEventListener("click", act);
      return element;
    };
    const step = (up) => {
      const now = this.store.configuration.layers[index].width;
      const next = up ? WIDTHS.find((w) => w > now) : WIDTHS.findLast((w) => w < now);
      if (next) this.setLayer(index, { width: next });
    };
    const buttons = make(
      "span",
      { className: "buttons" },
      button("−", `Fewer units in ${name}`, () => step(false)),
      button("+", `More units in ${name}`, () => step(true)),
      button("×", `Remove ${name}`, () =>
        this.set(this.store.configuration.layers.filter((_, i) => i !== index)),
      ),
    );
    return make("div", { className: "layer" }, make("i"), width, unit, buttons);
  }

  fillRows(layers) {
    [...$("layers").children].forEach((row, i) => {
      const [width, unit] = row.querySelectorAll("input, select");
      width.value = layers[i].width;
      unit.value = layers[i].unit;
    });
  }

  colorLayers() {
    const rows = [...$("layers").children];
    rows.forEach((row, i) => {
      row.querySelector("i").style.background = css(this.theme.layer(i, rows.length));
    });
  }
}
