// Signed links are kept while they work.
import { beforeAll, expect, test, vi } from "vitest";
import { forgetLink, lasting } from "./links";

beforeAll(() => vi.stubGlobal("location", { origin: "http://here" }));

test("a link of another host is asked for on the page's own origin", () => {
  expect(lasting("https://proxy.example/pictures/v1/5.jpg?expires=99999&signature=a", 0)).toBe(
    "/pictures/v1/5.jpg?expires=99999&signature=a",
  );
});

test("a newer link to the same thing is not taken before the old one nears its end", () => {
  const stream = (expires: number) => `http://here/streams/v2/${expires}-s${expires}/index.m3u8`;
  const first = lasting(stream(10_000), 0);
  expect(lasting(stream(12_000), 5_000)).toBe(first);
  expect(lasting(stream(15_000), 9_500)).toContain("15000");
  forgetLink("/streams/v2/15000-s15000/index.m3u8");
  expect(lasting(stream(16_000), 9_500)).toContain("16000");
});
