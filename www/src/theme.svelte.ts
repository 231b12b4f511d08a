// Whether the page is dark, by the reader's choice or the system's: what is painted on a canvas follows it.
let dark = $state(false);
const look = (): void => void (dark = getComputedStyle(document.documentElement).colorScheme === "dark");
look();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
addEventListener("themechange", look);

export const theme = {
  get dark(): boolean {
    return dark;
  },
};
