/**
 * The views that were sent. A frame has its own in single precision, too coarse for deep zooms: the
 * centre that was wished for is put back.
 */

const REMEMBERED = 100;

const keyOf = (center, half) => [...center, ...half].map(Math.fround).join();

export class SentViews {
  constructor() {
    this.views = new Map();
  }

  remember({ center, half }) {
    this.views.set(keyOf(center, half), { center: [...center], half: [...half] });
    if (this.views.size > REMEMBERED) this.views.delete(this.views.keys().next().value);
  }

  sharpen(frame) {
    return { ...frame, ...this.views.get(keyOf(frame.center, frame.half)) };
  }
}
