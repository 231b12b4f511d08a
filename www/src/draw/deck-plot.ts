// The shared space on WebGL2 (deck.gl, loaded only when there is something to draw).
import { Deck, OrbitView, OrthographicView, type DeckProps, type OrbitViewState, type OrthographicViewState } from "@deck.gl/core";
import type { Device, Framebuffer } from "@luma.gl/core";
import { Aside } from "./aside";
import { hasLines, layersOf } from "./deck-layers";
import { Detail } from "./detail";
import { extent, MARGIN, pictureSide, pointAt, REACH, type Plot, type PlotEvents, type Pointed, type Scene, type Sheet } from "./scene";
import { drawsInSoftware } from "./webgl";
import { scale } from "../scale.svelte";

/** Where the eye is: of the flat view only target and zoom count. */
interface Eye { target: [number, number, number]; zoom: number; rotationX: number; rotationOrbit: number }
const REST: Eye = { target: [0, 0, 0], zoom: 7, rotationX: 22, rotationOrbit: 30 };
/** Of deck.gl's own, so that a picture can be drawn elsewhere than on the canvas. */
interface Drawing { _drawLayers(reason: string, options: { target: Framebuffer }): void }
/** Share of the way to the resting view that a frame goes. */
const FOLLOW = 0.12;
/** A step of the keyboard turns this many degrees per view width. */
const DEGREES = 120;

export class DeckPlot implements Plot {
  #deck: Deck<OrthographicView | OrbitView>;
  #eye: Eye = { ...REST };
  /** Where everything is seen: zoom and middle. */
  #fit = REST.zoom;
  #middle: [number, number, number] = [0, 0, 0];
  #fitted = true;
  #touched = false;
  #scene: Scene | null = null;
  #detail: Detail;
  #side = 0;
  #screen = new Float32Array();
  #nearness = new Float32Array();
  #hovered: Pointed | null = null;
  #fading = 0;
  #gone = false;
  #device: Device | null = null;
  /** Where the processor draws. */
  #aside: Aside | null = null;
  #flat: OrthographicView;
  #orbit: OrbitView;

  constructor(private readonly parent: HTMLDivElement, private readonly sheet: Sheet, events: PlotEvents, lost: () => void, private readonly still: () => boolean) {
    this.#detail = new Detail(sheet.count);
    // On touch screens one finger scrolls the page and two zoom; with a mouse dragging pans.
    const coarse = matchMedia("(pointer: coarse)").matches;
    const scrollZoom = { speed: 0.02, smooth: false };
    this.#flat = new OrthographicView({ id: "flat", flipY: false, controller: { scrollZoom, dragPan: !coarse, doubleClickZoom: true, keyboard: false } });
    this.#orbit = new OrbitView({ id: "orbit", orbitAxis: "Y", controller: { scrollZoom, doubleClickZoom: true, keyboard: false } });
    const software = drawsInSoftware();
    this.#deck = new Deck<OrthographicView | OrbitView>({
      parent,
      views: this.#flat,
      viewState: this.#eye,
      touchAction: coarse ? "pan-y" : "none",
      ...(software ? this.#drawnAside() : {}),
      onDeviceInitialized: (device) => {
        this.#device = device;
        if (software) this.#aside = new Aside(device, () => this.#turn());
        if (this.#gone) this.#release();
      },
      onViewStateChange: ({ viewState }) => {
        const { target, zoom, rotationX, rotationOrbit } = viewState as OrthographicViewState & OrbitViewState;
        const [x = 0, y = 0, z = 0] = target ?? [];
        this.#eye = { target: [x, y, z], zoom: Number(zoom), rotationX: rotationX ?? this.#eye.rotationX, rotationOrbit: rotationOrbit ?? this.#eye.rotationOrbit };
        this.#touched = true;
        this.#draw();
      },
      onResize: () => {
        this.#fitTo(1);
        this.#draw();
      },
      getCursor: ({ isDragging }) => (isDragging ? "grabbing" : this.#hovered ? "pointer" : "grab"),
      onHover: ({ x, y }) => {
        const at = this.#at(x, y);
        // A new object at every movement would draw everything anew at every movement.
        if (at?.item === this.#hovered?.item && at?.kind === this.#hovered?.kind) return;
        this.#hovered = at;
        events.hover(at);
      },
      onClick: ({ x, y }) => events.click(this.#at(x, y)),
      onError: (error) => {
        if (this.#gone) return;
        console.warn(error.message);
        if (/context|webgl/i.test(error.message)) lost();
      },
      layers: [],
    });
  }

  show(scene: Scene): void {
    const before = this.#scene;
    this.#scene = scene;
    if (before && before.dims !== scene.dims) {
      this.#eye = { ...REST, zoom: this.#eye.zoom };
      this.#touched = false;
    }
    this.#fitted = this.#fitTo(before === null || this.still() ? 1 : FOLLOW);
    this.#draw();
  }

  /** Moves the resting view this share of the way to where every point is inside, and says whether it is there; the view follows until it is moved by hand. */
  #fitTo(share: number): boolean {
    const { clientWidth, clientHeight } = this.parent;
    const half = [Math.max(60, clientWidth / 2 - MARGIN.x * scale.now), Math.max(60, clientHeight / 2 - MARGIN.y * scale.now)] as const;
    let unit = Math.min(...half);
    let off = 0;
    if (this.#scene) {
      const { middle, size, radius } = extent(this.#scene);
      // Turned, any point may come anywhere on its sphere, and nearer to the eye.
      unit = this.#scene.dims === 3 ? (0.9 * unit) / radius : Math.min(half[0] / size[0], half[1] / size[1]);
      off = unit * Math.hypot(...middle.map((at, d) => at - this.#middle[d]!));
      this.#middle = this.#middle.map((at, d) => at + (middle[d]! - at) * share) as [number, number, number];
    }
    const far = Math.log2(unit) - this.#fit;
    this.#fit += far * share;
    if (!this.#touched) this.#eye = { ...this.#eye, target: this.#middle, zoom: this.#fit };
    // A pixel or a hundredth of a doubling is not seen.
    return share === 1 || this.#touched || (Math.abs(far) < 0.01 && off < 1);
  }

  zoom(direction: number, at?: [number, number]): void {
    this.#touched = direction !== 0;
    if (direction === 0) {
      this.#eye = { ...REST };
      this.#fitTo(1);
    } else {
      const { zoom: before, target } = this.#eye;
      const zoom = Math.min(12, Math.max(4, before + direction * 0.6));
      // In space the eye turns around its target, which stays.
      const shift = at && this.#scene?.dims === 2 ? 2 ** -before - 2 ** -zoom : 0;
      const [dx, dy] = at ? [at[0] - this.parent.clientWidth / 2, at[1] - this.parent.clientHeight / 2] : [0, 0];
      this.#eye = { ...this.#eye, zoom, target: [target[0] + dx * shift, target[1] - dy * shift, target[2]] };
    }
    this.#draw();
  }

  turn(dx: number, dy: number): void {
    this.#touched = true;
    const { rotationX, rotationOrbit, zoom, target } = this.#eye;
    if (this.#scene?.dims === 3) {
      this.#eye = { ...this.#eye, rotationOrbit: rotationOrbit - dx * DEGREES, rotationX: Math.min(90, Math.max(-90, rotationX + dy * DEGREES)) };
    } else {
      const unit = 2 ** zoom;
      this.#eye = { ...this.#eye, target: [target[0] + (dx * this.parent.clientWidth) / unit, target[1] + (dy * this.parent.clientHeight) / unit, 0] };
    }
    this.#draw();
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
    this.#gone = true;
    cancelAnimationFrame(this.#fading);
    // deck.gl keeps its context until the collector comes; a page may only have sixteen of them.
    const context = this.parent.querySelector("canvas")?.getContext("webgl2");
    this.#deck.finalize();
    this.#release();
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    this.parent.replaceChildren();
  }

  /** The canvas itself only takes copies. */
  #drawnAside(): Partial<DeckProps<OrthographicView | OrbitView>> {
    return {
      deviceProps: { webgl: { antialias: false, depth: false } },
      _customRender: (reason) => this.#aside?.draw(this.#scene !== null && hasLines(this.#scene), (target) => (this.#deck as unknown as Drawing)._drawLayers(reason, { target })),
    };
  }
  /** The last picture is on the canvas: the next one. */
  #turn(): void {
    this.#draw();
    this.#deck.redraw("drawn aside");
  }

  /** deck.gl leaves its device's observers of the canvas and the screen behind: they would hold all of it for ever. */
  #release(): void {
    this.#aside?.destroy();
    this.#aside = null;
    this.#device?.canvasContext?.destroy();
    this.#device = null;
  }

  /** Pixels of every point, by the matrix that the next picture is drawn with. */
  #project(scene: Scene): void {
    const { clientWidth: width, clientHeight: height } = this.parent;
    const view = scene.dims === 3 ? this.#orbit : this.#flat;
    const matrix = view.makeViewport({ width, height, viewState: this.#eye })?.pixelProjectionMatrix;
    const n = scene.image.length / 3;
    if (this.#nearness.length !== 2 * n) {
      this.#screen = new Float32Array(4 * n);
      this.#nearness = new Float32Array(2 * n).fill(1);
    }
    if (!matrix) return;
    const m = Float64Array.from(matrix);
    const [tx, ty, tz] = this.#eye.target;
    const middle = m[3]! * tx + m[7]! * ty + m[11]! * tz + m[15]!;
    for (let side = 0; side < 2; side++) {
      const points = side === 0 ? scene.image : scene.text;
      for (let i = 0, to = side * n; i < n; i++, to++) {
        const [x, y, z] = [points[3 * i]!, points[3 * i + 1]!, points[3 * i + 2]!];
        const w = m[3]! * x + m[7]! * y + m[11]! * z + m[15]!;
        this.#screen[2 * to] = w > 0 ? (m[0]! * x + m[4]! * y + m[8]! * z + m[12]!) / w : Number.NaN;
        this.#screen[2 * to + 1] = w > 0 ? (m[1]! * x + m[5]! * y + m[9]! * z + m[13]!) / w : Number.NaN;
        this.#nearness[to] = Math.min(2, Math.max(0.45, middle / w));
      }
    }
  }

  #draw(): void {
    const scene = this.#scene;
    const views = scene?.dims === 3 ? this.#orbit : this.#flat;
    if (!scene || this.#gone || this.#aside?.free() === false) return;
    this.#project(scene);
    const zoomed = this.#eye.zoom - this.#fit;
    const count = Math.min(this.sheet.count, scene.image.length / 3);
    const times = scale.now;
    const side = (this.#side = times * pictureSide(scene.draw, count, zoomed, 2 ** this.#fit / times));
    if (scene.draw === "zoom" && scene.points !== "text") {
      this.#detail.choose(this.#screen.subarray(0, 2 * count), this.parent.clientWidth, this.parent.clientHeight, side, [scene.selected, scene.hovered], scene.found);
    } else {
      this.#detail.everything(scene.draw === "pictures");
    }
    const more = this.#detail.advance(performance.now(), this.still());
    const dot = times * Math.min(4, Math.max(2, 4 * Math.sqrt(2000 / count))) * Math.min(2, 2 ** (0.25 * Math.max(0, zoomed)));
    this.#deck.setProps({ views, viewState: this.#eye, layers: layersOf(scene, { sheet: this.sheet, side, dot, times, shown: this.#detail.shown, nearness: this.#nearness }) });
    if (!(more || !this.#fitted) || this.#fading) return;
    this.#fading = requestAnimationFrame(() => {
      this.#fading = 0;
      if (!this.#fitted) this.#fitted = this.#fitTo(FOLLOW);
      this.#draw();
    });
  }

  /** Found from where everything is drawn: picking by colour would draw all of it once more and wait for it. */
  #at(x: number, y: number): Pointed | null {
    return this.#scene && x >= 0 && y >= 0 ? pointAt(this.#scene, this.#screen, this.#detail.shown, this.#side, REACH * scale.now, x, y) : null;
  }
}
