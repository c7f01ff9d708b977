// Filters of videos, to and from the address and as the API is asked.
import { expect, test } from "vitest";
import { isFiltered, NO_FILTER, problemOf, queryOf, readFilter, writeFilter } from "./videoFilter";

test("a filter survives the address, and begins at the first page", () => {
  const filter = { ...NO_FILTER, filename: "pier & sea.mp4", longerThan: "2.5" };
  const params = writeFilter(new URLSearchParams("view=list&page=3&smallerThan=9"), filter);
  expect(params.get("view")).toBe("list");
  expect(params.has("page")).toBe(false);
  expect(readFilter(new URLSearchParams(params.toString()))).toEqual(filter);
  expect(isFiltered(NO_FILTER)).toBe(false);
});

test("minutes, days and megabytes are asked as seconds, moments and bytes", () => {
  const asked = queryOf({ ...NO_FILTER, longerThan: "1.5", to: "2026-11-29", largerThan: "2" });
  expect(asked).toEqual({
    "duration[gte]": "90",
    "created_at[lte]": new Date("2026-11-29T23:59:59.999").toISOString(),
    "size[gte]": "2000000",
  });
});

test("what cannot be asked is told, and not asked", () => {
  expect(problemOf("longerThan", "two")).toContain("number");
  expect(problemOf("from", "yesterday")).toContain("day");
  expect(queryOf({ ...NO_FILTER, longerThan: "two", from: "yesterday" })).toEqual({});
});
