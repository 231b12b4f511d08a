// Thousands of dots, rings, pictures or hair lines as one plain draw call of points. deck.gl's own layers draw a small
// mesh per point, which a software renderer sets up anew for each of them: ten times slower there, and no faster elsewhere.
import { Layer, project32 } from "@deck.gl/core";
import { Buffer, type Texture } from "@luma.gl/core";
import { Model } from "@luma.gl/engine";

export type Kind = "disc" | "ring" | "picture" | "line";
export interface MassProps {
  kind: Kind;
  /** x y z each; of lines both ends. */
  positions: Float32Array;
  /** RGBA each. */
  colours: Uint8ClampedArray;
  /** Diameter or side in pixels, and place in the sheet; lines have neither. */
  sizes: Float32Array;
  cells: Float32Array;
  /** Of pictures: the page of thumbnails, the side of one in pixels, and how many lie in a row. */
  page: ImageBitmap | null;
  size: number;
  columns: number;
  /** Of rings: how thick, in pixels. */
  stroke: number;
  /** What is more transparent than this is not drawn, and hides nothing behind it. */
  cutoff: number;
}

const KINDS: Kind[] = ["disc", "ring", "picture", "line"];
const block = `\
layout(std140) uniform massUniforms {
  highp int kind;
  float columns;
  float cutoff;
  float stroke;
  vec2 cell;
} mass;
`;
const massUniforms = { name: "mass", vs: block, fs: block, uniformTypes: { kind: "i32", columns: "f32", cutoff: "f32", stroke: "f32", cell: "vec2<f32>" } } as const;
const vs = `\
#version 300 es
#define SHADER_NAME mass-vertex
in vec3 positions;
in vec4 colours;
in float sizes;
in float cells;
out vec4 vColour;
out float vSize;
out vec2 vCorner;
out float vPixel;
void main(void) {
  vPixel = project.devicePixelRatio;
  gl_Position = project_position_to_clipspace(positions, vec3(0.0), vec3(0.0));
  // One pixel more for the soft edge of what is round.
  vSize = (sizes + (mass.kind == 2 ? 0.0 : 2.0)) * vPixel;
  gl_PointSize = vSize;
  vColour = colours;
  vCorner = vec2(mod(cells, mass.columns), floor(cells / mass.columns));
}
`;
const fs = `\
#version 300 es
#define SHADER_NAME mass-fragment
precision highp float;
uniform sampler2D sheet;
in vec4 vColour;
in float vSize;
in vec2 vCorner;
in float vPixel;
out vec4 fragColor;
void main(void) {
  fragColor = vColour;
  if (mass.kind == 2) {
    vec4 texel = texture(sheet, (vCorner + gl_PointCoord) * mass.cell);
    fragColor = vec4(texel.rgb, texel.a * vColour.a);
  } else if (mass.kind < 2) {
    float edge = 0.5 * vSize - vPixel - vSize * length(gl_PointCoord - 0.5);
    float ring = mass.kind == 1 ? clamp(mass.stroke * vPixel - edge, 0.0, 1.0) : 1.0;
    fragColor.a *= clamp(edge + 0.5, 0.0, 1.0) * ring;
  }
  if (fragColor.a <= mass.cutoff) discard;
}
`;

type State = { model: Model; buffers: Record<string, Buffer>; texture: Texture; page: ImageBitmap | null };

export class MassLayer extends Layer<MassProps> {
  static override layerName = "MassLayer";
  static override defaultProps = {
    kind: "disc", positions: { type: "object", value: new Float32Array() }, colours: { type: "object", value: new Uint8ClampedArray() },
    sizes: { type: "object", value: new Float32Array() }, cells: { type: "object", value: new Float32Array() }, page: { type: "object", value: null }, size: 1, columns: 1, stroke: 1.5, cutoff: 0,
  } as const;
  declare state: State;

  override initializeState(): void {
    const { device } = this.context;
    const texture = device.createTexture({ format: "rgba8unorm", width: 1, height: 1, data: new Uint8Array(4) });
    const model = new Model(device, {
      ...this.getShaders({ vs, fs, modules: [project32, massUniforms] }),
      id: this.props.id,
      topology: this.props.kind === "line" ? "line-list" : "point-list",
      bufferLayout: [
        { name: "positions", format: "float32x3" },
        { name: "colours", format: "unorm8x4" },
        { name: "sizes", format: "float32" },
        { name: "cells", format: "float32" },
      ],
      bindings: { sheet: texture },
    });
    this.setState({ model, buffers: {}, texture, page: null } satisfies State);
  }

  override updateState(): void {
    const { positions, colours, sizes, cells, page } = this.props;
    const { state } = this;
    const { model } = state;
    const count = positions.length / 3;
    const none = new Float32Array(count);
    const arrays = { positions, colours, sizes: sizes.length === count ? sizes : none, cells: cells.length === count ? cells : none };
    for (const [name, array] of Object.entries(arrays)) {
      // Grown by halves, so that a changing number of pictures does not make a new buffer at every frame.
      if ((state.buffers[name]?.byteLength ?? -1) < array.byteLength) {
        state.buffers[name]?.destroy();
        state.buffers[name] = this.context.device.createBuffer({ byteLength: Math.max(64, Math.ceil(array.byteLength * 1.5)), usage: Buffer.VERTEX | Buffer.COPY_DST });
        model.setAttributes({ [name]: state.buffers[name] });
      }
      if (array.byteLength > 0) state.buffers[name]!.write(array);
    }
    model.setVertexCount(count);
    if (page && page !== state.page) {
      const { width, height } = page;
      const { device } = this.context;
      state.texture.destroy();
      const sampler = { minFilter: "linear", magFilter: "linear", mipmapFilter: "linear", addressModeU: "clamp-to-edge", addressModeV: "clamp-to-edge" } as const;
      state.texture = device.createTexture({ data: page, width, height, sampler, mipLevels: device.getMipLevelCount(width, height) });
      state.texture.generateMipmapsWebGL();
      state.page = page;
      model.setBindings({ sheet: state.texture });
    }
  }

  override draw(): void {
    const { kind, page, size, columns, stroke, cutoff, positions } = this.props;
    const { model } = this.state;
    if (positions.length === 0) return;
    const cell = page ? [size / page.width, size / page.height] : [0, 0];
    model.shaderInputs.setProps({ mass: { kind: KINDS.indexOf(kind), columns, cutoff, stroke, cell } });
    model.draw(this.context.renderPass);
  }

  override finalizeState(context: Parameters<Layer["finalizeState"]>[0]): void {
    super.finalizeState(context);
    for (const buffer of Object.values(this.state.buffers)) buffer.destroy();
    this.state.texture.destroy();
  }
}
