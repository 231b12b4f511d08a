// Where no graphics card draws, the browser fetches every new picture of a canvas from the software renderer, and the page
// waits until it is drawn. So there each picture is drawn aside, and gets to the canvas when it is ready: a mere copy.
import type { Device, Framebuffer } from "@luma.gl/core";

/** As many as a canvas of its own has. Only lines need them: everything else has soft edges by itself, and is drawn in two thirds of the time without. */
const SAMPLES = 4;

/** Between two pictures it rests as long as it has drawn, but no longer than this: a run may be training on the same processor. */
const REST_MS = 60;

interface Surface { target: Framebuffer; frame: WebGLFramebuffer; buffers: WebGLRenderbuffer[] }

/** A software renderer takes one picture after the other, of whatever plot of the page: every copy waits for what was begun before it. */
let drawing: Aside | null = null;
const waiting = new Set<Aside>();

export class Aside {
  readonly #gl: WebGL2RenderingContext;
  /** By number of samples, as large as the canvas is to be. */
  #surfaces = new Map<number, Surface>();
  #size: readonly [number, number] = [0, 0];
  /** Behind the picture that is being drawn. */
  #fence: WebGLSync | null = null;
  #begun = 0;
  #asking = 0;

  /** `next` is called when a picture can be drawn, where that was refused before. */
  constructor(private readonly device: Device, private readonly next: () => void) {
    this.#gl = (device as Device & { gl: WebGL2RenderingContext }).gl;
  }

  /** Whether a picture can be drawn now; if not, `next` will say when. */
  free(): boolean {
    if (drawing === null) return true;
    waiting.add(this);
    return false;
  }

  /** `lines`: there are some in the picture. */
  draw(lines: boolean, render: (target: Framebuffer) => void): void {
    if (!this.free()) return;
    const gl = this.#gl;
    const [width, height] = this.device.getDefaultCanvasContext().getDrawingBufferSize();
    if (width !== this.#size[0] || height !== this.#size[1]) this.#clear();
    this.#size = [width, height];
    const ready = this.#surface(0);
    const drawn = lines ? this.#surface(SAMPLES) : ready;
    render(drawn.target);
    if (lines) this.#copy(drawn.frame, ready.frame);
    this.#fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
    drawing = this;
    this.#begun = performance.now();
    this.#ask(ready);
  }

  destroy(): void {
    cancelAnimationFrame(this.#asking);
    waiting.delete(this);
    this.#clear();
    this.#done();
  }

  /** Looks again at every frame, and never waits. */
  #ask(ready: Surface): void {
    const gl = this.#gl;
    this.#asking = requestAnimationFrame(() => {
      if (this.#fence && !gl.isContextLost() && gl.getSyncParameter(this.#fence, gl.SYNC_STATUS) !== gl.SIGNALED) return this.#ask(ready);
      const canvas = this.device.getDefaultCanvasContext();
      // Gives the canvas a new size only now, with a picture in it.
      canvas.getCurrentFramebuffer();
      this.#copy(ready.frame, null, canvas.getDrawingBufferSize());
      // The browser fetches the canvas at the end of this frame, and would wait for whatever is begun before that.
      setTimeout(() => this.#done(), Math.min(REST_MS, performance.now() - this.#begun));
    });
  }

  /** Hands on to whoever has waited longest. */
  #done(): void {
    if (this.#fence) this.#gl.deleteSync(this.#fence);
    this.#fence = null;
    if (drawing !== this) return;
    drawing = null;
    for (const one of waiting) {
      waiting.delete(one);
      one.next();
      if (drawing) return;
    }
  }

  #copy(from: WebGLFramebuffer, to: WebGLFramebuffer | null, size: readonly [number, number] = this.#size): void {
    const gl = this.#gl;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, from);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, to);
    gl.blitFramebuffer(0, 0, ...this.#size, 0, 0, ...size, gl.COLOR_BUFFER_BIT, gl.NEAREST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  #surface(samples: number): Surface {
    const known = this.#surfaces.get(samples);
    if (known) return known;
    const gl = this.#gl;
    const [width, height] = this.#size;
    const frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    const buffers = ([[gl.COLOR_ATTACHMENT0, gl.RGBA8], [gl.DEPTH_ATTACHMENT, gl.DEPTH_COMPONENT24]] as const).map(([at, format]) => {
      const buffer = gl.createRenderbuffer();
      gl.bindRenderbuffer(gl.RENDERBUFFER, buffer);
      gl.renderbufferStorageMultisample(gl.RENDERBUFFER, samples, format, width, height);
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, at, gl.RENDERBUFFER, buffer);
      return buffer;
    });
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    const surface = { target: this.device.createFramebuffer({ handle: frame, width, height }), frame, buffers };
    this.#surfaces.set(samples, surface);
    return surface;
  }

  #clear(): void {
    for (const { target, frame, buffers } of this.#surfaces.values()) {
      target.destroy();
      this.#gl.deleteFramebuffer(frame);
      for (const buffer of buffers) this.#gl.deleteRenderbuffer(buffer);
    }
    this.#surfaces.clear();
  }
}
