// The same picture without WebGL2: a plain canvas, no zoom. Slower, but never blank.
import type { Plot, PlotEvents, Pointed, Scene, Sheet } from "./scene";

export class CanvasPlot implements Plot {
  #canvas = document.createElement("canvas");
  #scene: Scene | null = null;
  #watch: ResizeObserver;

  constructor(private readonly parent: HTMLDivElement, private readonly sheet: Sheet, events: PlotEvents) {
    parent.append(this.#canvas);
    this.#canvas.addEventListener("pointermove", (event) => events.hover(this.#nearest(event)));
    this.#canvas.addEventListener("pointerleave", () => events.hover(null));
    this.#canvas.addEventListener("click", (event) => events.click(this.#nearest(event)));
    this.#watch = new ResizeObserver(() => this.#draw());
    this.#watch.observe(parent);
  }

  show(scene: Scene): void {
    this.#scene = scene;
    this.#draw();
  }

  zoom(): void {
    // A plain canvas always shows everything.
  }

  destroy(): void {
    this.#watch.disconnect();
    this.parent.replaceChildren();
  }

  #place(positions: Float32Array, i: number): [number, number] {
    const { clientWidth: w, clientHeight: h } = this.parent;
    const unit = Math.min(w, h) / 2.25;
    return [w / 2 + positions[2 * i]! * unit, h / 2 - positions[2 * i + 1]! * unit];
  }

  #nearest(event: MouseEvent): Pointed | null {
    if (!this.#scene) return null;
    let best: Pointed | null = null;
    let nearest = 14;
    for (let i = 0; i < this.#scene.image.length / 2; i++) {
      const [x, y] = this.#place(this.#scene.image, i);
      const distance = Math.hypot(x - event.offsetX, y - event.offsetY);
      if (distance < nearest) {
        nearest = distance;
        best = { item: i, kind: "image", x, y };
      }
    }
    return best;
  }

  #draw(): void {
    const { clientWidth: w, clientHeight: h } = this.parent;
    const ratio = devicePixelRatio;
    this.#canvas.width = w * ratio;
    this.#canvas.height = h * ratio;
    Object.assign(this.#canvas.style, { width: `${w}px`, height: `${h}px` });
    const context = this.#canvas.getContext("2d");
    const scene = this.#scene;
    if (!context || !scene) return;
    context.scale(ratio, ratio);
    const { size, columns, bitmap } = this.sheet;
    const side = Math.max(10, Math.min(w, h) / 36);
    for (let i = 0; i < scene.image.length / 2; i++) {
      const [x, y] = this.#place(scene.image, i);
      const [tx, ty] = this.#place(scene.text, i);
      context.fillStyle = context.strokeStyle = `rgb(${scene.colours[4 * i]} ${scene.colours[4 * i + 1]} ${scene.colours[4 * i + 2]})`;
      const marked = i === scene.selected || i === scene.hovered;
      if (scene.lines || marked) {
        context.globalAlpha = marked ? 1 : 0.2;
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(tx, ty);
        context.stroke();
        context.globalAlpha = 1;
      }
      context.beginPath();
      context.arc(tx, ty, 2.5, 0, 7);
      context.stroke();
      if (scene.thumbnails) {
        context.drawImage(bitmap, (i % columns) * size, Math.floor(i / columns) * size, size, size, x - side / 2, y - side / 2, side, side);
      } else {
        context.beginPath();
        context.arc(x, y, 3.5, 0, 7);
        context.fill();
      }
    }
  }
}
