// Positions glide from one update to the next instead of jumping.

const DURATION_MS = 260;

/** Moves `current` towards the latest target; `frame` is called for every new set of positions. */
export class Tween {
  current: Float32Array = new Float32Array();
  #from: Float32Array = new Float32Array();
  #to: Float32Array = new Float32Array();
  #began = 0;
  #ticking = 0;

  constructor(private readonly frame: (positions: Float32Array) => void, private readonly still: () => boolean) {}

  to(target: Float32Array): void {
    // Jump where there is nothing to glide from, where motion is unwanted, and where nobody looks.
    if (this.current.length !== target.length || this.still() || document.hidden) {
      cancelAnimationFrame(this.#ticking);
      this.#ticking = 0;
      this.current = target.slice();
      this.frame(this.current);
      return;
    }
    this.#from = this.current.slice();
    this.#to = target;
    this.#began = performance.now();
    if (!this.#ticking) this.#ticking = requestAnimationFrame(this.#tick);
  }

  stop(): void {
    cancelAnimationFrame(this.#ticking);
    this.#ticking = 0;
  }

  #tick = (): void => {
    const part = Math.min(1, (performance.now() - this.#began) / DURATION_MS);
    const eased = part * (2 - part);
    const next = new Float32Array(this.#to.length);
    for (let i = 0; i < next.length; i++) next[i] = this.#from[i]! + (this.#to[i]! - this.#from[i]!) * eased;
    this.current = next;
    this.frame(next);
    this.#ticking = part < 1 ? requestAnimationFrame(this.#tick) : 0;
  };
}
