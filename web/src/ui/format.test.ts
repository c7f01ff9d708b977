// Numbers and times as people read them.
import { expect, test } from "vitest";
import { formatBytes, formatClock, formatPercent } from "./format";

test("sizes round to what is read at a glance", () => {
  expect([0, 999, 1000, 1_500_000, 99_600_000, 2e9].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "1.5 MB",
    "100 MB",
    "2.0 GB",
  ]);
});

test("media time carries over", () => {
  expect([0, 59.96, 61, 3723.4].map((at) => formatClock(at))).toEqual(["0:00", "0:59", "1:01", "1:02:03"]);
  expect(formatClock(59.96, true)).toBe("1:00.0");
});

test("percent never claims all or nothing that is not so", () => {
  expect([formatPercent(9999, 10_000), formatPercent(1, 10_000), formatPercent(0, 0)]).toEqual([
    "99.9 %",
    "< 1 %",
    "–",
  ]);
});
