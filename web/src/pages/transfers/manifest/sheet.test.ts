import { describe, expect, it } from "vitest";
import type { Known } from "./check";
import { Sheet } from "./sheet";

const INDEX = "65f0c1d2e3a4b5c6d7e8f901";
const good = (key: string, more = "") => `{"index_id": "${INDEX}", "object": "s3://harbour/${key}"${more}}`;
const read = (text: string, known: Known = {}) => new Sheet(text, known).reading();
const wrong = (text: string, known?: Known) => {
  const [first] = read(text, known).problems;
  return first && `line ${first.line}: ${first.what}`;
};
async function sent(sheet: Sheet, without?: Set<number>) {
  const { file, numbers } = sheet.file(without);
  return { entries: JSON.parse(await file.text()), numbers: [...numbers] };
}

describe("a manifest", () => {
  it("is read as JSON, JSON lines and CSV", async () => {
    const json = new Sheet(`[\n${good("a.mp4")},\n${good("b.mp4", ', "language": "de"')}\n]`, {});
    const lines = new Sheet(`${good("a.mp4")}\n${good("b.mp4", ', "language": "de"')}\n`, {});
    const csv = new Sheet(
      `index_id,object,language\n${INDEX},s3://harbour/a.mp4,\n${INDEX},"s3://harbour/b.mp4",de\n`,
      {},
    );
    for (const sheet of [json, lines, csv]) {
      expect(sheet.reading()).toMatchObject({ entries: 2, good: 2, wrong: 0, indexes: { [INDEX]: 2 } });
      const { entries } = await sent(sheet);
      expect(entries.map((entry: { object: string }) => entry.object)).toEqual([
        "s3://harbour/a.mp4",
        "s3://harbour/b.mp4",
      ]);
      expect(entries[1].language).toBe("de");
    }
    expect([json, lines, csv].map((sheet) => sheet.reading().format)).toEqual(["json", "jsonl", "csv"]);
    expect([json.line(1), lines.line(1), csv.line(1)]).toEqual([3, 2, 3]);
  });

  it("keeps what was written, word by word, and leaves out what is asked", async () => {
    const sheet = new Sheet(`[${good("a.mp4", ', "note": 1.50')}, ${good("b.mp4")}, ${good("c.mp4")}]`, {});
    expect(await sheet.file().file.text()).toContain('"note": 1.50');
    const { entries, numbers } = await sent(sheet, new Set([1]));
    expect(numbers).toEqual([0, 2]);
    expect(entries).toHaveLength(2);
  });

  it("says of each wrong entry the line, what and how to mend it", () => {
    const list = (entry: string) => `[\n${good("a.mp4")},\n${entry}\n]`;
    const cases: [string, string][] = [
      [`{"index_id": "${INDEX}"}`, "`object` is missing."],
      [`{"object": "s3://b/k"}`, "`index_id` is missing."],
      [`{"index_id": "7", "object": "s3://b/k"}`, "`index_id` is not an id."],
      [`{"index_id": 7, "object": "s3://b/k"}`, "`index_id` must be a text, found a number."],
      [good("k", ', "language": "english please"'), "`language` is not a language tag."],
      [good("k", ', "transcription": "01.srt"'), "`transcription` is not an address."],
      [good("k", ', "transcription": ["s3://b/k"]'), "`transcription` must be a text, found a list."],
      [`{"index_id": "${INDEX}", "object": "s3://bucket"}`, "`object` has no key."],
      [`{"index_id": "${INDEX}", "object": "s3:///k"}`, "`object` has no bucket."],
      [`{"index_id": "${INDEX}", "object": "s3://b/"}`, "`object` has an empty key."],
      [`{"index_id": "${INDEX}", "object": "s3://a bucket/k"}`, "`object` names a bucket that cannot be."],
      ["7", "The entry must be an object, found a number."],
      ["null", "The entry must be an object, found null."],
    ];
    for (const [entry, what] of cases) {
      expect(wrong(list(entry))).toBe(`line 3: ${what}`);
      expect(read(list(entry))).toMatchObject({ entries: 2, good: 1, wrong: 1 });
      expect(read(list(entry)).problems[0]?.fix).not.toBe("");
    }
    const far = `[\n{"index_id": "${INDEX}",\n  "object": "ftp://harbour/pier.mp4"}\n]`;
    expect(wrong(far)).toMatch(/^line 3: `object` does not begin with `s3:/);
  });

  it("finds the good entries behind a broken one", () => {
    const broken = [
      `{"index_id": "${INDEX}, "object": "s3://b/k"},`,
      `{"index_id": "${INDEX}", "object": "s3://b/k,`,
      `{"index_id": "${INDEX}", "object": "s3://b/k"`,
      `{"index_id" "${INDEX}"},`,
      `{index_id: 1},`,
    ];
    for (const entry of broken) {
      const found = read(`[\n${entry}\n${good("a.mp4")},\n${good("b.mp4")}\n]`);
      expect(found, entry).toMatchObject({ entries: 3, good: 2, wrong: 1 });
      expect(found.problems[0]?.line).toBe(2);
    }
    expect(read(`[${good("a.mp4")},\n${good("b.mp4").slice(0, 40)}`)).toMatchObject({ good: 1, wrong: 1 });
    expect(wrong(`[${good("a.mp4")}]\nx`)).toContain("More text follows");
    expect(read(`[${good("a.mp4", ', "note": {"a": [{"b": "}{"}]}')}]`)).toMatchObject({ good: 1, wrong: 0 });
    expect(read(`[{"index_id": "${INDEX}", "object": "s3://b/k",\n"note":\n{"a": 1}\n}]`)).toMatchObject({
      good: 1,
      wrong: 0,
    });
  });

  it("says what is no manifest at all, and takes an empty text for none", () => {
    expect(wrong("film one\nfilm two")).toBe("line 1: This is not a manifest.");
    expect(read(" \n ")).toMatchObject({ entries: 0, good: 0, wrong: 0 });
    expect(read("[]")).toMatchObject({ entries: 0 });
  });

  it("knows indexes and buckets, where they are told", () => {
    const owner = { scheme: "s3", bucket: "harbour", prefix: "2024/", status: "active" };
    const known = { indexes: [INDEX], owners: [owner] };
    expect(read(`[${good("2024/a.mp4")}]`, known)).toMatchObject({ good: 1 });
    expect(wrong(`[${good("2023/a.mp4")}]`, known)).toBe("line 1: No integration owns `object`'s bucket harbour.");
    const failed = { ...known, owners: [{ ...owner, status: "failed" }] };
    expect(wrong(`[${good("2024/a.mp4")}]`, failed)).toBe(
      "line 1: The integration of `object`'s bucket harbour is failed.",
    );
    const other = good("2024/a.mp4").replace("65f0", "65f1");
    expect(wrong(`[${other}]`, known)).toBe("line 1: `index_id` names no index of this workspace.");
  });

  it("takes the server's word, of a language for all entries that speak it", () => {
    const sheet = new Sheet(
      `[${good("a", ', "language": "xx"')},\n${good("b")},\n${good("c", ', "language": "xx"')},\n${good("d", ', "language": "xx", "transcription": "s3://b/d.srt"')}]`,
      {},
    );
    sheet.refuse(0, {
      field: "language",
      what: "`language` is not one that can be heard here.",
      fix: "Give a transcription.",
    });
    expect(sheet.reading()).toMatchObject({ good: 2, wrong: 2 });
    sheet.refuse(1, { what: "`object` is given twice.", fix: "Keep one of them." });
    expect(sheet.reading()).toMatchObject({ good: 1, wrong: 3 });
  });

  it("reads 100,000 entries in a moment", () => {
    const text = `[${Array.from({ length: 100_000 }, (_, number) => good(`${number}.mp4`)).join(",\n")}]`;
    expect(read(text, { indexes: [INDEX] })).toMatchObject({ entries: 100_000, good: 100_000, wrong: 0 });
  });
});
