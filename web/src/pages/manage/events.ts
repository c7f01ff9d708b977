// What webhooks may be told, in words.
export const EVENTS = [
  { id: "index.task.ready", label: "A video is ready to be searched", isUsual: true },
  { id: "index.task.failed", label: "A video could not be indexed", isUsual: true },
  { id: "analyze.task.ready", label: "A text about a video is written", isUsual: true },
  { id: "analyze.task.failed", label: "A text about a video could not be written", isUsual: true },
  { id: "transfer.completed", label: "A transfer is over", isUsual: false },
] as const;

export const VERSIONS = [
  { id: "v1.3", label: "v1.3 (models)" },
  { id: "v1.2", label: "v1.2 (engines)" },
  { id: "v1.1", label: "v1.1 (engine, index options)" },
] as const;
