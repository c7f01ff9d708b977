// The page's side of worker.ts: orders as promises.
import type { Known, Wrong } from "./check";
import type { Reading } from "./sheet";
import type { Answer, Order } from "./worker";

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;

export class ManifestReader {
  #worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  #waiting = new Map<number, { done: (answer: Answer) => void; failed: (error: Error) => void }>();
  #count = 0;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.kind === "failed") waiting?.failed(new Error(data.message));
      else waiting?.done(data);
    };
    this.#worker.onerror = () => {
      for (const { failed } of this.#waiting.values()) failed(new Error("The manifest could not be read here."));
      this.#waiting.clear();
    };
  }

  #send(order: Without<Order, "id">): Promise<Answer> {
    this.#count += 1;
    const id = this.#count;
    return new Promise((done, failed) => {
      this.#waiting.set(id, { done, failed });
      this.#worker.postMessage({ ...order, id });
    });
  }

  async read(source: string | Blob, known: Known): Promise<Reading> {
    const answer = await this.#send({ kind: "read", source, known });
    return (answer as Answer & { kind: "reading" }).reading;
  }

  async refuse(entry: number, wrong: Wrong): Promise<Reading> {
    const answer = await this.#send({ kind: "refuse", entry, wrong });
    return (answer as Answer & { kind: "reading" }).reading;
  }

  /** A manifest of the good entries without some; the number of each and its line. */
  async file(without?: ReadonlySet<number>) {
    return (await this.#send({ kind: "file", without })) as Answer & { kind: "file" };
  }

  close() {
    this.#worker.terminate();
  }
}
