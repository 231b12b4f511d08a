// A trained run in plain JavaScript, from the file that MTLS Lab exports as weights: texts and image features to embeddings.
// No dependency; for browsers and Node. The exported search page is this file and a page around it.
// The formats are specified in docs/formats.md, the formulas in src/features/text.rs and src/model/tower.rs.

/** A safetensors file: its metadata and tensors `{ shape, data, scale }`; `scale`: one factor a row of an 8-bit tensor. */
export function readSafetensors(buffer) {
  const view = new DataView(buffer);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const about = JSON.parse(header.__metadata__?.["mtls-lab"] ?? "{}");
  const tensors = new Map();
  delete header.__metadata__;
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(header)) {
    const bytes = buffer.slice(8 + length + start, 8 + length + end);
    if (dtype !== "F32" && dtype !== "I8") throw new Error(`${name} is ${dtype}; this reader knows F32 and I8`);
    tensors.set(name, { shape, data: dtype === "F32" ? new Float32Array(bytes) : new Int8Array(bytes), scale: null });
  }
  for (const [name, tensor] of tensors) tensor.scale = tensors.get(`${name}.scale`)?.data ?? null;
  return { about, tensors };
}

/** `out += factor * row` of a matrix. */
export function addRow(out, factor, { shape, data, scale }, row) {
  const columns = shape[1], start = row * columns, by = scale ? factor * scale[row] : factor;
  for (let j = 0; j < columns; j++) out[j] += by * data[start + j];
}

/** Inner product of a vector and a row of a matrix. */
export function dotRow(vector, { shape, data, scale }, row) {
  const columns = shape[1], start = row * columns;
  let sum = 0;
  for (let j = 0; j < columns; j++) sum += vector[j] * data[start + j];
  return scale ? sum * scale[row] : sum;
}

const lengthOf = (vector) => Math.sqrt(vector.reduce((sum, v) => sum + v * v, 0));

// ---- Texts ----------------------------------------------------------------------------------------------------------

const WORD = 1, GRAM = 2;
/** Unicode's white space, which `\s` is not quite. */
const SPACE = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u;
/** Accents, joiners and viramas: inside a word, but no word alone. */
const JOINER = /[\u0300-\u036f\u200c\u200d\u094d\u09cd\u0a4d\u0acd\u0bcd\u0c4d\u0ccd\u0d4d]/u;
const CJK = /[\u1100-\u11ff\u3005-\u3007\u3040-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\u{20000}-\u{3ffff}]/u;

/** Hashed TF-IDF of words and character n-grams on the basis that the run has fitted. */
export class TextFeatures {
  constructor({ buckets, without }, tensors) {
    this.buckets = BigInt(buckets);
    this.without = new Set(without);
    this.basis = tensors.get("features/text/basis");
    this.idf = tensors.get("features/text/idf").data;
    this.row = new Map([...tensors.get("features/text/used").data].map((bucket, row) => [bucket, row]));
    const ranges = tensors.get("features/text/alphanumeric").data;
    const character = (code) => `\\u{${code.toString(16)}}`;
    let set = "";
    for (let i = 0; i < ranges.length; i += 2) set += `${character(ranges[i])}-${character(ranges[i + 1])}`;
    this.alphanumeric = new RegExp(`[${set}]`, "u");
  }

  #inWord(c) {
    return this.alphanumeric.test(c) || JOINER.test(c);
  }

  /** Runs of characters for which `belongs` holds. */
  #runs(text, belongs) {
    const runs = [];
    let run = "";
    for (const c of text) {
      if (belongs(c)) run += c;
      else if (run) run = (runs.push(run), "");
    }
    if (run) runs.push(run);
    return runs;
  }

  /** The text without the words that the run leaves out. */
  #kept(text) {
    if (this.without.size === 0) return text;
    let out = "", word = "";
    for (const c of [...text, ""]) {
      if (c && this.#inWord(c)) word += c;
      else {
        out += (this.without.has(word.toLowerCase()) ? "" : word) + c;
        word = "";
      }
    }
    return out;
  }

  /** Calls `each(kind, term)` for every word and n-gram, repeats included. */
  #terms(text, each) {
    const lower = text.toLowerCase();
    const symbols = !this.alphanumeric.test(lower);
    for (const word of this.#runs(lower, symbols ? (c) => !SPACE.test(c) : (c) => this.#inWord(c))) {
      if (!symbols && !this.alphanumeric.test(word)) continue;
      each(WORD, word);
      grams([" ", ...word, " "], 3, 5, each);
      for (const run of this.#runs(word, (c) => CJK.test(c))) grams([...run], 1, 2, each);
    }
  }

  /** The terms of a text as `{ bucket, kind, count }`, ascending. */
  #count(text) {
    const counted = new Map();
    this.#terms(this.#kept(text), (kind, term) => {
      const hash = fnv(kind, term);
      const bucket = Number((hash ^ (hash >> 32n)) % this.buckets);
      const key = bucket * 4 + kind;
      counted.set(key, (counted.get(key) ?? 0) + 1);
    });
    return [...counted].sort((a, b) => a[0] - b[0]).map(([key, count]) => ({ bucket: Math.floor(key / 4), kind: key % 4, count }));
  }

  /** Share of the text's distinct terms that the training texts have; at 0 its features mean nothing. */
  known(text) {
    const terms = this.#count(text);
    return terms.length > 0 ? terms.filter(({ bucket }) => this.row.has(bucket)).length / terms.length : 0;
  }

  /** `[d_y]`, of unit length; zero for an empty text. */
  transform(text) {
    const terms = this.#count(text);
    const known = terms.flatMap(({ bucket, kind, count }) => {
      const row = this.row.get(bucket);
      return row === undefined ? [] : [{ row, kind, value: (1 + Math.log(count)) * this.idf[row] }];
    });
    const block = { [WORD]: 0, [GRAM]: 0 };
    for (const { kind, value } of known) block[kind] += value * value;
    const weights = new Map();
    for (const { row, kind, value } of known) weights.set(row, (weights.get(row) ?? 0) + value / Math.sqrt(block[kind]));
    const total = lengthOf([...weights.values()]);
    const out = new Float64Array(this.basis.shape[1]);
    for (const [row, weight] of weights) addRow(out, weight / total, this.basis, row);
    // Nothing known, or nothing of it in the basis: a direction that depends on the terms alone.
    if (lengthOf(out) < 1e-5) for (const { bucket, kind } of terms) unseen(out, bucket, kind);
    const length = lengthOf(out);
    return length > 0 ? out.map((v) => v / length) : out;
  }
}

/** The n-grams of a list of characters; a list shorter than `n` counts whole, once. */
function grams(characters, from, to, each) {
  for (let n = from; n <= to; n++) {
    if (characters.length <= n) return each(GRAM, characters.join(""));
    for (let i = 0; i + n <= characters.length; i++) each(GRAM, characters.slice(i, i + n).join(""));
  }
}

const utf8 = new TextEncoder();
const MASK = (1n << 64n) - 1n;

/** FNV-1a, 64 bits, over the kind and the bytes of the term. */
function fnv(kind, term) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of [kind, ...utf8.encode(term)]) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & MASK;
  return hash;
}

/** Adds the pseudo-random vector of a term that no training text has (src/rng.rs; PCG MCG 128 XSL RR 64). */
function unseen(out, bucket, kind) {
  const mix = (z) => {
    z = (z + 0x9e3779b97f4a7c15n) & MASK;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return z ^ (z >> 31n);
  };
  const PROJECTION = 9n;
  let seed = BigInt(bucket);
  for (const part of [PROJECTION, BigInt(1 + kind)]) seed = mix(seed ^ mix((part + 0x9e3779b97f4a7c15n) & MASK));
  // The 64-bit seed fills the 128-bit state by a PCG 32.
  let state = 0n;
  for (let word = 0n; word < 4n; word++) {
    seed = (seed * 6364136223846793005n + 11634580027462260723n) & MASK;
    const mixed = (((seed >> 18n) ^ seed) >> 27n) & 0xffffffffn, turn = seed >> 59n;
    state |= (((mixed >> turn) | (mixed << ((32n - turn) & 31n))) & 0xffffffffn) << (32n * word);
  }
  state |= 1n;
  for (let j = 0; j < out.length; j++) {
    state = (state * 0x2360ed051fc65da44385df649fccf645n) & ((1n << 128n) - 1n);
    const folded = ((state >> 64n) ^ state) & MASK, turn = state >> 122n;
    const drawn = ((folded >> turn) | (folded << ((64n - turn) & 63n))) & 0xffffffffn;
    out[j] += Number(drawn >> 8n) / 2 ** 24 - 0.5;
  }
}

// ---- Towers ---------------------------------------------------------------------------------------------------------

/** `image` or `text` features to embeddings. */
class Tower {
  constructor(side, { config, score }, tensors) {
    this.config = config.model;
    this.conv = side === "image" && this.config.stem === "conv";
    this.absolute = score === "order";
    this.mean = tensors.get(`features/${side}/mean`).data;
    this.scale = tensors.get(`features/${side}/scale`).data[0];
    this.get = (name) => tensors.get(`weights/${side}/${name}`);
  }

  /** The embedding `[d]` of features `[d_in]`, of unit length. */
  embed(features) {
    let x = Float64Array.from(features, (v, j) => (v - this.mean[j]) * this.scale);
    if (this.conv) x = this.#stem(x);
    const out = new Float64Array(this.config.dim);
    if (this.config.tower !== "mlp") this.#linear(out, x, "linear");
    if (this.config.tower !== "linear") {
      let h = new Float64Array(this.config.hidden);
      this.#linear(h, x, "hidden");
      if (this.config.norm !== "none") h = this.#norm(h);
      this.#linear(out, h.map((v) => Math.max(0, v)), "out");
    }
    const length = Math.sqrt(lengthOf(out) ** 2 + 1e-12);
    return out.map((v) => (this.absolute ? Math.abs(v) : v) / length);
  }

  /** `out += x W + b`. */
  #linear(out, x, name) {
    const weight = this.get(`${name}/weight`);
    for (let i = 0; i < x.length; i++) if (x[i] !== 0) addRow(out, x[i], weight, i);
    addRow(out, 1, this.get(`${name}/bias`), 0);
  }

  #norm(h) {
    const batch = this.config.norm === "batch";
    const own = h.reduce((sum, v) => sum + v, 0) / h.length;
    const spread = h.reduce((sum, v) => sum + (v - own) ** 2, 0) / h.length;
    const [mean, variance] = batch ? ["mean", "variance"].map((name) => this.get(`norm/running/${name}`).data) : [null, null];
    const gain = this.get("norm/gain").data, bias = this.get("norm/bias").data;
    return h.map((v, j) => ((v - (batch ? mean[j] : own)) / Math.sqrt((batch ? variance[j] : spread) + 1e-5)) * gain[j] + bias[j]);
  }

  /** Three convolutions of 3 x 3 with stride 2 and a ReLU, then means over a 4 x 4 grid: `[64 * 64 * 3]` to `[1024]`. */
  #stem(pixels) {
    let side = 64, channels = 3, at = (c, y, x) => pixels[(y * 64 + x) * 3 + c];
    for (let n = 0; n < 3; n++) {
      const { shape: [outputs, inputs], data } = this.get(`stem/${n}/weight`), bias = this.get(`stem/${n}/bias`).data;
      const half = side / 2, next = new Float64Array(outputs * half * half), previous = at, [wide, many] = [side, channels];
      for (let o = 0; o < outputs; o++) for (let y = 0; y < half; y++) for (let x = 0; x < half; x++) {
        let sum = bias[o];
        for (let c = 0; c < many; c++) for (let k = 0; k < 9; k++) {
          const v = 2 * y + Math.floor(k / 3) - 1, u = 2 * x + (k % 3) - 1;
          if (v >= 0 && u >= 0 && v < wide && u < wide) sum += data[o * inputs + c * 9 + k] * previous(c, v, u);
        }
        next[(o * half + y) * half + x] = Math.max(0, sum);
      }
      [side, channels, at] = [half, outputs, (c, y, x) => next[(c * half + y) * half + x]];
    }
    const out = new Float64Array(channels * 16);
    for (let i = 0; i < out.length; i++) {
      const c = i >> 4, y = 2 * ((i >> 2) & 3), x = 2 * (i & 3);
      out[i] = (at(c, y, x) + at(c, y, x + 1) + at(c, y + 1, x) + at(c, y + 1, x + 1)) / 4;
    }
    return out;
  }
}

/** A trained run: what stands in `weights.safetensors`, or in a search page's `model.safetensors`, which has texts only. */
export class Model {
  constructor(buffer) {
    const { about, tensors } = readSafetensors(buffer);
    if (about.format !== "mtls-lab-weights" || about.version !== 1) throw new Error("this is not a file of MTLS Lab weights, version 1");
    this.about = about;
    this.features = new TextFeatures(about.text, tensors);
    this.text = new Tower("text", about, tensors);
    this.image = tensors.has("features/image/mean") ? new Tower("image", about, tensors) : null;
  }

  /** Any text, `[d]`. */
  embedText(text) {
    return this.text.embed(this.features.transform(text));
  }

  /** Image features as `features.safetensors` holds them, `[d]`. */
  embedImage(features) {
    return this.image.embed(features);
  }

  /** How well a picture and a text belong together, by what the run was trained for. `matrix`: embeddings, row by row. */
  scoreOf(side, vector, matrix, row) {
    if (this.about.score === "cosine") return dotRow(vector, matrix, row);
    let sum = 0;
    const columns = matrix.shape[1], factor = matrix.scale?.[row] ?? 1;
    for (let j = 0; j < columns; j++) {
      const other = matrix.data[row * columns + j] * factor;
      sum += Math.max(0, side === "text" ? vector[j] - other : other - vector[j]) ** 2;
    }
    return -sum;
  }
}
