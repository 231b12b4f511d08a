// The shared space on WebGL2 (deck.gl, loaded only when there is something to draw).
import { Deck, OrthographicView, type Layer, type OrthographicViewState, type PickingInfo } from "@deck.gl/core";
import { IconLayer, LineLayer, ScatterplotLayer } from "@deck.gl/layers";
import type { Plot, PlotEvents, Pointed, Scene, Sheet } from "./scene";

/** Room around the outermost points, in pixels. */
const MARGIN = 34;

export class DeckPlot implements Plot {
  #deck: Deck<OrthographicView>;
  #view: OrthographicViewState = { target: [0, 0, 0], zoom: 7 };
  #fit = 7;
  #touched = false;
  #scene: Scene | null = null;
  #sheet: Sheet;
  #mapping: Record<string, { x: number; y: number; width: number; height: number }> = {};

  constructor(private readonly parent: HTMLDivElement, sheet: Sheet, events: PlotEvents, private readonly lost: () => void) {
    this.#sheet = sheet;
    for (let i = 0; i < sheet.count; i++) {
      this.#mapping[i] = { x: (i % sheet.columns) * sheet.size, y: Math.floor(i / sheet.columns) * sheet.size, width: sheet.size, height: sheet.size };
    }
    // On touch screens one finger scrolls the page and two zoom; with a mouse dragging pans.
    const coarse = matchMedia("(pointer: coarse)").matches;
    this.#deck = new Deck({
      parent,
      views: new OrthographicView({ flipY: false, controller: { scrollZoom: { speed: 0.02, smooth: false }, dragPan: !coarse, doubleClickZoom: true, keyboard: false } }),
      viewState: this.#view,
      touchAction: coarse ? "pan-y" : "none",
      pickingRadius: 3,
      onViewStateChange: ({ viewState }) => {
        this.#view = viewState as OrthographicViewState;
        this.#touched = true;
        this.#draw();
      },
      onResize: () => {
        this.#fitTo(1);
        this.#draw();
      },
      getCursor: ({ isDragging, isHovering }) => (isDragging ? "grabbing" : isHovering ? "pointer" : "grab"),
      onHover: (info) => events.hover(pointed(info)),
      onClick: (info) => events.click(pointed(info)),
      onError: (error) => {
        console.warn(error.message);
        if (/context|webgl/i.test(error.message)) this.lost();
      },
      layers: [],
    });
  }

  show(scene: Scene): void {
    const first = this.#scene === null;
    this.#scene = scene;
    this.#fitTo(first ? 1 : 0.12);
    this.#draw();
  }

  /** Moves the resting zoom this share of the way to where every point is inside; the view follows until it is moved by hand. */
  #fitTo(share: number): void {
    const { clientWidth, clientHeight } = this.parent;
    const half = [Math.max(60, clientWidth / 2 - MARGIN), Math.max(60, clientHeight / 2 - MARGIN)] as const;
    let unit = Math.max(...half) * 5;
    if (!this.#scene) unit = Math.min(...half);
    for (const points of this.#scene ? [this.#scene.image, this.#scene.text] : []) {
      for (let i = 0; i < points.length; i++) unit = Math.min(unit, half[i % 2]! / Math.max(0.2, Math.abs(points[i]!)));
    }
    this.#fit += (Math.log2(unit) - this.#fit) * share;
    if (!this.#touched) this.#view = { target: [0, 0, 0], zoom: this.#fit };
  }

  zoom(direction: number): void {
    const zoom = Math.min(12, Math.max(4, Number(this.#view.zoom) + direction * 0.6));
    this.#touched = direction !== 0;
    this.#fitTo(1);
    if (direction !== 0) this.#view = { ...this.#view, zoom };
    this.#draw();
  }

  destroy(): void {
    this.#deck.finalize();
    this.parent.replaceChildren();
  }

  #draw(): void {
    this.#deck.setProps({ viewState: this.#view, layers: this.#scene ? this.#layers(this.#scene) : [] });
  }

  #layers(scene: Scene): Layer[] {
    const { image, text, colours, ink, accent } = scene;
    const length = Math.min(this.#sheet.count, image.length / 2);
    // Thumbnails grow with the zoom, more slowly than the distances, so that zooming in separates them.
    const crowd = Math.sqrt(1000 / Math.max(100, length));
    const size = Math.min(72, Math.max(11, 2 ** (0.72 * (Number(this.#view.zoom) - this.#fit)) * 2 ** (this.#fit - 8.3) * 19 * crowd));
    const at = (array: Float32Array, i: number): [number, number] => [array[2 * i]!, array[2 * i + 1]!];
    const position = (value: Float32Array): { value: Float32Array; size: number } => ({ value, size: 2 });
    const marked = [...new Set([scene.hovered, scene.selected].filter((item) => item !== null))].filter((item) => item < length);
    const dots = scene.thumbnails ? size * 0.6 : 4;
    const layers: (Layer | false)[] = [
      scene.lines &&
        new LineLayer({
          id: "pairs", data: { length, attributes: { getSourcePosition: position(image), getTargetPosition: position(text), getColor: { value: colours, size: 4 } } },
          getWidth: 1, opacity: 0.22, pickable: false,
        }),
      new ScatterplotLayer({
        id: "discs", data: { length, attributes: { getPosition: position(image), getFillColor: { value: colours, size: 4 } } },
        radiusUnits: "pixels", getRadius: dots, opacity: scene.thumbnails ? 0.34 : 0.95, pickable: !scene.thumbnails, updateTriggers: { getRadius: dots },
      }),
      new ScatterplotLayer({
        id: "texts", data: { length, attributes: { getPosition: position(text), getLineColor: { value: colours, size: 4 } } },
        stroked: true, filled: false, radiusUnits: "pixels", lineWidthUnits: "pixels", getRadius: 3, getLineWidth: 1.5, opacity: 0.9, pickable: true,
      }),
      scene.thumbnails &&
        new IconLayer({
          id: "pictures", data: { length, attributes: { getPosition: position(image) } },
          iconAtlas: this.#sheet.bitmap as unknown as string, iconMapping: this.#mapping,
          getIcon: (_: unknown, { index }: { index: number }) => String(index),
          sizeUnits: "pixels", getSize: size, pickable: true, alphaCutoff: -1, updateTriggers: { getSize: size },
        }),
      new ScatterplotLayer<number>({
        id: "found", data: scene.found.filter((item) => item < length), getPosition: (item) => at(image, item),
        stroked: true, filled: false, radiusUnits: "pixels", lineWidthUnits: "pixels", getRadius: dots + 4, getLineWidth: 2, getLineColor: accent, updateTriggers: { getPosition: image, getRadius: dots },
      }),
      new LineLayer<number>({
        id: "marked pairs", data: marked, getSourcePosition: (item) => at(image, item), getTargetPosition: (item) => at(text, item),
        getColor: ink, getWidth: 2, updateTriggers: { getSourcePosition: image, getTargetPosition: text },
      }),
      new ScatterplotLayer<number>({
        id: "marked texts", data: marked, getPosition: (item) => at(text, item), radiusUnits: "pixels", getRadius: 5, getFillColor: ink, updateTriggers: { getPosition: text },
      }),
      scene.selected !== null && scene.selected < length &&
        new ScatterplotLayer<number>({
          id: "selected", data: [scene.selected], getPosition: (item) => at(image, item),
          stroked: true, filled: false, radiusUnits: "pixels", lineWidthUnits: "pixels", getRadius: dots + 5, getLineWidth: 2.5, getLineColor: ink, updateTriggers: { getPosition: image, getRadius: dots },
        }),
    ];
    return layers.filter((layer) => layer !== false);
  }
}

function pointed(info: PickingInfo): Pointed | null {
  if (!info.picked || info.index < 0) return null;
  return { item: info.index, kind: info.layer?.id === "texts" ? "text" : "image", x: info.x, y: info.y };
}
