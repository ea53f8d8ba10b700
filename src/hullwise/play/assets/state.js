/** The one configuration of the page: its defaults and limits, the URL that carries it, who listens. */

export const DATA_SETS = {
  spirals: "Two spirals",
  xor: "XOR quadrants",
  ring: "Ring around a ball",
  gaussians: "Two Gaussians",
  moons: "Moons",
  three: "Three classes",
  staircase: "Staircase",
  parabola: "Parabola: x², whatever y is",
};
export const INPUTS = ["x", "y", "x2", "y2", "xy", "sinx", "siny"];
export const UNITS = {
  relu: "ReLU",
  abs: "abs",
  leaky: "leaky",
  maxout: "maxout",
};
export const SPEEDS = [1, 2, 5, 10, 20, 50];
export const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.005, 0.01, 0.03, 0.1, 0.3, 1];
export const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 500];
const FINE = [0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
/** Penalties and the strengths that their sliders offer. */
export const STRENGTHS = {
  weight_decay: FINE,
  orthogonality: [...FINE, 3, 10],
  tangent: [...FINE, 3, 10],
  mixup: [0, 0.1, 0.2, 0.4, 1, 2, 5, 10],
};
export const PENALTIES = Object.keys(STRENGTHS);
export const MAX_WIDTH = 128;
export const MAX_LAYERS = 6;

const relu32 = () => ({ width: 32, unit: "relu" });

export const defaults = () => ({
  data: "spirals",
  rows: 500,
  noise: 0.03,
  seed: 0,
  inputs: ["x", "y"],
  layers: [relu32(), relu32()],
  residual: false,
  normalisation: "none",
  optimiser: "adam",
  rate: 0.005,
  batch: 64,
  gradient: "backpropagation",
  dropout: 0,
  penalties: Object.fromEntries(PENALTIES.map((name) => [name, 0])),
  steps_per_frame: 5,
  show: {
    mode: "class",
    layers: [true, true],
    rows: true,
    hull: true,
    metric: null,
    simplex: false,
    guard: false,
    complexity: false,
  },
  view: null,
});

const between = (low, high) => (v) =>
  Number.isFinite(+v) && v !== "" && v !== null ? Math.min(high, Math.max(low, +v)) : undefined;
const whole = (low, high) => (v) => {
  const clipped = between(low, high)(v);
  return clipped === undefined ? undefined : Math.round(clipped);
};
const among = (...names) => (v) => (names.includes(v) ? v : undefined);
const boolean = (v) => (typeof v === "boolean" ? v : undefined);

function inputs(v) {
  const chosen = Array.isArray(v) ? INPUTS.filter((name) => v.includes(name)) : [];
  return chosen.length ? chosen : undefined;
}

function layers(v) {
  if (!Array.isArray(v)) return undefined;
  const width = whole(1, MAX_WIDTH);
  const valid = v
    .slice(0, MAX_LAYERS)
    .map((l) => ({ width: width(l?.width), unit: l?.unit in UNITS ? l.unit : undefined }));
  return valid.every((l) => l.width && l.unit) ? valid : undefined;
}

/** Rounded as the address has it: to a hundred thousandth of what is seen. */
function view(v) {
  if (v === null) return null;
  const numbers = [...(v?.center ?? []), ...(v?.half ?? [])].map(Number);
  const fits = numbers.length === 4 && numbers.every((x) => Number.isFinite(x) && Math.abs(x) < 1e9);
  if (!fits || numbers[2] < 1e-9 || numbers[3] < 1e-9) return undefined;
  const decimals = Math.min(20, Math.max(0, 5 - Math.floor(Math.log10(numbers[3]))));
  return {
    center: numbers.slice(0, 2).map((x) => +x.toFixed(decimals)),
    half: numbers.slice(2).map((x) => +x.toPrecision(6)),
  };
}

/** A check for each setting: the valid value, or undefined where there is none. */
const CHECKS = {
  data: among(...Object.keys(DATA_SETS), "own", "drawn"),
  rows: whole(20, 5000),
  noise: between(0, 0.5),
  seed: whole(0, 2 ** 31 - 1),
  inputs,
  layers,
  residual: boolean,
  normalisation: among("none", "batch", "layer"),
  optimiser: among("adam", "sgd"),
  rate: between(1e-7, 10),
  batch: whole(1, 5000),
  gradient: among("backpropagation", "forward"),
  dropout: between(0, 0.8),
  penalties: Object.fromEntries(
    PENALTIES.map((name) => [name, between(0, STRENGTHS[name].at(-1))]),
  ),
  steps_per_frame: among(...SPEEDS),
  show: {
    mode: among("class", "height", "regions"),
    layers: (v) => (Array.isArray(v) && v.every((b) => typeof b === "boolean") ? v : undefined),
    rows: boolean,
    hull: boolean,
    metric: among(null, "nfm", "agop", "local"),
    simplex: boolean,
    guard: boolean,
    complexity: boolean,
  },
  view,
};

/** `candidate` laid over `base`: what is not valid stays as in `base`. */
export function validated(candidate, base = defaults(), checks = CHECKS) {
  const result = { ...base };
  for (const [key, check] of Object.entries(checks)) {
    if (candidate?.[key] === undefined) continue;
    const value =
      typeof check === "function"
        ? check(candidate[key])
        : validated(candidate[key], base[key], check);
    if (value !== undefined) result[key] = value;
  }
  if (checks === CHECKS) {
    const shown = result.show.layers;
    result.show = { ...result.show, layers: result.layers.map((_, i) => shown[i] ?? true) };
  }
  return result;
}

export const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/* The fragment: `data=xor&layers=8relu,8abs&show.mode=height`; only what differs from the defaults. */

const TEXTS = {
  inputs: { write: (v) => v.join(","), read: (t) => t.split(",") },
  layers: {
    write: (v) => v.map((l) => `${l.width}${l.unit}`).join(",") || "none",
    read: (t) =>
      t === "none"
        ? []
        : t.split(",").map((part) => {
            const [, width, unit] = /^(\d+)([a-z]+)$/.exec(part) ?? [];
            return { width: +width, unit };
          }),
  },
  "show.layers": {
    write: (v) => v.map((b) => +b).join(""),
    read: (t) => [...t].map((c) => c === "1"),
  },
  view: {
    write: (v) => [...v.center, ...v.half].join(","),
    read: (t) => {
      const n = t.split(",").map(Number);
      return { center: n.slice(0, 2), half: n.slice(2) };
    },
  },
};

function* leaves(checks, path = []) {
  for (const [key, check] of Object.entries(checks)) {
    if (typeof check === "function") yield [...path, key];
    else yield* leaves(check, [...path, key]);
  }
}

const at = (tree, path) => path.reduce((value, key) => value?.[key], tree);

export function toFragment(configuration) {
  const standard = validated({ layers: configuration.layers });
  standard.layers = defaults().layers;
  const parts = [];
  for (const path of leaves(CHECKS)) {
    const value = at(configuration, path);
    if (equal(value, at(standard, path)) || value === null) continue;
    const key = path.join(".");
    const text = TEXTS[key] ? TEXTS[key].write(value) : String(value);
    parts.push(`${key}=${encodeURIComponent(text).replace(/%2C/g, ",")}`);
  }
  return parts.join("&");
}

function fromText(key, text) {
  if (TEXTS[key]) return TEXTS[key].read(text);
  if (text === "true" || text === "false") return text === "true";
  return Number.isNaN(+text) ? text : +text;
}

export function fromFragment(fragment) {
  const tree = {};
  for (const [key, text] of new URLSearchParams(fragment)) {
    const path = key.split(".");
    if (path.includes("__proto__")) continue;
    const last = path.pop();
    let branch = tree;
    for (const part of path) branch = branch[part] ??= {};
    branch[last] = fromText(key, text);
  }
  return validated(tree);
}

/** The configuration and its listeners: `change` is the only way to alter it. */
export class Store {
  constructor(configuration) {
    this.configuration = configuration;
    this.listeners = [];
  }

  subscribe(listener) {
    this.listeners.push(listener);
  }

  /** Nested objects (`show`, `penalties`) are merged; listeners hear the top keys that changed. */
  change(patch, origin = "page") {
    const before = this.configuration;
    const next = validated(patch, before);
    const keys = Object.keys(next).filter((key) => !equal(next[key], before[key]));
    if (!keys.length) return;
    this.configuration = next;
    for (const listener of this.listeners) listener(next, keys, origin, before);
  }
}
