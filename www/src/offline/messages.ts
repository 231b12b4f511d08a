// What page and service worker say to each other.

/** Addresses, from the folder of the site, that are to work without a network. */
export interface ToKeeper { keep: string[] }

export type FromKeeper =
  /** Everything asked for is there, or not all of it; `bytes` that had to be fetched. */
  | { type: "kept"; all: boolean; bytes: number }
  /** The files of the site that has just been taken up. */
  | { type: "site"; files: string[] };
