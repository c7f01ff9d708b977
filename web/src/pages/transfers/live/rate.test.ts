import { describe, expect, it } from "vitest";
import { paceOf, type Sample, withSample } from "./rate";

const samples = (...pairs: [number, number][]) =>
  pairs.reduce<Sample[]>((all, [s, finished]) => withSample(all, { at: s * 1000, finished }), []);

describe("the pace of a transfer", () => {
  it("is told of the last two minutes, once it was seen for a while", () => {
    expect(paceOf([])).toBeUndefined();
    expect(paceOf(samples([0, 1], [9, 4]))).toBeUndefined();
    expect(paceOf(samples([0, 1], [30, 11]))).toEqual({ perMinute: 20, seconds: 30 });
    expect(paceOf(samples([0, 0], [60, 100], [180, 100], [200, 100]))).toMatchObject({ perMinute: 0 });
  });
  it("begins anew when failed ones are tried again", () => {
    expect(paceOf(samples([0, 5], [60, 10], [61, 4], [81, 6]))).toEqual({ perMinute: 6, seconds: 20 });
  });
});
