// From anywhere on the page to the control of a setting.
import { tick } from "svelte";

/** Puts the focus on a setting's field; the rarer ones are unfolded first. */
export async function toSetting(key: string): Promise<void> {
  const field = (): HTMLInputElement | null => document.querySelector(`#set-${key}`);
  if (!field()) document.querySelector<HTMLElement>(".settings .links [aria-expanded='false']")?.click();
  await tick();
  field()?.scrollIntoView({ block: "nearest" });
  field()?.focus();
  field()?.select?.();
}
