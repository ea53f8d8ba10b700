/** The plane: two canvases, what is seen of it, and the coordinates of both. */

import { css } from "./theme.js";
import { paintScene, sceneOf } from "./scene.js";

const MARGIN = 1.42; // the data fill this part of the picture, so that the outside is seen
const ZOOM_LIMITS = [1e-6, 1e7];

export class Picture {
  /** `box` holds the canvases `#cells` and `#marks`; `overlays` paint on the second one. */
  constructor(box, theme, store) {
    this.box = box;
    this.theme = theme;
    this.store = store;
    this.cells = box.querySelector("#cells");
    this.marks = box.querySelector("#marks");
    this.overlays = [];
    this.onView = () => {};
    this.data = null;
    this.expected = null;
    this.frame = null;
    this.scene = null;
    this.view = { center: [0, 0], half: [1, 1] };
    this.size = [1, 1];
    this.pixelRatio = 1;
    this.requested = 0;
    this.dirty = { cells: true, marks: true };
    theme.listeners.push(() => this.redraw({ rebuild: true }));
    new ResizeObserver(() => this.resize()).observe(box);
  }

  resize() {
    const { width, height } = this.box.getBoundingClientRect();
    if (width < 2 || height < 2) return;
    this.size = [width, height];
    this.pixelRatio = devicePixelRatio || 1;
    for (const canvas of [this.cells, this.marks]) {
      canvas.width = Math.round(width * this.pixelRatio);
      canvas.height = Math.round(height * this.pixelRatio);
    }
    this.applyView();
  }

  get aspect() {
    return this.size[0] / this.size[1];
  }

  /** CSS pixels for a unit of the plane. */
  get scale() {
    return this.size[1] / 2 / this.view.half[1];
  }

  toScreen([x, y]) {
    const [cx, cy] = this.view.center;
    return [
      this.size[0] / 2 + (x - cx) * this.scale,
      this.size[1] / 2 - (y - cy) * this.scale,
    ];
  }

  toPlane([px, py]) {
    const [cx, cy] = this.view.center;
    return [cx + (px - this.size[0] / 2) / this.scale, cy - (py - this.size[1] / 2) / this.scale];
  }

  /** The view that shows the data, in this picture's aspect. */
  fitted() {
    const fit = (this.expected ?? this.data)?.fit ?? { center: [0, 0], half: [1, 1] };
    const half = MARGIN * Math.max(fit.half[1], fit.half[0] / this.aspect, 1e-6);
    return { center: [...fit.center], half: [half * this.aspect, half] };
  }

  /** The configuration's view (its vertical extent), or the one that fits, becomes what is seen. */
  applyView() {
    const wished = this.store.configuration.view;
    const half = wished?.half[1];
    this.view = wished
      ? { center: [...wished.center], half: [half * this.aspect, half] }
      : this.fitted();
    this.redraw();
    this.onView(this.view);
  }

  /** Zooms by `factor` about a point of the screen (the middle where there is none). */
  zoom(factor, at = [this.size[0] / 2, this.size[1] / 2]) {
    const half = Math.min(
      ZOOM_LIMITS[1],
      Math.max(ZOOM_LIMITS[0], this.view.half[1] * factor),
    );
    const [px, py] = this.toPlane(at);
    const ratio = half / this.view.half[1];
    const [cx, cy] = this.view.center;
    this.show({
      center: [px + (cx - px) * ratio, py + (cy - py) * ratio],
      half: [half * this.aspect, half],
    });
  }

  /** Moves by CSS pixels. */
  pan(dx, dy) {
    const [cx, cy] = this.view.center;
    const center = [cx - dx / this.scale, cy + dy / this.scale];
    this.show({ center, half: this.view.half });
  }

  show(view) {
    this.store.change({ view });
    this.applyView();
  }

  showData() {
    this.store.change({ view: null });
    this.applyView();
  }

  /** Rows and the first frame of a network for them come together; the view may change before. */
  expect(data) {
    this.expected = data;
    this.applyView();
  }

  /** Rows alone, such as while they are drawn. */
  showRows(data) {
    this.data = data;
    this.redraw({ cells: false });
  }

  setFrame(frame) {
    const isOther = this.expected !== null;
    this.data = this.expected ?? this.data;
    this.expected = null;
    this.frame = frame;
    this.redraw({ rebuild: true, marks: isOther });
  }

  redraw({ rebuild = false, cells = true, marks = true } = {}) {
    if (rebuild) this.scene = null;
    this.dirty.cells ||= cells;
    this.dirty.marks ||= marks;
    this.requested ||= requestAnimationFrame(() => this.paint());
  }

  /** Called by the animation frame; drawing a new frame of the network calls it at once. */
  paint() {
    cancelAnimationFrame(this.requested);
    this.requested = 0;
    if (this.dirty.cells) this.paintCells();
    if (this.dirty.marks) this.paintMarks();
    this.dirty = { cells: false, marks: false };
  }

  paintCells() {
    const g = this.cells.getContext("2d", { alpha: false });
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.fillStyle = css(this.theme.paper);
    g.fillRect(0, 0, this.cells.width, this.cells.height);
    if (!this.frame || !this.data) return;
    const show = this.store.configuration.show;
    this.scene ??= sceneOf(this.frame, this.data, this.theme, show);
    const scale = this.scale * this.pixelRatio;
    const [x, y] = this.toScreen(this.frame.center).map((v) => v * this.pixelRatio);
    g.setTransform(scale, 0, 0, -scale, x, y);
    paintScene(g, this.scene, scale, this.pixelRatio);
  }

  paintMarks() {
    const g = this.marks.getContext("2d");
    g.setTransform(this.pixelRatio, 0, 0, this.pixelRatio, 0, 0);
    g.clearRect(0, 0, ...this.size);
    for (const overlay of this.overlays) overlay(g, this);
  }
}
