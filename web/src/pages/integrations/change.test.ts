// Changing settings sends what was changed, and nothing else.
import { expect, it } from "vitest";
import { changeOf, draftOf } from "./change";
import type { Integration } from "./data";

const filters = {
  include: ["a/**"],
  exclude: [],
  min_bytes: 10,
  max_bytes: null,
  modified_after: null,
  modified_before: null,
  storage_classes: [],
};
const before = draftOf({
  filters,
  schedule: { every_s: 3600, queue_url: null },
  region: "us-west-2",
  requester_pays: false,
} as unknown as Integration);

it("nothing is sent when nothing was changed", () => {
  expect(changeOf(before, { ...before })).toBeUndefined();
  expect(changeOf(before, { ...before, region: " us-west-2 " })).toBeUndefined();
});

it("a filter is sent with all filters, since they are replaced together", () => {
  expect(changeOf(before, { ...before, exclude: "*.tmp\n", min_bytes: "" })).toEqual({
    filters: { ...filters, exclude: ["*.tmp"], min_bytes: null },
  });
});

it("a schedule ends, a secret is given anew, and what is no number is for the server to refuse", () => {
  const after = { ...before, every_s: "", secret_access_key: "s", requester_pays: "yes", max_bytes: "much" };
  expect(changeOf(before, after)).toEqual({
    filters: { ...filters, max_bytes: "much" },
    schedule: { every_s: null, queue_url: null },
    secret_access_key: "s",
    requester_pays: true,
  });
});
