// What a search found, in lanes.
import { expect, test } from "vitest";
import { hitsOf, lanesOf, marksOf } from "./moments";

const clip = {
  score: 80,
  start: 4,
  end: 9,
  video_id: "65f0c1d2e3a4b5c6d7e8f901",
  confidence: "high",
  rank: 1,
  metadata: [{ type: "audio", text: "gulls over the pier" }, { type: "visual" }],
  modules: [
    { type: "audio", confidence: "high", score: 90 },
    { type: "visual", confidence: "low", score: 20 },
    { type: "smell", confidence: "low", score: 1 },
  ],
};

test("a clip is a hit in the lane of each option that it matched by", () => {
  expect(hitsOf(clip)).toEqual([
    { lane: "conversation", start: 4, end: 9, label: "“gulls over the pier” (high)" },
    { lane: "visual", start: 4, end: 9, label: "looks like it (low)" },
  ]);
});

test("without a search, shots, lines and texts are the marks of their lanes", () => {
  const marks = marksOf([{ start: 0, end: 2 }], [{ start: 1, end: 3, value: "ahoy" }], []);
  expect(marks.map((mark) => [mark.lane, mark.label])).toEqual([
    ["visual", "shot 1 of 1"],
    ["conversation", "ahoy"],
  ]);
  expect(lanesOf(["visual", "text_in_video"], false).map((lane) => lane.label)).toEqual(["Seen", "Written"]);
});
