// What "Get JSON" asks for.
import { describe, expect, it } from "vitest";
import { firstLines, globOf, manifestQuery } from "./manifest";

const asked = (choices: Parameters<typeof manifestQuery>[0]) => manifestQuery({ index_id: "i", ...choices }).toString();

describe("a list of videos", () => {
  it("is in English, complete, and not listed twice unless something else is said", () => {
    expect(asked({})).toBe("index_id=i&language=en&synchronize=false");
  });

  it("takes globs line by line, and extensions in both cases where there is no glob", () => {
    expect(globOf(".mp4, MOV")).toBe("**.{mp4,MP4,mov,MOV}");
    expect(globOf(" , ")).toBeUndefined();
    expect(manifestQuery({ extensions: "mp4" }).getAll("glob")).toEqual(["**.{mp4,MP4}"]);
    expect(manifestQuery({ extensions: "mp4", glob: "a/*\n\nb/**" }).getAll("glob")).toEqual(["a/*", "b/**"]);
  });

  it("sends megabytes as bytes, and what is no number as it is", () => {
    expect(asked({ min_mb: "1,5" })).toContain("min_bytes=1500000");
    expect(asked({ max_mb: "much" })).toContain("max_bytes=much");
  });

  it("is previewed without reading all of it", async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new TextEncoder().encode(`${pulled}\n`));
      },
    });
    expect(await firstLines(endless, 3)).toEqual(["1", "2", "3"]);
    expect(pulled).toBeLessThan(20);
  });
});
