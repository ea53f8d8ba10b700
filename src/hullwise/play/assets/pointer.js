/** Mouse, pen and fingers on the picture: probe, pin, move, zoom. */

const WHEEL_ZOOM = 0.0016;
const DRAG_PIXELS = 4;

export class Pointer {
  /** `actions`: probe(point), pin(point), a tool of its own in `actions.tool` (press, drag) or null. */
  constructor(picture, actions) {
    this.picture = picture;
    this.actions = actions;
    this.fingers = new Map();
    this.start = null;
    const box = picture.box;
    box.addEventListener("pointerdown", (e) => this.down(e));
    box.addEventListener("pointermove", (e) => this.move(e));
    box.addEventListener("pointerup", (e) => this.up(e));
    box.addEventListener("pointercancel", (e) => this.cancel(e));
    box.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
  }

  place(event) {
    const { left, top } = this.picture.box.getBoundingClientRect();
    return [event.clientX - left - 1, event.clientY - top - 1];
  }

  point(event) {
    return this.picture.toPlane(this.place(event));
  }

  down(event) {
    if (event.button) return;
    this.picture.box.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, this.place(event));
    this.start = { place: this.place(event), isDrag: false, span: this.span() };
    this.actions.tool?.press(this.point(event));
  }

  /** Distance and middle of two fingers. */
  span() {
    if (this.fingers.size !== 2) return null;
    const [[x0, y0], [x1, y1]] = this.fingers.values();
    return { length: Math.hypot(x1 - x0, y1 - y0), middle: [(x0 + x1) / 2, (y0 + y1) / 2] };
  }

  move(event) {
    const last = this.fingers.get(event.pointerId);
    if (!last) {
      this.actions.probe(this.point(event));
      return;
    }
    const place = this.place(event);
    this.fingers.set(event.pointerId, place);
    if (this.fingers.size === 2) return this.pinch();
    if (this.actions.tool) {
      this.actions.probe(this.point(event));
      return this.actions.tool.drag(this.point(event));
    }
    const [sx, sy] = this.start.place;
    this.start.isDrag ||= Math.hypot(place[0] - sx, place[1] - sy) > DRAG_PIXELS;
    if (!this.start.isDrag) return;
    if (event.pointerType === "mouse") {
      this.picture.box.classList.add("panning");
      this.picture.pan(place[0] - last[0], place[1] - last[1]);
    } else this.actions.probe(this.point(event));
  }

  pinch() {
    const before = this.start.span;
    const span = this.span();
    this.start.isDrag = true;
    if (before && span.length > 0) {
      this.picture.zoom(before.length / span.length, span.middle);
      this.picture.pan(span.middle[0] - before.middle[0], span.middle[1] - before.middle[1]);
    }
    this.start.span = span;
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId)) return;
    this.picture.box.classList.remove("panning");
    if (this.start && !this.start.isDrag && !this.actions.tool) this.actions.pin(this.point(event));
    this.start = this.fingers.size ? this.start : null;
  }

  cancel(event) {
    this.fingers.delete(event.pointerId);
    this.picture.box.classList.remove("panning");
    this.start = null;
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const amount = Math.max(-300, Math.min(300, event.deltaY * lines));
    this.picture.zoom(Math.exp(WHEEL_ZOOM * amount), this.place(event));
  }
}
