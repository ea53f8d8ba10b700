/** Colours of the page for the canvas, read from its style sheet. */

const BLACK = [0, 0, 0];

function parsed(color) {
  const numbers = color.match(/[\d.]+/g);
  return numbers ? numbers.slice(0, 3).map(Number) : BLACK;
}

export const css = (rgb) => `rgb(${rgb.map((c) => Math.round(c)).join(" ")})`;
export const mix = (a, b, share) => a.map((c, i) => c + share * (b[i] - c));

const OKLAB_FROM_LMS = [
  [4.0767416621, -3.3077115913, 0.2309699292],
  [-1.2684380046, 2.6097574011, -0.3413193965],
  [-0.0041960863, -0.7034186147, 1.707614701],
];

/** A colour by lightness, chroma and hue (radians), so that hues look equally strong. */
export function oklch(lightness, chroma, hue) {
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const lms = [
    lightness + 0.3963377774 * a + 0.2158037573 * b,
    lightness - 0.1055613458 * a - 0.0638541728 * b,
    lightness - 0.0894841775 * a - 1.291485548 * b,
  ].map((c) => c ** 3);
  return OKLAB_FROM_LMS.map((row) => {
    const linear = row.reduce((sum, weight, i) => sum + weight * lms[i], 0);
    const clipped = Math.min(1, Math.max(0, linear));
    return 255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055);
  });
}

const NAMES = ["paper", "ink", "soft", "rule", "dust", "core", "edge", "beyond", "far"];

export class Theme {
  constructor() {
    this.listeners = [];
    this.read();
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.refresh());
    }
  }

  refresh() {
    this.read();
    for (const listener of this.listeners) listener();
  }

  read() {
    const swatch = document.createElement("i");
    swatch.hidden = true;
    swatch.style.forcedColorAdjust = "none";
    document.body.append(swatch);
    const color = (name) => {
      swatch.style.color = `var(--${name})`;
      return parsed(getComputedStyle(swatch).color);
    };
    for (const name of NAMES) this[name] = color(name);
    this.classes = [0, 1, 2, 3, 4, 5].map((c) => color(`class-${c}`));
    this.first = color("layer-first");
    this.last = color("layer-last");
    swatch.remove();
    this.tint = +getComputedStyle(document.documentElement).getPropertyValue("--tint");
    this.dark = this.paper[0] + this.paper[1] + this.paper[2] < 380;
    this.forced = matchMedia("(forced-colors: active)").matches;
  }

  /** The colour of a layer's walls: shades between the first and the last. */
  layer(index, layers) {
    return mix(this.first, this.last, layers > 1 ? index / (layers - 1) : 0);
  }

  classColor(c) {
    return this.classes[c % this.classes.length];
  }

  tinted(c, strength = this.tint) {
    return mix(this.paper, this.classColor(c), strength);
  }
}
