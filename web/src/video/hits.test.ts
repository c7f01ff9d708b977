// Steps between hits.
import { expect, test } from "vitest";
import { hitAt, inOrder, nextHit, previousHit } from "./hits";

const hit = (start: number, end: number) => ({ lane: "said", start, end, label: `${start}` });
const hits = inOrder([hit(8, 9), hit(2, 6), hit(4, 5)]);

test("stepping on from a hit that was jumped to reaches the next one, and back again", () => {
  expect(hits.map((each) => each.start)).toEqual([2, 4, 8]);
  expect(nextHit(hits, 0)?.start).toBe(2);
  expect(nextHit(hits, 2)?.start).toBe(4);
  expect(nextHit(hits, 2.02)?.start).toBe(4);
  expect(previousHit(hits, 4)?.start).toBe(2);
  expect(nextHit(hits, 8)).toBeUndefined();
  expect(previousHit(hits, 2)).toBeUndefined();
});

test("a moment lies in the hit that began last", () => {
  expect([1, 2, 4.5, 5.5, 7, 8].map((time) => hitAt(hits, time)?.start)).toEqual([undefined, 2, 4, 2, undefined, 8]);
});
