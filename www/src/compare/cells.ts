// Finished cells of the comparison in IndexedDB: an objective with a seed, its metrics at the last epoch and before the
// first step. A cell is the same wherever version, data, epochs, objective and seed are, so that none is computed twice.
import { clear, createStore, entries, set } from "idb-keyval";
import type { Config, Metrics } from "../protocol";
import type { DataSet } from "../state/data-names";

/** What all cells of a table have in common. */
export interface Terms { version: string; data: DataSet; /** The configuration's section: split and features. */ section: Config["data"]; epochs: number }
export interface Cell { objective: string; seed: number; terms: Terms; config: Config; start: Metrics | null; metrics: Metrics; seconds: number; date: number }

const store = createStore("mtls-lab-comparison", "cells");

export const under = (terms: Terms): string => [terms.version, terms.data, JSON.stringify(terms.section), terms.epochs].join("|");
export const keyOf = ({ terms, objective, seed }: Pick<Cell, "terms" | "objective" | "seed">): string => `${under(terms)}|${objective}|${seed}`;

export async function readCells(): Promise<Map<string, Cell>> {
  try {
    return new Map(await entries<string, Cell>(store));
  } catch {
    return new Map();
  }
}

/** Where storage is forbidden a cell lasts as long as the page. */
export const writeCell = (cell: Cell): Promise<void> => set(keyOf(cell), cell, store).catch(() => undefined);
export const forgetCells = (): Promise<void> => clear(store).catch(() => undefined);
