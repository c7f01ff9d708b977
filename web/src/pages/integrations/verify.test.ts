// Lines of a verification as they come.
import { describe, expect, it } from "vitest";
import { type Line, linesOf, withTold } from "./verify";

const stream = (...parts: string[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });

describe("a verification", () => {
  it("is read line by line, however it is cut", async () => {
    const read: unknown[] = [];
    for await (const line of linesOf(stream('{"a":1}\n{"b"', ':"ü"}\n', '\n{"c":3}'))) read.push(line);
    expect(read).toEqual([{ a: 1 }, { b: "ü" }, { c: 3 }]);
  });

  it("fills the list: a line begins, then it is done", () => {
    const began = withTold([], { event: "began", name: "list", title: "List the bucket" });
    expect(began).toEqual([{ name: "list", title: "List the bucket" }]);
    const check = { event: "check", name: "list", title: "List the bucket", outcome: "ok", detail: "9" } as const;
    const done = withTold(began, check) as Line[];
    expect(done).toHaveLength(1);
    expect(done[0]?.check?.outcome).toBe("ok");
    expect(withTold(done, { ...check, name: "read" })).toHaveLength(2);
  });
});
