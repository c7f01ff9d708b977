// A search as code: a command, and programs with the official SDKs, each of which really does this very search.
import { formFields, type SearchBody, type SearchRequest } from "./request";
import type { PictureRef } from "./state";

export type Language = "curl" | "python" | "javascript";
export const LANGUAGES: readonly { id: Language; label: string }[] = [
  { id: "curl", label: "curl" },
  { id: "python", label: "Python" },
  { id: "javascript", label: "JavaScript" },
];

export interface Source {
  origin: string;
  request: SearchRequest;
  picture: PictureRef | null;
}

export function codeOf(language: Language, source: Source): string {
  return { curl, python, javascript }[language](source);
}

/** The file that holds the picture, where it is sent along. */
const fileName = (picture: PictureRef | null) =>
  picture?.kind === "file" ? picture.name : picture?.kind === "moment" ? "moment.jpg" : null;

const thumbnailUrl = (origin: string, body: SearchBody, picture: PictureRef & { kind: "moment" }) =>
  `${origin}/v1.3/indexes/${body.index_id}/videos/${picture.video}/thumbnail?time=${picture.at}`;

const shell = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function curl({ origin, request: { base, body }, picture }: Source): string {
  const lines: string[] = [];
  if (picture?.kind === "moment") {
    lines.push(
      "# The picture of the moment",
      `link=$(curl -sSf -H "x-api-key: $TELECINE_API_KEY" ${shell(thumbnailUrl(origin, body, picture))} |`,
      `  sed 's/.*"thumbnail":"\\([^"]*\\)".*/\\1/')`,
      `curl -sSf -o moment.jpg "$link"`,
      "",
    );
  }
  const call = [`curl -sS ${shell(`${origin}${base}/search`)}`, `-H "x-api-key: $TELECINE_API_KEY"`];
  for (const [name, value] of formFields(body)) call.push(`--form-string ${shell(`${name}=${value}`)}`);
  const file = fileName(picture);
  if (file) call.push(`-F ${shell(`query_media_file=@"${file.replace(/["\\]/g, "\\$&")}"`)}`);
  lines.push(call.join(" \\\n  "));
  return lines.join("\n");
}

/** A Python value; JSON's texts, numbers and lists are Python's, too. */
const literal = (value: unknown) =>
  JSON.stringify(value, null, 1)
    .replaceAll(/\n\s*/g, " ")
    .replaceAll(/\[ | \]/g, (edge) => edge.trim());

/** Parameters that the SDKs know of; the others of this server are sent beside them. */
const SDK_KNOWS = new Set([
  "index_id",
  "query_text",
  "query_media_type",
  "query_media_url",
  "search_options",
  "transcription_options",
  "group_by",
  "operator",
  "page_limit",
  "filter",
]);

const entriesOf = (body: SearchBody) =>
  Object.entries(body).map(([name, value]) => [name, name === "filter" ? JSON.stringify(value) : value] as const);

function python({ origin, request: { base, body }, picture }: Source): string {
  const known = entriesOf(body).filter(([name]) => SDK_KNOWS.has(name));
  const others = entriesOf(body).filter(([name]) => !SDK_KNOWS.has(name));
  const given = known.map(([name, value]) => `    ${name}=${literal(value)},`);
  if (others.length > 0) {
    const extra = others.map(([name, value]) => `${literal(name)}: ${literal(value)}`).join(", ");
    given.push(
      "    # The SDK does not send these by itself.",
      `    request_options={"additional_body_parameters": {${extra}}},`,
    );
  }
  const file = fileName(picture);
  if (file) given.push(`    query_media_file=open(${literal(file)}, "rb"),`);
  const lines = ["# pip install 'twelvelabs>=1.3'", "import os", ""];
  if (picture?.kind === "moment") lines.push("import httpx");
  lines.push("from twelvelabs import TwelveLabs", "", `key = os.environ["TELECINE_API_KEY"]`);
  lines.push(`client = TwelveLabs(api_key=key, base_url=${literal(origin + base)})`);
  if (picture?.kind === "moment") {
    lines.push(
      "# The picture of the moment",
      `thumbnail = httpx.get(${literal(thumbnailUrl(origin, body, picture))}, headers={"x-api-key": key})`,
      `picture = httpx.get(thumbnail.raise_for_status().json()["thumbnail"]).raise_for_status()`,
      `open("moment.jpg", "wb").write(picture.content)`,
    );
  }
  lines.push("found = client.search.query(", ...given, ")");
  if (body.group_by === "video") {
    lines.push(
      "for video in found:",
      "    for clip in video.clips:",
      "        print(video.id, clip.start, clip.end, clip.rank)",
    );
  } else {
    lines.push("for clip in found:", "    print(clip.video_id, clip.start, clip.end, clip.rank)");
  }
  return `${lines.join("\n")}\n`;
}

const camel = (name: string) => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

function javascript(source: Source): string {
  const { origin, request, picture } = source;
  const { body } = request;
  const isByVideo = body.group_by === "video";
  const lines: string[] = [];
  const moment =
    picture?.kind === "moment"
      ? [
          "// The picture of the moment",
          `const headers = { 'x-api-key': process.env.TELECINE_API_KEY }`,
          `const thumbnail = await fetch(${literal(thumbnailUrl(origin, body, picture))}, { headers })`,
          `const picture = await fetch((await thumbnail.json()).thumbnail)`,
          `fs.writeFileSync('moment.jpg', Buffer.from(await picture.arrayBuffer()))`,
        ]
      : [];
  const file = fileName(picture);
  if (canSay(request)) {
    lines.push("// npm install twelvelabs-js@^1.3");
    if (file) lines.push("import fs from 'node:fs'");
    lines.push("import { TwelveLabs } from 'twelvelabs-js'", "", ...moment);
    lines.push(
      "// The SDK takes the address from here only.",
      `process.env.TWELVELABS_BASE_URL = ${literal(origin + request.base)}`,
      "const client = new TwelveLabs({ apiKey: process.env.TELECINE_API_KEY })",
      "const found = await client.search.query({",
      ...entriesOf(body).map(([name, value]) => `  ${camel(name)}: ${literal(value)},`),
    );
    if (file) lines.push(`  queryMediaFile: fs.createReadStream(${literal(file)}),`);
    lines.push("})", ...printing(isByVideo, "found", "clip.videoId"));
    return `${lines.join("\n")}\n`;
  }
  if (file) lines.push("import fs from 'node:fs'", "");
  lines.push(
    "// The SDK (twelvelabs-js 1.3) cannot say all of this search, so this asks the API itself.",
    ...moment,
    "const form = new FormData()",
    ...formFields(body).map(([name, value]) => `form.append(${literal(name)}, ${literal(value)})`),
  );
  if (file) {
    const name = literal(file);
    lines.push(`form.append("query_media_file", new Blob([fs.readFileSync(${name})]), ${name})`);
  }
  if (moment.length === 0) lines.push(`const headers = { 'x-api-key': process.env.TELECINE_API_KEY }`);
  lines.push(
    "async function* found() {",
    `  const url = ${literal(`${origin}${request.base}/search`)}`,
    "  let answer = await fetch(url, { method: 'POST', headers, body: form })",
    "  for (;;) {",
    "    if (!answer.ok) throw new Error(await answer.text())",
    "    const page = await answer.json()",
    "    yield* page.data",
    "    const token = page.page_info.next_page_token",
    "    if (!token) return",
    "    answer = await fetch(url + '/' + token, { headers })",
    "  }",
    "}",
    ...printing(isByVideo, "found()", "clip.video_id"),
  );
  return `${lines.join("\n")}\n`;
}

/** Whether the SDK for JavaScript can: it sends no other parameters, and refuses options that it does not know. */
const canSay = ({ base, body }: SearchRequest) =>
  base === "/v1.3" &&
  Object.keys(body).every((name) => SDK_KNOWS.has(name)) &&
  !body.search_options.includes("text_in_video");

const printing = (isByVideo: boolean, found: string, videoId: string) =>
  isByVideo
    ? [
        `for await (const video of ${found}) {`,
        "  for (const clip of video.clips) console.log(video.id, clip.start, clip.end, clip.rank)",
        "}",
      ]
    : [`for await (const clip of ${found}) console.log(${videoId}, clip.start, clip.end, clip.rank)`];
