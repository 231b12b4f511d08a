// The same picture without WebGL2: a plain canvas, flat. Slower, but never blank.
import { Detail } from "./detail";
import { drawTile, extent, MARGIN, pictureSide, pointAt, REACH, type Plot, type PlotEvents, type Pointed, type Scene, type Sheet } from "./scene";
import { scale } from "../scale.svelte";

export class CanvasPlot implements Plot {
  #canvas = document.createElement("canvas");
  #scene: Scene | null = null;
  #detail: Detail;
  #watch: ResizeObserver;
  #screen = new Float32Array();
  /** Doublings beyond the zoom that shows everything, and how far the view's middle is from the points'. */
  #zoomed = 0;
  #x = 0;
  #y = 0;
  #unit = 1;
  #drawing = 0;
  #dragged: { x: number; y: number; far: boolean } | null = null;

  constructor(private readonly parent: HTMLDivElement, private readonly sheet: Sheet, private readonly events: PlotEvents, private readonly still: () => boolean) {
    parent.append(this.#canvas);
    this.#detail = new Detail(sheet.count);
    const on = <K extends keyof HTMLElementEventMap>(type: K, heard: (event: HTMLElementEventMap[K]) => void): void => this.#canvas.addEventListener(type, heard, { passive: false });
    on("pointerdown", (event) => (this.#dragged = event.pointerType === "touch" ? null : { x: event.offsetX, y: event.offsetY, far: false }));
    on("pointermove", (event) => this.#moved(event));
    on("pointerleave", () => events.hover(null));
    on("click", (event) => {
      if (!this.#dragged?.far) events.click(this.#nearest(event));
      this.#dragged = null;
    });
    on("wheel", (event) => {
      event.preventDefault();
      this.#zoomBy(-event.deltaY * 0.002, event.offsetX, event.offsetY);
    });
    this.#watch = new ResizeObserver(() => this.#soon());
    this.#watch.observe(parent);
  }

  show(scene: Scene): void {
    this.#scene = scene;
    this.#soon();
  }

  zoom(direction: number, at = [this.parent.clientWidth / 2, this.parent.clientHeight / 2] as [number, number]): void {
    if (direction === 0) this.#zoomed = this.#x = this.#y = 0;
    else this.#zoomBy(direction * 0.6, ...at);
    this.#soon();
  }

  turn(dx: number, dy: number): void {
    this.#x += (dx * this.parent.clientWidth) / this.#scale;
    this.#y += (dy * this.parent.clientHeight) / this.#scale;
    this.#soon();
  }

  screen(): Float32Array | null {
    if (!this.#scene) return null;
    this.#project(this.#scene);
    return this.#screen;
  }

  detail(): Float32Array {
    return this.#detail.shown;
  }

  destroy(): void {
    cancelAnimationFrame(this.#drawing);
    this.#watch.disconnect();
    this.parent.replaceChildren();
  }

  get #scale(): number {
    return this.#unit * 2 ** this.#zoomed;
  }

  #zoomBy(by: number, px: number, py: number): void {
    const before = this.#scale;
    this.#zoomed = Math.min(5, Math.max(-1, this.#zoomed + by));
    // What is under the pointer stays there.
    const shift = 1 / before - 1 / this.#scale;
    this.#x += (px - this.parent.clientWidth / 2) * shift;
    this.#y -= (py - this.parent.clientHeight / 2) * shift;
    this.#soon();
  }

  #moved(event: PointerEvent): void {
    const from = this.#dragged;
    if (!from || event.buttons === 0) return this.events.hover(this.#nearest(event));
    const [dx, dy] = [event.offsetX - from.x, event.offsetY - from.y];
    if (!from.far && Math.hypot(dx, dy) < 4) return;
    this.#x -= dx / this.#scale;
    this.#y += dy / this.#scale;
    this.#dragged = { x: event.offsetX, y: event.offsetY, far: true };
    this.events.hover(null);
    this.#soon();
  }

  #nearest(event: MouseEvent): Pointed | null {
    const scene = this.#scene;
    if (!scene) return null;
    return pointAt(scene, this.#screen, this.#detail.shown, this.#side(scene), REACH * scale.now, event.offsetX, event.offsetY);
  }

  #side({ draw }: Scene): number {
    return scale.now * pictureSide(draw, this.sheet.count, this.#zoomed, this.#unit / scale.now);
  }

  #project(scene: Scene): void {
    const { clientWidth: w, clientHeight: h } = this.parent;
    const n = scene.image.length / 3;
    if (this.#screen.length !== 4 * n) this.#screen = new Float32Array(4 * n);
    const { middle, size } = extent(scene);
    this.#unit = Math.min(Math.max(60, w / 2 - MARGIN.x * scale.now) / size[0], Math.max(60, h / 2 - MARGIN.y * scale.now) / size[1]);
    for (let i = 0; i < 2 * n; i++) {
      const points = i < n ? scene.image : scene.text;
      const from = 3 * (i % n);
      this.#screen[2 * i] = w / 2 + (points[from]! - middle[0] - this.#x) * this.#scale;
      this.#screen[2 * i + 1] = h / 2 - (points[from + 1]! - middle[1] - this.#y) * this.#scale;
    }
  }

  #soon(): void {
    this.#drawing ||= requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#draw();
    });
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
    this.#project(scene);
    const n = scene.image.length / 3;
    const count = Math.min(n, this.sheet.count);
    const side = this.#side(scene);
    const times = scale.now;
    const at = this.#screen;
    if (scene.draw === "zoom") {
      this.#detail.choose(at.subarray(0, 2 * count), w, h, side, [scene.selected, scene.hovered], scene.found);
    } else {
      this.#detail.everything(scene.draw === "pictures");
    }
    const more = this.#detail.advance(performance.now(), this.still());
    const [pictures, texts] = [scene.points !== "text", scene.points !== "image"];
    const line = (from: number, to: number): void => {
      context.beginPath();
      context.moveTo(at[2 * from]!, at[2 * from + 1]!);
      context.lineTo(at[2 * to]!, at[2 * to + 1]!);
      context.stroke();
    };
    const circle = (i: number, radius: number, filled: boolean): void => {
      context.beginPath();
      context.arc(at[2 * i]!, at[2 * i + 1]!, radius, 0, 7);
      if (filled) context.fill();
      else context.stroke();
    };
    const colour = (colours: Uint8ClampedArray, i: number): number => {
      context.fillStyle = context.strokeStyle = `rgb(${colours[4 * i]} ${colours[4 * i + 1]} ${colours[4 * i + 2]})`;
      return colours[4 * i + 3]! / 255;
    };
    for (let i = 0; i < count; i++) {
      const alpha = colour(scene.colours.image, i);
      if (scene.lines && pictures && texts) {
        context.globalAlpha = alpha * 0.2;
        line(i, n + i);
      }
      const part = this.#detail.shown[i]!;
      if (pictures) {
        context.globalAlpha = alpha * (1 - 0.5 * part);
        circle(i, 3.5 * times + (side * 0.6 - 3.5 * times) * part, true);
      }
      if (texts) {
        context.globalAlpha = colour(scene.colours.text, i);
        circle(n + i, 2.5 * times, false);
      }
    }
    for (let i = 0; pictures && i < count; i++) {
      const part = this.#detail.shown[i]!;
      if (part === 0) continue;
      context.globalAlpha = (part * scene.colours.image[4 * i + 3]!) / 255;
      drawTile(context, this.sheet, i, at[2 * i]!, at[2 * i + 1]!, side);
    }
    context.globalAlpha = 1;
    const stroke = ([r, g, b]: [number, number, number], width: number): void => {
      context.strokeStyle = context.fillStyle = `rgb(${r} ${g} ${b})`;
      context.lineWidth = width * times;
    };
    const ring = (i: number): number => 7 * times + (side * 0.6 - 3 * times) * this.#detail.shown[i]!;
    const own = (i: number): number => (pictures ? i : n + i);
    stroke(scene.blue, 2);
    for (const i of scene.found) if (i < count && pictures) circle(i, ring(i), false);
    const selected = scene.selected !== null && scene.selected < count ? scene.selected : null;
    if (selected !== null && scene.near && pictures) {
      stroke(scene.blue, 1.5);
      for (const i of scene.near.images) line(selected, i);
      stroke(scene.orange, 1.5);
      if (texts) for (const i of scene.near.texts) line(selected, n + i);
    }
    stroke(scene.ink, 2);
    for (const i of [selected, scene.hovered]) {
      if (i === null || i >= count) continue;
      if (pictures && texts) line(i, n + i);
      if (texts) circle(n + i, 4 * times, true);
    }
    if (selected !== null) circle(own(selected), ring(selected), false);
    if (more) this.#soon();
  }
}
