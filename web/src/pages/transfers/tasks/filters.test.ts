import { describe, expect, it } from "vitest";
import { filtersOf, queryOf, withFilter } from "./filters";

const search = (text: string) => new URLSearchParams(text);

describe("the filters of tasks", () => {
  it("stand in the address and are told to the server", () => {
    const filters = filtersOf(search("status=failed,ready&code=object_not_exists&task=1&page=3"));
    expect(queryOf(filters, 3)).toEqual({ page: 3, page_limit: 50, status: "failed,ready", code: "object_not_exists" });
  });
  it("mean whole days of the reader", () => {
    const query = queryOf(filtersOf(search("from=2026-11-28&to=2026-11-28")), 1);
    expect(query["created_at[gte]"]).toBe(new Date(2026, 10, 28).toISOString());
    expect(query["created_at[lte]"]).toBe(new Date(2026, 10, 28, 23, 59, 59, 999).toISOString());
    expect(queryOf(filtersOf(search("from=yesterday")), 1)).toEqual({ page: 1, page_limit: 50 });
  });
  it("begin with the first page when they change", () => {
    expect(`${withFilter(search("page=7&state=ready"), "name", "a b")}`).toBe("state=ready&name=a+b");
    expect(`${withFilter(search("page=7&status=ready"), "state", "")}`).toBe("");
  });
});
