// Gives the user a file, or puts a text on the clipboard.
import type { Lab } from "./lab.svelte";

/** The run as it is now, in letters that every file system takes. */
export function fileName({ runs, settings, config, presets, step }: Lab): string {
  return ["mtls-lab", runs.data, settings.preset || presets[0]?.name || "run", `seed-${config?.seed ?? 0}`, `step-${step}`].join("_").replace(/[^\w.-]+/g, "-");
}

export function saveFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has its own hold on the blob once it has begun.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export const saveText = (name: string, type: string, text: string): void => saveFile(name, new Blob([text], { type: `${type};charset=utf-8` }));

/** False: the browser did not let us. */
export const copyText = (text: string): Promise<boolean> => navigator.clipboard.writeText(text).then(() => true, () => false);
