// Moments and lines as people type them.
import { expect, test } from "vitest";
import { parseClock, showClock } from "./clock";
import { draftOf, lineAfter, linesOf, problemOf } from "./draft";

test("a moment that is shown is read back as the same moment", () => {
  for (const seconds of [0, 0.5, 1.016, 8.456, 59.999, 60, 754.25, 3723.1, 7200]) {
    expect(parseClock(showClock(seconds))).toBe(seconds);
  }
  expect(showClock(3723.1)).toBe("1:02:03.1");
  expect(showClock(10)).toBe("0:10");
});

test("what is no moment is not taken for one", () => {
  for (const text of ["", "a", "1:2:3:4", "1:61", "-4", "1.5:20", "1:"]) expect(parseClock(text), text).toBeUndefined();
  expect(parseClock(" 2:3,5 ")).toBe(123.5);
  expect(parseClock("95")).toBe(95);
});

test("a line that cannot be saved says why", () => {
  const line = { key: 1, start: "0:10", end: "0:12", value: "ahoy" };
  expect(problemOf(line, 60)).toBeUndefined();
  expect(problemOf({ ...line, end: "0:10" }, 60)).toContain("after it begins");
  expect(problemOf({ ...line, start: "soon" }, 60)).toContain("“soon”");
  expect(problemOf({ ...line, value: " " }, 60)).toContain("no words");
  expect(problemOf({ ...line, start: "2:00", end: "2:01" }, 60)).toContain("0");
  expect(problemOf({ ...line, value: "x".repeat(2001) }, 60)).toContain("2000");
});

test("lines are saved in order, without the spaces around them", () => {
  const draft = draftOf([
    { start: 5, end: 6, value: "later " },
    { start: 1, end: 2, value: "first" },
  ]);
  expect(linesOf(draft).map((line) => line.value)).toEqual(["first", "later"]);
});

test("a new line fills the gap after a line", () => {
  const draft = draftOf([
    { start: 0, end: 2, value: "a" },
    { start: 3, end: 4, value: "b" },
  ]);
  expect(lineAfter(draft, 0, 60)).toMatchObject({ start: "0:02", end: "0:03", value: "" });
  expect(lineAfter(draft, 1, 60)).toMatchObject({ start: "0:04", end: "0:07" });
});
