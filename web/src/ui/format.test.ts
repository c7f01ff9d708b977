// Numbers and times as people read them.
import { expect, test } from "vitest";
import { counted, formatAge, formatBytes, formatClock, formatDuration, formatPercent } from "./format";

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

test("how long something takes is told in the unit that one thinks in", () => {
  expect([4, 89, 90, 5399, 5400, 12_600, 259_200, 864_000].map(formatDuration)).toEqual([
    "4 s",
    "89 s",
    "2 min",
    "90 min",
    "1.5 h",
    "3.5 h",
    "3 days",
    "10 days",
  ]);
});

test("ages are told by the largest unit that fits, before and after now", () => {
  const now = Date.parse("2026-11-29T12:00:00Z");
  const age = (iso: string) => formatAge(iso, now).replace("in ", "+");
  expect(age("2026-11-29T11:59:50Z")).toBe("10 seconds ago");
  expect(age("2026-11-29T11:57:00Z")).toBe("3 minutes ago");
  expect(age("2026-11-29T14:00:00Z")).toBe("+2 hours");
  expect(age("2026-11-28T11:00:00Z")).toBe("yesterday");
  // Longer ago, the day itself says more.
  expect(age("2026-01-02T11:00:00Z")).toContain("2026");
});

test("one is not many", () => {
  expect([counted(0, "video"), counted(1, "video"), counted(1200, "entry", "entries")]).toEqual([
    "0 videos",
    "1 video",
    "1,200 entries",
  ]);
});
