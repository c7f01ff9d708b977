import { describe, expect, it } from "vitest";
import type { Schema } from "../../../api/client";
import { lengthOf, lengthOfAll, timeFor } from "./estimate";

const ended = (seconds: number, ready: number, more: Partial<Schema<"Transfer">> = {}) =>
  ({
    created_at: "2026-01-01T00:00:00Z",
    ended_at: new Date(Date.parse("2026-01-01T00:00:00Z") + seconds * 1000).toISOString(),
    is_finished: true,
    state: "accepted",
    counts: { ready },
    ...more,
  }) as Schema<"Transfer">;
const video = (size: number, duration: number) => ({ system_metadata: { size, duration } }) as Schema<"Video">;

describe("an estimate", () => {
  it("of the time is a range between the slowest and the fastest of the last transfers", () => {
    expect(timeFor(10, [ended(20, 10), ended(90, 30)])).toEqual({ low: 20, high: 30, of: 2 });
    expect(timeFor(10, [ended(20, 10)])).toEqual({ low: 10, high: 40, of: 1 });
  });
  it("is none where nothing tells it", () => {
    const unfinished = ended(5, 5, { is_finished: false });
    expect(timeFor(10, [unfinished, ended(5, 0), ended(5, 5, { state: "cancelled" })])).toBeUndefined();
    expect(lengthOf(100, [])).toBeUndefined();
    expect(lengthOf(100, [video(0, 3)])).toBeUndefined();
  });
  it("of the hours is exact where all are known, and guesses only the rest", () => {
    const guess = (bytes: number) => ({ low: bytes, high: bytes * 2 });
    const known = { of: 2, seconds: 60, bytes: 50 };
    expect(lengthOfAll(known, { of: 2, bytes: 50 }, guess)).toEqual({ low: 60, high: 60, isExact: true });
    expect(lengthOfAll(known, { of: 3, bytes: 60 }, guess)).toEqual({ low: 70, high: 80, isExact: false });
    expect(lengthOfAll(known, { of: 3, bytes: 60 }, () => undefined)).toBeUndefined();
  });
  it("of the hours goes by the bit rates that there are", () => {
    expect(lengthOf(1000, [video(100, 1), video(100, 2), video(100, 3)])).toEqual({ low: 10, high: 30, of: 3 });
  });
});
