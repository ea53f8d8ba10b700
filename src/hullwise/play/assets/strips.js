/** Strips of squares: each unit on or off where the probe is. A square under the pointer lights up its wall. */

import { css, mix } from "./theme.js";
import { make } from "./widgets.js";
import { plural } from "./words.js";

const GAP = 2;
const MOST_COLUMNS = 32;

export class UnitStrips {
  constructor(box, theme, onUnit) {
    this.box = box;
    this.theme = theme;
    this.onUnit = onUnit;
    this.rows = [];
  }

  /** `layers`: code of each; `wall`: the nearest, whose square is marked. */
  show(layers, wall) {
    if (this.rows.length !== layers.length) this.build(layers.length);
    this.rows.forEach((row, i) => {
      const isNear = wall && wall.layer === i && !wall.at_least;
      row.draw(layers[i].code, isNear ? wall.unit : -1, this.theme.layer(i, layers.length));
    });
  }

  build(count) {
    this.rows = Array.from({ length: count }, (_, i) => new Strip(i, this.theme, this.onUnit));
    this.box.replaceChildren(...this.rows.map((row) => row.canvas));
  }
}

class Strip {
  constructor(layer, theme, onUnit) {
    this.layer = layer;
    this.theme = theme;
    this.onUnit = onUnit;
    this.code = [];
    this.canvas = make("canvas", { role: "img", tabIndex: 0 });
    this.focused = 0;
    this.canvas.addEventListener("pointermove", (e) => this.point(e));
    this.canvas.addEventListener("pointerleave", () => onUnit(null));
    this.canvas.addEventListener("blur", () => onUnit(null));
    this.canvas.addEventListener("keydown", (e) => this.key(e));
  }

  get columns() {
    return Math.min(MOST_COLUMNS, Math.max(16, this.code.length));
  }

  point({ offsetX, offsetY }) {
    const pitch = this.canvas.clientWidth / this.columns;
    const unit = Math.floor(offsetX / pitch) + this.columns * Math.floor(offsetY / this.rowHeight);
    this.onUnit(unit >= 0 && unit < this.code.length ? { layer: this.layer, unit } : null);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.code.length) return;
    event.preventDefault();
    this.focused = (this.focused + step + this.code.length) % this.code.length;
    this.onUnit({ layer: this.layer, unit: this.focused });
  }

  draw(code, near, color) {
    const width = this.canvas.clientWidth || 240;
    const isNew = code.length !== this.code.length;
    this.code = code;
    const pitch = width / this.columns;
    const size = Math.min(pitch - GAP, 11);
    this.rowHeight = size + GAP;
    const lines = Math.ceil(code.length / this.columns);
    const ratio = devicePixelRatio || 1;
    const height = lines * this.rowHeight + 1;
    if (isNew || this.canvas.width !== Math.round(width * ratio)) {
      this.canvas.style.height = `${height}px`;
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const g = this.canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, width, height);
    code.forEach((on, unit) => {
      const x = pitch * (unit % this.columns) + 0.5;
      const y = this.rowHeight * Math.floor(unit / this.columns) + 0.5;
      g.beginPath();
      g.roundRect(x, y, size, size, 1);
      if (on) {
        g.fillStyle = css(on === 1 ? color : mix(color, this.theme.paper, 0.4));
        g.fill();
      }
      g.strokeStyle = css(unit === near ? this.theme.ink : mix(this.theme.paper, color, on ? 1 : 0.5));
      g.lineWidth = unit === near ? 2 : 1;
      g.stroke();
    });
    const on = code.filter(Boolean).length;
    this.canvas.setAttribute(
      "aria-label",
      `layer ${this.layer + 1}: ${on} of ${plural(code.length, "unit")} on`,
    );
  }
}
