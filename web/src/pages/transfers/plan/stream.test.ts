import { describe, expect, it } from "vitest";
import { PlanCutter, readPlan } from "./stream";

const entry = (number: number, more = "") =>
  `{"entry":${number},"object":"s3://b/\\"}{é\\\\","index_id":"i","verdict":"taken","size_bytes":5${more}}`;
const fault = ',"fault":{"code":"object_not_exists","message":"a } {"},"duplicate":null';
const whole = `{"type":"transfer_plan","entries":[${entry(0)},${entry(1, fault)}],"summary":{"entries":2,"taken":2}}`;

describe("a plan that streams in", () => {
  it("is cut into its entries wherever its parts end", () => {
    for (const size of [1, 2, 3, 7, 50, 1000]) {
      const cutter = new PlanCutter();
      const objects: string[] = [];
      for (let at = 0; at < whole.length; at += size) objects.push(...cutter.push(whole.slice(at, at + size)));
      expect(objects).toEqual([entry(0), entry(1, fault), '{"entries":2,"taken":2}']);
    }
  });

  it("ends with its summary, and is no plan without one", async () => {
    const entries: number[] = [];
    const summary = await readPlan(new Response(whole), (some) => entries.push(...some.map((each) => each.entry)));
    expect(entries).toEqual([0, 1]);
    expect(summary.taken).toBe(2);
    const cut = new Response(whole.slice(0, -20));
    await expect(readPlan(cut, () => undefined)).rejects.toThrow("cut off");
  });
});
