import { expect, test } from "vitest";
import { inWords, NOTHING_TYPED, withTyped } from "./filter";
import { matchedRanges, termsOf } from "./marks";
import { relaxations } from "./NothingFound";
import { formFields, ofOneVideo, requestOf, sensesOf } from "./request";
import { EMPTY, readState, SENSES, type SearchState, withoutView, writeState } from "./state";

const INDEX = "6b0c0fa3c7b6f36683c78315";
const VIDEO = "6b0c0fa3c7b6f36683c7831c";
const asked = (part: Partial<SearchState>): SearchState => ({ ...EMPTY, text: "a bunny", ...part });

test("an address holds the whole search, and reads back as the same", () => {
  const searches: SearchState[] = [
    EMPTY,
    asked({ index: INDEX, senses: ["seen", "said"], isExact: true, mustMatchAll: true, threshold: "high" }),
    asked({ isByVideo: true, isByCount: true, filter: { duration: { gte: 4, lte: 60.5 }, category: "harbour" } }),
    asked({ picture: { kind: "url", url: "https://x.example/a b.jpg?c=d&e" } }),
    asked({ picture: { kind: "moment", video: VIDEO, at: 12.5 } }),
    asked({ picture: { kind: "file", name: "cat & dog.png" } }),
  ];
  for (const search of searches) expect(readState(new URLSearchParams(writeState(search).toString()))).toEqual(search);
  expect(writeState(EMPTY).toString()).toBe("");
});

test("what an address says wrongly counts as not said, and what is looked at is no part of the search", () => {
  const odd = "in=smelt&sure=certain&filter=[1]&like=x@y&sort=clips&words=1";
  expect(readState(new URLSearchParams(odd))).toEqual(EMPTY);
  expect(withoutView(new URLSearchParams("q=x&video=1&t=2&code=curl")).toString()).toBe("q=x");
});

test("each choice of senses is asked for in names that mean just that", () => {
  const ask = (senses: SearchState["senses"], part: Partial<SearchState> = {}) => {
    const { base, body } = requestOf(asked({ senses, ...part }), INDEX, SENSES);
    return [base, ...body.search_options];
  };
  expect(ask(null)).toEqual(["/v1.3", "visual", "transcription"]);
  expect(ask(["seen", "written"])).toEqual(["/v1.3", "visual"]);
  expect(ask(["written"])).toEqual(["/v1.3", "text_in_video"]);
  expect(ask(["said", "written"])).toEqual(["/v1.3", "transcription", "text_in_video"]);
  // v1.3's visual would take in what is written.
  expect(ask(["seen"])).toEqual(["/v1.2", "visual"]);
  expect(ask(["seen", "said"])).toEqual(["/v1.2", "visual", "conversation"]);
  expect(ask(["seen", "said"], { mustMatchAll: true })).toEqual(["/v1.3", "visual", "transcription"]);
  expect(ask(null, { mustMatchAll: true })).toEqual(["/v1.3", "visual", "transcription", "text_in_video"]);
  expect(ask(["said"], { picture: { kind: "url", url: "https://x" } })).toEqual(["/v1.3", "visual"]);
  expect(requestOf(asked({ senses: ["seen"] }), INDEX, ["seen", "said"]).base).toBe("/v1.3");
  expect(sensesOf(asked({ senses: ["written"] }), ["seen"])).toEqual(["seen"]);
});

test("exact words are asked for where something is said, in the words of the version", () => {
  const body = (part: Partial<SearchState>) => requestOf(asked({ isExact: true, ...part }), INDEX, SENSES).body;
  expect(body({})).toMatchObject({ transcription_options: ["lexical"] });
  expect(body({ senses: ["seen", "said"] })).toMatchObject({ conversation_option: "exact_match" });
  expect(body({ senses: ["written"] })).not.toHaveProperty("transcription_options");
  expect(body({ picture: { kind: "url", url: "https://x" } })).not.toHaveProperty("transcription_options");
});

test("as a form, lists are repeated and the filter is JSON; of one video, its clips are asked for", () => {
  const request = requestOf(asked({ isByVideo: true, isByCount: true, filter: { width: 640 } }), INDEX, SENSES);
  expect(formFields(request.body)).toContainEqual(["search_options", "transcription"]);
  expect(formFields(request.body)).toContainEqual(["filter", '{"width":640}']);
  const { body } = ofOneVideo(request, VIDEO);
  expect(body.filter).toEqual({ width: 640, id: [VIDEO] });
  expect(body).not.toHaveProperty("group_by");
  expect(body).not.toHaveProperty("sort_option");
});

test("what is typed becomes a test, or says what is wrong", () => {
  const type = (typed: Partial<typeof NOTHING_TYPED>) => withTyped({}, { ...NOTHING_TYPED, ...typed });
  expect(type({ text: " pier.mp4 " })).toEqual({ filter: { filename: "pier.mp4" } });
  expect(type({ field: "duration", from: "1:30" })).toEqual({ filter: { duration: { gte: 90 } } });
  expect(type({ field: "duration", from: "1:00:00.5", to: "2:00:00" })).toEqual({
    filter: { duration: { gte: 3600.5, lte: 7200 } },
  });
  expect(type({ field: "fps", from: "29,97", to: "29.97" })).toEqual({ filter: { fps: { gte: 29.97, lte: 29.97 } } });
  expect(type({ field: "size", to: "1.5" })).toEqual({ filter: { size: { lte: 1_500_000 } } });
  expect(type({ field: "own", name: "rating", from: "-3" })).toEqual({ filter: { rating: { gte: -3 } } });
  expect(type({ field: "own", name: "category", text: "harbour" })).toEqual({ filter: { category: "harbour" } });
  // Days are those of the reader's zone.
  expect(type({ field: "created_at", from: "2026-11-28", to: "2026-11-29" })).toEqual({
    filter: {
      created_at: {
        gte: new Date(2026, 10, 28).toISOString(),
        lte: new Date(new Date(2026, 10, 30).getTime() - 1).toISOString(),
      },
    },
  });
  for (const wrong of [
    { field: "created_at" },
    { field: "created_at", from: "2026-11-29", to: "2026-11-28" },
    {},
    { field: "duration" },
    { field: "duration", from: "long" },
    { field: "height", from: "-1" },
    { field: "height", from: "9", to: "1" },
    { field: "own", text: "x" },
    { field: "own", name: "width", from: "1" },
    { field: "own", name: "rating" },
  ]) {
    expect(type(wrong), JSON.stringify(wrong)).toHaveProperty("wrong");
  }
});

test("filters are told in words", () => {
  expect(inWords("duration", { gte: 90 })).toBe("Length at least 1:30");
  expect(inWords("size", { lte: 1_500_000 })).toBe("File size at most 1.5 MB");
  expect(inWords("height", { gte: 360, lte: 720 })).toBe("Height 360 to 720");
  const day = new Date(2026, 10, 28);
  const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(day);
  expect(inWords("created_at", { gte: day.toISOString() })).toBe(`Day it was brought in from ${shown}`);
  expect(inWords("category", "harbour")).toBe("category is harbour");
  expect(inWords("needsReview", true)).toBe("needsReview is true");
  expect(inWords("id", [VIDEO], () => "pier.mp4")).toBe("Video is pier.mp4");
});

test("the words that the server's rules match are marked", () => {
  const marks = (text: string, query: string, isExact = false) =>
    matchedRanges(text, termsOf(query, isExact)).map(([start, end]) => text.slice(start, end));
  expect(marks("A (slightly overweight) bunny", "a bunny")).toEqual(["bunny"]);
  expect(marks("Two stations, one station", "station")).toEqual(["stations", "station"]);
  expect(marks("the age of wisdom", "the")).toEqual(["the"]);
  expect(marks("It was the best of times, best of all", "the best of times", true)).toEqual(["the best of times"]);
  expect(marks("best times, the best of times", 'say "best of times"')).toEqual(["best of times"]);
  expect(marks("best of, times", "best times")).toEqual(["best", "times"]);
  expect(marks("Größe und Москва", "größe москва")).toEqual(["Größe", "Москва"]);
  expect(marks("nothing", "?!")).toEqual([]);
});

test("an empty result tells what was asked too strictly, and only that", () => {
  const labels = (part: Partial<SearchState>) => relaxations(asked(part), SENSES).map(({ label }) => label);
  expect(labels({ threshold: "none" })).toEqual([]);
  expect(labels({})).toEqual(["Show unsure matches, too"]);
  expect(labels({ threshold: "none", filter: { width: 1 }, mustMatchAll: true, isExact: true })).toEqual([
    "Without the 1 filter",
    "Match in any of the ways",
    "Spoken words by their meaning",
  ]);
  expect(labels({ threshold: "none", senses: ["seen"], isExact: true })).toEqual([
    "Look at what is said and written, too",
  ]);
});
