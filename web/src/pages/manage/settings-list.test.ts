// Settings are found by every word, and grouped by their section.
import { expect, test } from "vitest";
import { groupsOf, matching, written } from "./settings-list";

const setting = (key: string, value: unknown, about: string, isChanged = false) => ({
  key,
  value,
  about,
  is_changed: isChanged,
  variable: `TELECINE_${key.toUpperCase().replace(".", "__")}`,
});
const SETTINGS = [
  setting("server.listen", "127.0.0.1:8080", "Address to listen on."),
  setting("server.public_url", undefined, "Base of the URLs that are handed out."),
  setting("pipeline.tasks", 4, "Tasks in hand at once.", true),
];
const keys = (words: string, isChangedOnly = false) => matching(SETTINGS, words, isChangedOnly).map(({ key }) => key);

test("every word counts, in name, value, variable or description, in any case", () => {
  expect(keys("")).toHaveLength(3);
  expect(keys("URLS handed")).toEqual(["server.public_url"]);
  expect(keys("8080")).toEqual(["server.listen"]);
  expect(keys("telecine_pipeline__tasks")).toEqual(["pipeline.tasks"]);
  expect(keys("not set")).toEqual(["server.public_url"]);
  expect(keys("server tasks")).toEqual([]);
  expect(keys("", true)).toEqual(["pipeline.tasks"]);
});

test("groups come in the order of the settings; values are as they are written", () => {
  expect(groupsOf(SETTINGS).map(([section, members]) => [section, members.length])).toEqual([
    ["server", 2],
    ["pipeline", 1],
  ]);
  expect([written("a"), written(false), written(null), written(["x"])]).toEqual(['"a"', "false", "not set", '["x"]']);
});
