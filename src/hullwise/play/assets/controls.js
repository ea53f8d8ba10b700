/** The rail, the bar and the toggles: each writes one key of the configuration and shows it. */

import {
  BATCHES,
  DATA_SETS,
  PENALTIES,
  RATES,
  SPEEDS,
  STRENGTHS,
} from "./state.js";
import { NetworkControls } from "./network.js";
import { Thumbnail } from "./thumbs.js";
import { css } from "./theme.js";
import { classGlyph, count, plural, short } from "./words.js";
import {
  $,
  ListSlider,
  RadioGroup,
  make,
  options,
  press,
  setText,
  showValue,
  toggle,
} from "./widgets.js";

const ROW_COUNTS = [20, 30, 50, 75, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000];
const MODES = { class: "Class", height: "Height", regions: "Regions" };
const CAPTIONS = {
  lead: "lines where a class is ahead by 0.5, 1, 2, 4, … in log odds",
  height: "lines evenly spaced within the targets, doubling beyond",
  regions: "colour: the direction in which f rises",
};

/** Axes and classes of an own table: the picture itself names none. */
function ownCaption({ names: [across, up], labels, task }) {
  const classes = task === "classes" ? (labels ?? []) : [];
  const glyphs = classes.map((label, c) => `${classGlyph(c)}\u00a0${label}`);
  return [`across ${across}, up ${up}`, glyphs.join(" ")].filter(Boolean).join("; ");
}

export class Controls {
  constructor(store, theme) {
    this.store = store;
    this.theme = theme;
    this.network = new NetworkControls(store, theme);
    this.dataSets = new RadioGroup(
      $("data-sets"),
      Object.entries(DATA_SETS).map(([value, label]) => ({
        value,
        label,
        face: new Thumbnail(value, theme).canvas,
      })),
      (data) => store.change({ data }),
    );
    this.mode = new RadioGroup(
      $("mode"),
      Object.entries(MODES).map(([value, label]) => ({ value, label })),
      (mode) => store.change({ show: { mode } }),
    );
    this.sliders = this.makeSliders();
    this.bindPlain();
    store.subscribe((configuration) => this.show(configuration));
    theme.listeners.push(() => this.colorToggles());
  }

  makeSliders() {
    const { store } = this;
    const list = (id, values, write, change) =>
      new ListSlider($(id), values, write, (value) => store.change(change(value)));
    const strength = (v) => (v ? short(v) : "none");
    return {
      rows: list("rows", ROW_COUNTS, count, (rows) => ({ rows })),
      rate: list("rate", RATES, short, (rate) => ({ rate })),
      batch: list("batch", BATCHES, count, (batch) => ({ batch })),
      ...Object.fromEntries(
        PENALTIES.map((name) => [
          name,
          list(name, STRENGTHS[name], strength, (v) => ({ penalties: { [name]: v } })),
        ]),
      ),
    };
  }

  bindPlain() {
    const { store } = this;
    for (const id of ["noise", "dropout"]) {
      const input = $(id);
      input.addEventListener("input", () => showValue(input, (+input.value).toFixed(2)));
      input.addEventListener("change", () => store.change({ [id]: +input.value }));
    }
    $("seed").addEventListener("change", () => {
      store.change({ seed: +$("seed").value });
      $("seed").value = store.configuration.seed;
    });
    $("reseed").addEventListener("click", () => store.change({ seed: store.configuration.seed + 1 }));
    options($("speed"), SPEEDS.map((n) => [n, `${plural(n, "step")} a frame`]));
    $("speed").addEventListener("change", () => store.change({ steps_per_frame: +$("speed").value }));
    for (const id of ["optimiser", "gradient", "normalisation"]) {
      $(id).addEventListener("change", () => store.change({ [id]: $(id).value }));
    }
    toggle($("residual"), (residual) => store.change({ residual }));
    for (const [id, key] of [
      ["show-rows", "rows"],
      ["show-hull", "hull"],
      ["guard", "guard"],
      ["simplex", "simplex"],
      ["complexity", "complexity"],
    ]) {
      toggle($(id), (isOn) => store.change({ show: { [key]: isOn } }));
    }
    $("metric").addEventListener("change", () => {
      store.change({ show: { metric: $("metric").value || null } });
    });
  }

  show(configuration) {
    const c = configuration;
    this.dataSets.show(c.data);
    this.mode.show(c.show.mode);
    for (const name of ["rows", "rate", "batch"]) this.sliders[name].show(c[name]);
    for (const name of PENALTIES) this.sliders[name].show(c.penalties[name]);
    for (const id of ["noise", "dropout"]) {
      $(id).value = c[id];
      showValue($(id), c[id].toFixed(2));
    }
    $("seed").value = c.seed;
    $("speed").value = c.steps_per_frame;
    for (const id of ["optimiser", "gradient", "normalisation"]) $(id).value = c[id];
    press($("residual"), c.residual);
    for (const id of ["guard", "simplex", "complexity"]) press($(id), c.show[id]);
    press($("show-rows"), c.show.rows);
    press($("show-hull"), c.show.hull);
    $("metric").value = c.show.metric ?? "";
    press($("draw"), c.data === "drawn");
    press($("open-table"), c.data === "own");
    this.network.show(c);
    this.showLayerToggles(c);
    this.showSummaries(c);
  }

  showSummaries(c) {
    const way = c.gradient === "forward" ? ", forward" : "";
    const dropout = c.dropout ? `, dropout ${c.dropout}` : "";
    const optimiser = c.optimiser === "adam" ? "Adam" : "descent";
    setText(
      $("training-summary"),
      `${optimiser} ${short(c.rate)}, batch ${c.batch}${way}${dropout}`,
    );
    const active = PENALTIES.filter((name) => c.penalties[name]);
    const words = { weight_decay: "weights", mixup: "mixtures" };
    setText(
      $("penalty-summary"),
      active.map((name) => `${words[name] ?? name} ${short(c.penalties[name])}`).join(", ") || "none",
    );
    setText($("seed-summary"), String(c.seed));
    const norm = c.normalisation === "none" ? "" : `${c.normalisation} normalisation`;
    const between = [c.residual ? "residual" : "", norm].filter(Boolean).join(", ");
    setText($("network-summary"), between || "nothing");
    setText($("guard-summary"), c.show.guard ? "on" : "off");
    const extra = [c.show.metric, c.show.simplex, c.show.complexity].filter(Boolean).length;
    setText($("overlay-count"), extra ? ` (${extra})` : "");
    $("metric-note").hidden = !c.show.metric;
    const isOwnRows = c.data === "own" || c.data === "drawn";
    for (const id of ["rows", "noise"]) {
      $(id).disabled = isOwnRows;
      $(id).parentElement.hidden = isOwnRows;
    }
  }

  showLayerToggles({ layers, show }) {
    const box = $("layer-toggles");
    if (box.children.length !== layers.length) {
      box.replaceChildren(
        ...layers.map((_, i) => {
          const swatch = make("i", { className: "swatch" });
          const word = make("span", { className: "wide-only", textContent: "layer " });
          const button = make(
            "button",
            { type: "button", "aria-label": `walls of layer ${i + 1}` },
            swatch,
            word,
            String(i + 1),
          );
          toggle(button, (isOn) => {
            const now = this.store.configuration.show.layers;
            this.store.change({ show: { layers: now.map((v, j) => (j === i ? isOn : v)) } });
          });
          return button;
        }),
      );
      box.classList.toggle("many", layers.length > 3);
      this.colorToggles();
    }
    [...box.children].forEach((button, i) => press(button, show.layers[i]));
  }

  colorToggles() {
    const buttons = [...$("layer-toggles").children];
    buttons.forEach((button, i) => {
      button.firstChild.style.background = css(this.theme.layer(i, buttons.length));
    });
  }

  /** How curved inputs are drawn. */
  showChords(chords) {
    this.network.showNote(chords?.sentence ?? "");
  }

  /** What depends on the rows: numbers have no classes. */
  showData(data, mode) {
    this.mode.disable("class", data.task === "regression");
    this.mode.show(mode);
    const caption =
      mode === "regions"
        ? CAPTIONS.regions
        : mode === "height"
          ? CAPTIONS[data.task === "classes" ? "lead" : "height"]
          : "";
    const text = [caption, data.isOwn ? ownCaption(data) : ""].filter(Boolean).join("; ");
    setText($("caption"), text);
    $("caption").hidden = !text;
  }
}
