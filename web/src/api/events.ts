// What the server tells as it happens (server-sent events). Where that is refused or cut off, it is asked again and again
// instead, and events are tried again: the page always has the newest, and says how it comes by it.
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { noteCall } from "./calls";
import { API_BASE, ApiFailure, send } from "./client";

/** `live`: told as it happens. `asking`: asked every few seconds. `over`: nothing more comes. */
export type Connection = "connecting" | "live" | "asking" | "over";

export interface Live<T> {
  data?: T;
  /** Why the last question was not answered; data that was there stays. */
  error?: unknown;
  connection: Connection;
}

export interface LiveOptions<T> {
  /** What is asked where events do not come; `${path}/events` tells them. Below the version. */
  path: string;
  event: string;
  isOver: (data: T) => boolean;
}

const ASK_EVERY_MS = 3_000;
/** Between two tries for events, after they were refused. */
const TRY_AGAIN_MS = 10_000;

export class LiveSource<T> {
  #live: Live<T> = { connection: "connecting" };
  #listeners = new Set<() => void>();
  #stream: EventSource | undefined;
  #asking: ReturnType<typeof setInterval> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #isOn = false;

  constructor(readonly options: LiveOptions<T>) {}

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get = () => this.#live;

  #set(change: Partial<Live<T>>) {
    this.#live = { ...this.#live, ...change };
    for (const listener of this.#listeners) listener();
  }

  /** Listens. Also after it was over, when more may come. */
  start() {
    this.stop();
    this.#isOn = true;
    if (this.#live.connection === "over") this.#set({ connection: "connecting" });
    this.#open();
  }

  /** Listens no more; what is known stays. */
  stop() {
    this.#isOn = false;
    this.#stream?.close();
    this.#stream = undefined;
    clearTimeout(this.#again);
    this.#again = undefined;
    this.#askNoMore();
  }

  /** Takes what is known better, such as the answer to a change. */
  take(data: T) {
    this.#set({ data, error: undefined });
  }

  #open() {
    const { path, event } = this.options;
    const address = new URL(`${API_BASE}${path}/events`, window.location.href);
    const stream = new EventSource(address);
    queueMicrotask(() => void noteCall(new Request(address)));
    this.#stream?.close();
    this.#stream = stream;
    stream.addEventListener(event, (message) => {
      this.#askNoMore();
      this.#set({ data: JSON.parse(message.data) as T, error: undefined, connection: "live" });
    });
    stream.addEventListener("end", () => this.#end());
    stream.onerror = () => {
      if (this.#stream !== stream || !this.#isOn) return;
      // The browser tries again by itself, unless it was refused.
      if (stream.readyState === EventSource.CLOSED && this.#again === undefined) {
        this.#again = setTimeout(() => {
          this.#again = undefined;
          this.#open();
        }, TRY_AGAIN_MS);
      }
      this.#ask();
    };
  }

  #end() {
    this.stop();
    this.#set({ connection: "over" });
  }

  #ask() {
    if (this.#asking !== undefined) return;
    this.#set({ connection: "asking" });
    this.#asking = setInterval(() => void this.#askOnce(), ASK_EVERY_MS);
    void this.#askOnce();
  }

  #askNoMore() {
    clearInterval(this.#asking);
    this.#asking = undefined;
  }

  async #askOnce() {
    try {
      const data = (await (await send(`${API_BASE}${this.options.path}`)).json()) as T;
      if (this.#asking === undefined) return;
      this.#set({ data, error: undefined });
      if (this.options.isOver(data)) this.#end();
    } catch (error) {
      if (this.#asking === undefined) return;
      this.#set({ error });
      // What is not there will not come by asking.
      if (error instanceof ApiFailure && [401, 403, 404].includes(error.status)) this.stop();
    }
  }
}

/** Follows something that changes. Nobody listens while the page is not seen. */
export function useLive<T>({ path, event, isOver }: LiveOptions<T>): Live<T> & { source: LiveSource<T> } {
  const source = useMemo(() => new LiveSource<T>({ path, event, isOver }), [path, event]);
  useEffect(() => {
    const follow = () => {
      if (document.visibilityState === "hidden") source.stop();
      else if (source.get().connection !== "over") source.start();
    };
    source.start();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      source.stop();
    };
  }, [source]);
  return { ...useSyncExternalStore(source.subscribe, source.get), source };
}
