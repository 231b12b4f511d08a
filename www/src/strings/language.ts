// The languages of the page, each named in itself, and which of them this browser's user wants.
export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français", es: "Español", zh: "中文" };
export type Language = keyof typeof LANGUAGES;

const CHOSEN = "mtls-lab/lang";

export const asLanguage = (text: string | null): Language | null => (text !== null && Object.hasOwn(LANGUAGES, text) ? (text as Language) : null);

/** What was chosen before, else the first language of the browser that the page speaks, else English. */
export function preferredLanguage(): Language {
  try {
    const chosen = asLanguage(localStorage.getItem(CHOSEN));
    if (chosen) return chosen;
  } catch {
    // No storage: the browser decides.
  }
  for (const tag of navigator.languages) {
    const language = asLanguage(tag.toLowerCase().split("-")[0] ?? null);
    if (language) return language;
  }
  return "en";
}

/** Everything on the page is already written in a language: a new page load changes it, and the run comes along. */
export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(CHOSEN, language);
  } catch {
    // The choice then lives in the address alone.
  }
  const address = new URL(location.href);
  address.searchParams.set("lang", language);
  history.replaceState(null, "", address);
  location.reload();
}
