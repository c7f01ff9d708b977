// The user's own fields, to and from the form.
import { expect, test } from "vitest";
import { fieldsOf, ownOf, problemOf } from "./fields";

test("fields keep their types through the form", () => {
  const own = { category: "harbour", rating: 4.5, isOurs: false };
  expect(ownOf(fieldsOf(own))).toEqual(own);
});

test("a field that cannot be kept says why", () => {
  const [one, two] = fieldsOf({ a: "x", b: 1 });
  if (!one || !two) throw new Error("two fields");
  expect(problemOf(one, [one, two])).toBeUndefined();
  expect(problemOf({ ...one, name: " width " }, [two])).toContain("measured");
  expect(problemOf({ ...one, name: "b" }, [two])).toContain("twice");
  expect(problemOf({ ...one, name: "" }, [two])).toContain("name");
  expect(problemOf({ ...two, value: "two" }, [one])).toContain("no number");
  expect(problemOf({ ...two, value: "" }, [one])).toContain("no number");
});
