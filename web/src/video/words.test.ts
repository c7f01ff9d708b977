// Words and their times, what is marked, and captions.
import { expect, test } from "vitest";
import { captionsOf, lineAt, piecesOf, termsOf } from "./words";

const line = { start: 10, end: 20, value: "Ships, and gulls." };

test("words lie in their line by their place among its characters, and keep what stands between them", () => {
  const pieces = piecesOf(line);
  expect(pieces.map((piece) => piece.text).join("")).toBe(line.value);
  const words = pieces.filter((piece) => piece.at !== undefined);
  expect(words.map((piece) => piece.text)).toEqual(["Ships", "and", "gulls"]);
  expect(words[0]?.at).toBe(10);
  expect(words[2]?.at).toBeCloseTo(10 + (11 / 17) * 10);
});

test("words that were looked for are marked, whatever their case, accents and endings", () => {
  const marked = (value: string, query: string) =>
    piecesOf({ ...line, value }, termsOf(query))
      .filter((piece) => piece.isMarked)
      .map((piece) => piece.text);
  expect(marked("Ships, and gulls.", "a GULL")).toEqual(["gulls"]);
  expect(marked("Das Café am Hafen", "cafe hafen")).toEqual(["Café", "Hafen"]);
  expect(marked("an android and a band", "and")).toEqual(["and"]);
  expect(marked("Ships, and gulls.", "")).toEqual([]);
});

test("the line of a moment is the last one that has begun and not ended", () => {
  const lines = [line, { start: 15, end: 18, value: "over it" }, { start: 30, end: 31, value: "later" }];
  expect([5, 12, 16, 19, 25, 30].map((time) => lineAt(lines, time))).toEqual([-1, 0, 1, 0, -1, 2]);
});

test("captions are WebVTT that no line can break", () => {
  const vtt = captionsOf([{ start: 3661.5, end: 3662, value: "a < b\n\n00:00 & more" }]);
  expect(vtt).toBe("WEBVTT\n\n01:01:01.500 --> 01:01:02.000\na &lt; b\n00:00 &amp; more\n");
});
