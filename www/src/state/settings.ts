// Every setting is one row of this table: its name in the address, its place in the engine's configuration, its
// control. The panel and the address are both drawn from it; what a setting means is written in strings/.
import type { Config, ConfigDiff } from "../protocol";

type Section = "data" | "model" | "retrieval" | "transfer" | "train";
interface Common { key: string; at: [Section, string] | ["seed"]; main?: boolean }
export interface NumberSetting extends Common { kind: "number"; min: number; max: number; step?: number; stops?: number[] }
export interface ChoiceSetting extends Common { kind: "choice"; options: string[] }
export interface FlagSetting extends Common { kind: "flag" }
export interface TextSetting extends Common { kind: "text"; nullable?: boolean }
export type Setting = NumberSetting | ChoiceSetting | FlagSetting | TextSetting;
export type Value = number | string | boolean | null;

const number = (at: [Section, string], min: number, max: number, more: Partial<NumberSetting> = {}): NumberSetting => ({ kind: "number", key: at[1], at, min, max, ...more });
const choice = (at: [Section, string], options: string[], more: Partial<ChoiceSetting> = {}): ChoiceSetting => ({ kind: "choice", key: at[1], at, options, ...more });
const weights = [0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8];

export const SETTINGS: Setting[] = [
  number(["transfer", "lambda_v"], 0, 100, { main: true, stops: weights }),
  number(["transfer", "lambda_t"], 0, 100, { main: true, stops: weights }),
  choice(["retrieval", "loss"], ["info_nce", "hinge", "sigmoid", "order"], { main: true }),
  choice(["model", "tower"], ["skip", "mlp", "linear"], { main: true }),
  number(["train", "batch"], 3, 2048, { main: true, step: 1, stops: [16, 32, 64, 128, 256, 512] }),
  number(["train", "epochs"], 1, 10_000, { main: true, step: 1, stops: [5, 10, 20, 40, 60, 100, 200, 400] }),
  number(["train", "learning_rate"], 1e-6, 1, { main: true, stops: [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 2e-3, 3e-3, 1e-2, 3e-2, 0.1] }),
  { kind: "number", key: "seed", at: ["seed"], min: 0, max: Number.MAX_SAFE_INTEGER, step: 1, main: true },

  choice(["data", "split"], ["concept", "style", "both"]),
  choice(["data", "image_features"], ["given", "hog", "pixels32", "pixels64"]),
  number(["data", "text_dim"], 1, 1024, { step: 1 }),
  number(["data", "text_buckets"], 64, 1 << 20, { step: 1 }),
  { kind: "text", key: "test_view", at: ["data", "test_view"] },
  { kind: "text", key: "fold", at: ["data", "fold"], nullable: true },
  { kind: "flag", key: "validation", at: ["data", "validation"] },
  number(["data", "validation_part"], 0, 4, { step: 1 }),
  { kind: "flag", key: "drop_generic_words", at: ["data", "drop_generic_words"] },
  number(["model", "hidden"], 1, 4096, { step: 1 }),
  number(["model", "dim"], 2, 1024, { step: 1 }),
  choice(["model", "norm"], ["layer", "batch", "none"]),
  number(["model", "dropout"], 0, 0.95),
  choice(["model", "init"], ["cca", "random"]),
  number(["model", "cca_ridge"], 0, 100),
  choice(["model", "stem"], ["none", "conv"]),
  number(["retrieval", "weight"], 0, 100, { key: "retrieval_weight" }),
  number(["retrieval", "margin"], 0, 2),
  number(["retrieval", "negatives"], 0, 2048, { step: 1 }),
  choice(["retrieval", "reduce"], ["mean", "sum"]),
  number(["retrieval", "temperature"], 1e-3, 10),
  number(["retrieval", "bias"], -100, 100),
  number(["retrieval", "within_image"], 0, 100),
  number(["retrieval", "within_text"], 0, 100),
  choice(["transfer", "order"], ["hard", "soft"]),
  number(["transfer", "tau"], 1e-4, 10),
  number(["transfer", "gamma"], 1e-3, 100),
  choice(["transfer", "triplets"], ["local", "uniform", "all"]),
  number(["transfer", "kappa"], 1, 2048, { step: 1 }),
  number(["transfer", "per_anchor"], 1, 256, { step: 1 }),
  choice(["transfer", "teacher"], ["embedding", "features", "average", "fused"]),
  number(["transfer", "average_decay"], 0, 0.9999),
  choice(["transfer", "neighbours"], ["batch", "corpus"]),
  number(["transfer", "refresh_epochs"], 1, 10_000, { step: 1 }),
  choice(["transfer", "form"], ["softplus", "hinge"]),
  number(["transfer", "margin"], 0, 4, { key: "transfer_margin" }),
  choice(["transfer", "control"], ["none", "self_teacher", "shuffled"]),
  number(["train", "per_item"], 1, 16, { step: 1 }),
  number(["train", "stop_epoch"], 0, 10_000, { step: 1 }),
  number(["train", "lr_warmup_steps"], 0, 100_000, { step: 1 }),
  number(["train", "weight_decay"], 0, 10),
  number(["train", "beta_1"], 0, 0.9999),
  number(["train", "beta_2"], 0, 0.99999),
  number(["train", "clip"], 0, 1000),
  choice(["train", "schedule"], ["joint", "alternating"]),
  number(["train", "warmup_epochs"], 0, 10_000, { step: 1 }),
  number(["train", "noise"], 0, 10),
  number(["train", "eval_every"], 0, 10_000, { step: 1 }),
];

export const SETTING_BY_KEY = new Map(SETTINGS.map((setting) => [setting.key, setting]));

/** The value of a setting in a full configuration. */
export function valueIn(config: Config, setting: Setting): Value {
  if (setting.at[0] === "seed") return config.seed;
  return config[setting.at[0]][setting.at[1]] as Value;
}

/** Default, preset and the user's differences, laid over each other. */
export function layered(defaults: Config, ...over: ConfigDiff[]): Config {
  const config = structuredClone(defaults);
  for (const diff of over) {
    for (const [section, part] of Object.entries(diff)) {
      const at = section as keyof Config;
      if (part !== null && typeof part === "object") Object.assign(config[at] as Record<string, unknown>, part);
      else Object.assign(config, { [at]: part });
    }
  }
  return config;
}

/** What of `values` differs from `base`, as the engine wants it. */
export function differenceFrom(base: Config, values: Map<string, Value>): ConfigDiff {
  const diff: ConfigDiff = {};
  for (const [key, value] of values) {
    const setting = SETTING_BY_KEY.get(key);
    if (!setting || valueIn(base, setting) === value) continue;
    if (setting.at[0] === "seed") diff.seed = Number(value);
    else (diff[setting.at[0]] ??= {})[setting.at[1]] = value;
  }
  return diff;
}

/** A text from the address or an input as this setting's value; `undefined` where it is none. */
export function parseValue(setting: Setting, text: string): Value | undefined {
  switch (setting.kind) {
    case "number": {
      const value = Number(text);
      if (text.trim() === "" || !Number.isFinite(value) || value < setting.min || value > setting.max) return undefined;
      return setting.step === 1 && !Number.isInteger(value) ? undefined : value;
    }
    case "choice":
      return setting.options.includes(text) ? text : undefined;
    case "flag":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "text":
      if (setting.nullable) return text === "" ? null : /^[0-4]$/.test(text) ? Number(text) : undefined;
      return /^[\w-]{0,40}$/.test(text) ? text : undefined;
  }
}
