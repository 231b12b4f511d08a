// How the space is looked at (which points, as what, in which colours, laid out by what) and what is picked out of it.
import type { Plot } from "./draw/scene";
import { spaceDefaults, type SpaceKey, type SpaceKeys } from "./state/space-keys";

/** Items whose picture or text was enclosed; how many of each. */
export interface Lassoed { items: number[]; images: number; texts: number }

export class SpaceLook {
  readonly is = $state<SpaceKeys>(spaceDefaults());
  /** Items, not places: they stay chosen while they move. */
  lassoed = $state.raw<Lassoed | null>(null);
  /** The lasso tool is in the hand. */
  lassoing = $state(false);
  /** Pixels of the key below the points: beside each other, both plots leave it room, so that both are drawn at one scale. */
  keyHeight = $state(0);
  /** The run's plot, and its twin's, while there are any. */
  plot: Plot | null = null;
  twinPlot: Plot | null = null;

  constructor(keys: SpaceKeys, private readonly changed: () => void) {
    Object.assign(this.is, keys);
  }

  choose<K extends SpaceKey>(key: K, value: SpaceKeys[K]): void {
    this.is[key] = value;
    this.changed();
  }

  get dims(): 2 | 3 {
    return this.is.dims === "3" ? 3 : 2;
  }
}
