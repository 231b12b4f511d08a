// What a rem has become, against its usual 16 pixels: larger on very large screens and for readers with larger letters.
// Layout knows it by itself; what is drawn by numbers (plots, charts) multiplies its pixels with this.
let now = $state(1);
const look = (): void => void (now = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1);
look();
addEventListener("resize", look);

export const scale = {
  get now(): number {
    return now;
  },
};
