// The reference step in jax-js and TensorFlow.js (wasm back ends, one thread), and the fastest matrix product that they have,
// on the inputs that `mtls-lab bench --inputs FOLDER` wrote. Runs in a page whose origin serves this file beside
// node_modules/ and inputs/ (www/tests/engine.bench.ts).

const RATE = 1e-3, MARGIN = 0.2, COMPARED_STEP = 5, WARM_UP_MS = 300;
const NAMES = ["image", "text"].flatMap((side) => ["hidden/weight", "hidden/bias", "out/weight", "out/bias"].map((name) => `${side}/${name}`));
/** Sides of the square matrices of the product. */
const SIDE = 512;

async function safetensors(url) {
  const bytes = await (await fetch(url)).arrayBuffer();
  const length = Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length)));
  delete header.__metadata__;
  const data = ([from, to]) => new Float32Array(bytes.slice(8 + length + from, 8 + length + to));
  return Object.fromEntries(Object.entries(header).map(([name, { shape, data_offsets }]) => [name, { shape, data: data(data_offsets) }]));
}

/** Median and 95th percentile in milliseconds, as `quantiles` in src/bench.rs; what run number `warmUp` gave. */
async function timed(run, repeat, warmUp) {
  let check;
  const began = performance.now();
  for (let i = 0; i < warmUp; i++) check = await run();
  while (performance.now() - began < WARM_UP_MS) await run();
  const times = [];
  for (let i = 0; i < repeat; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (hundredths) => times[Math.max(Math.ceil((times.length * hundredths) / 100), 1) - 1];
  return { median_ms: at(50), p95_ms: at(95), runs: repeat, check };
}

const product = ({ median_ms, ...rest }) => ({ what: "product", gflops: (2 * SIDE ** 3) / median_ms / 1e6, median_ms, ...rest });

async function steps(peer, batches, repeat, stepOf) {
  const rows = [];
  for (const batch of batches) {
    const tables = await safetensors(`inputs/step-${batch}.safetensors`);
    rows.push({ what: "step", batch, peer, ...(await timed(stepOf(tables, batch), repeat, COMPARED_STEP)) });
  }
  return rows;
}

export async function jaxjs(version, batches, repeat) {
  const { init, defaultDevice, jit, nn, numpy: np, tree, valueAndGrad, blockUntilReady } = await import("./node_modules/@jax-js/jax/dist/index.js");
  await init("wasm");
  defaultDevice("wasm");
  const peer = `jax-js ${version} (wasm)`;
  const array = ({ shape, data }) => np.array(data, { shape });
  // jax-js frees what it is given: `.ref` where it is used again.
  const stepOf = (tables, batch) => {
    const lossOf = (weights, x, y) => {
      const tower = (at, input) => {
        const [w1, b1, w2, b2] = weights.slice(at, at + 4);
        const out = np.matmul(nn.relu(np.matmul(input, w1).add(b1)), w2).add(b2);
        return out.ref.div(np.sqrt(np.sum(np.square(out), 1, { keepdims: true })));
      };
      const scores = np.matmul(tower(0, x), np.transpose(tower(4, y)));
      const own = np.diagonal(scores.ref).reshape([batch, 1]);
      const other = np.eye(batch).mul(-1).add(1);
      const hardest = (s) => np.mean(np.max(np.maximum(s.sub(own.ref).add(MARGIN), 0).mul(other.ref), 1));
      const loss = hardest(scores.ref).add(hardest(np.transpose(scores)));
      own.dispose();
      other.dispose();
      return loss;
    };
    const update = jit((weights, first, second, correct, x, y) => {
      const [loss, gradient] = valueAndGrad(lossOf)(tree.ref(weights), x, y);
      const [c1, c2] = correct;
      const moved = [[], [], []];
      weights.forEach((w, i) => {
        const m = first[i].mul(0.9).add(gradient[i].ref.mul(0.1));
        const v = second[i].mul(0.999).add(np.square(gradient[i]).mul(0.001));
        const direction = m.ref.div(c1.ref).div(np.sqrt(v.ref.div(c2.ref)).add(1e-8));
        moved[0].push(w.sub(direction.mul(RATE)));
        moved[1].push(m);
        moved[2].push(v);
      });
      tree.dispose(correct);
      return [...moved, loss];
    });
    const [x, y] = [array(tables.x), array(tables.y)];
    let weights = NAMES.map((name) => array(tables[name]));
    let [first, second] = [0, 1].map(() => NAMES.map((name) => np.zeros(tables[name].shape)));
    let t = 0;
    return async () => {
      t++;
      const correct = [0.9, 0.999].map((beta) => np.array(1 - beta ** t));
      let loss;
      [weights, first, second, loss] = update(weights, first, second, correct, x.ref, y.ref);
      await blockUntilReady(weights.map((w) => w.ref));
      return (await loss.data())[0];
    };
  };
  const rows = await steps(peer, batches, repeat, stepOf);
  const [a, b] = [0, 1].map(() => np.array(Float32Array.from({ length: SIDE * SIDE }, () => Math.random()), { shape: [SIDE, SIDE] }));
  const multiply = jit((a, b) => np.matmul(a, b));
  rows.push({ ...product(await timed(async () => void (await multiply(a.ref, b.ref).data()), repeat, 3)), peer });
  return rows;
}

export async function tfjs(version, batches, repeat) {
  const script = (src) => new Promise((resolve, reject) => {
    document.head.append(Object.assign(document.createElement("script"), { src, onload: resolve, onerror: () => reject(new Error(`${src} is missing`)) }));
  });
  await script("./node_modules/@tensorflow/tfjs/dist/tf.min.js");
  await script("./node_modules/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js");
  const tf = globalThis.tf;
  tf.wasm.setWasmPaths(new URL("./node_modules/@tensorflow/tfjs-backend-wasm/dist/", document.baseURI).href);
  tf.wasm.setThreadsCount(1);
  await tf.setBackend("wasm");
  await tf.ready();
  if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) throw new Error("TensorFlow.js finds no SIMD");
  const peer = `TensorFlow.js ${version} (wasm)`;
  const stepOf = (tables, batch) => {
    const tensor = ({ shape, data }) => tf.tensor2d(data, shape);
    const [x, y] = [tensor(tables.x), tensor(tables.y)];
    const weights = NAMES.map((name) => tf.variable(tensor(tables[name])));
    const [eye, other] = [tf.eye(batch), tf.sub(1, tf.eye(batch))];
    const adam = tf.train.adam(RATE, 0.9, 0.999, 1e-8);
    const tower = (at, input) => {
      const [w1, b1, w2, b2] = weights.slice(at, at + 4);
      const out = tf.add(tf.matMul(tf.relu(tf.add(tf.matMul(input, w1), b1)), w2), b2);
      return tf.div(out, tf.sqrt(tf.sum(tf.square(out), 1, true)));
    };
    const loss = () => {
      const scores = tf.matMul(tower(0, x), tower(4, y), false, true);
      const own = tf.sum(tf.mul(scores, eye), 1, true);
      const hardest = (s) => tf.mean(tf.max(tf.mul(tf.relu(tf.add(tf.sub(s, own), MARGIN)), other), 1));
      return tf.add(hardest(scores), hardest(tf.transpose(scores)));
    };
    return async () => {
      const value = tf.tidy(() => adam.minimize(loss, true, weights));
      const read = (await value.data())[0];
      value.dispose();
      return read;
    };
  };
  const rows = await steps(peer, batches, repeat, stepOf);
  const [a, b] = [0, 1].map(() => tf.randomUniform([SIDE, SIDE]));
  const multiply = async () => {
    const out = tf.matMul(a, b);
    await out.data();
    out.dispose();
  };
  rows.push({ ...product(await timed(multiply, repeat, 3)), peer });
  return rows;
}

/**
 * What the engine measures of itself, each job in a worker of its own (engine.js), so that one that runs out of memory takes no
 * other with it.
 */
export async function ours(jobs, threads, kernels) {
  const rows = [];
  // Not counted: the browser compiles a module for speed only while it runs, and keeps that for the instances after.
  for (const [i, { job, repeat }] of [...jobs.slice(0, 1), ...jobs].entries()) {
    const worker = new Worker("./engine.js", { type: "module" });
    const row = await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => ("row" in data ? resolve(data.row) : reject(new Error(data.error)));
      worker.onerror = (event) => reject(new Error(event.message || "the worker stopped"));
      worker.postMessage({ job, repeat, threads, kernels });
    }).catch((error) => ({ ...job, error: `${JSON.stringify(job)}: ${error.message}` }));
    worker.terminate();
    if (i > 0) rows.push(row);
  }
  return rows;
}
