// Stretches of a video in lanes, and steps between them.

import type { IconName } from "../ui/icons";

export interface Lane {
  id: string;
  label: string;
  /** Beside the name. */
  icon?: IconName;
  /** What an empty lane says. */
  empty?: string;
}

export interface Hit {
  /** Of which lane. */
  lane: string;
  start: number;
  end: number;
  /** What it is, e.g. the words. */
  label: string;
}

/** A moment that was just jumped to is not ahead of itself. */
const SAME_S = 0.05;

export const inOrder = <H extends Hit>(hits: readonly H[]): H[] =>
  hits.toSorted((a, b) => a.start - b.start || a.end - b.end);

/** The first hit that begins after a moment; of hits in order. */
export const nextHit = <H extends Hit>(hits: readonly H[], time: number): H | undefined =>
  hits.find((hit) => hit.start > time + SAME_S);

/** The last hit that begins before a moment; of hits in order. */
export const previousHit = <H extends Hit>(hits: readonly H[], time: number): H | undefined =>
  hits.findLast((hit) => hit.start < time - SAME_S);

/** The hit that a moment lies in: the one that began last. */
export const hitAt = <H extends Hit>(hits: readonly H[], time: number): H | undefined =>
  hits.findLast((hit) => hit.start <= time + SAME_S && time < Math.max(hit.end, hit.start + SAME_S));
