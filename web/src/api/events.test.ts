import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveSource } from "./events";

interface State {
  n: number;
  isOver?: boolean;
}

/** A stream of events, as far as it is used. */
class Stream {
  static CLOSED = 2;
  static all: Stream[] = [];
  readyState = 0;
  onerror: (() => void) | null = null;
  #heard: Record<string, (message: { data: string }) => void> = {};
  constructor(readonly url: URL) {
    Stream.all.push(this);
  }
  addEventListener(name: string, heard: (message: { data: string }) => void) {
    this.#heard[name] = heard;
  }
  tell(name: string, data: object) {
    this.#heard[name]?.({ data: JSON.stringify(data) });
  }
  close() {
    this.readyState = Stream.CLOSED;
  }
  static get last() {
    return Stream.all.at(-1) as Stream;
  }
}

let answer: () => Response;

function source() {
  const made = new LiveSource<State>({ path: "/things/1", event: "thing", isOver: (state) => Boolean(state.isOver) });
  made.start();
  return made;
}
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  Stream.all = [];
  answer = () => Response.json({ n: 0 });
  vi.stubGlobal("window", { location: { href: "http://here/" }, dispatchEvent: () => true });
  vi.stubGlobal("EventSource", Stream);
  vi.stubGlobal(
    "Request",
    class {
      url: string;
      headers = new Headers();
      method = "GET";
      signal = { aborted: false };
      constructor(url: string | URL) {
        this.url = new URL(url, "http://here/").href;
      }
      clone() {
        return this;
      }
    },
  );
  vi.stubGlobal("fetch", async () => answer());
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("what is followed live", () => {
  it("is told as it happens, until its end", () => {
    const live = source();
    expect(Stream.last.url.pathname).toBe("/v1.3/things/1/events");
    Stream.last.tell("thing", { n: 1 });
    expect(live.get()).toMatchObject({ data: { n: 1 }, connection: "live" });
    Stream.last.tell("end", {});
    expect(live.get()).toMatchObject({ data: { n: 1 }, connection: "over" });
    expect(Stream.last.readyState).toBe(Stream.CLOSED);
  });

  it("is asked where events are refused, and live again when they come", async () => {
    const live = source();
    Stream.last.readyState = Stream.CLOSED;
    answer = () => Response.json({ n: 7 });
    Stream.last.onerror?.();
    await settle();
    expect(live.get()).toMatchObject({ data: { n: 7 }, connection: "asking" });
    answer = () => Response.json({ n: 8 });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(live.get().data).toEqual({ n: 8 });
    await vi.advanceTimersByTimeAsync(7_000);
    expect(Stream.all).toHaveLength(2);
    Stream.last.tell("thing", { n: 9 });
    expect(live.get()).toMatchObject({ data: { n: 9 }, connection: "live" });
    answer = () => Response.json({ n: -1 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(live.get().data).toEqual({ n: 9 });
  });

  it("leaves trying again to the browser after a cut, and asks meanwhile", async () => {
    const live = source();
    Stream.last.tell("thing", { n: 1 });
    answer = () => {
      throw new TypeError("no network");
    };
    Stream.last.onerror?.();
    await settle();
    expect(live.get()).toMatchObject({ data: { n: 1 }, connection: "asking" });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(String((live.get().error as Error).message)).toContain("cannot be reached");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Stream.all).toHaveLength(1);
    Stream.last.tell("thing", { n: 2 });
    expect(live.get()).toEqual({ data: { n: 2 }, error: undefined, connection: "live" });
  });

  it("finds the end by asking, too, and can begin again", async () => {
    const live = source();
    answer = () => Response.json({ n: 5, isOver: true });
    Stream.last.onerror?.();
    await settle();
    expect(live.get()).toMatchObject({ data: { n: 5 }, connection: "over" });
    live.start();
    expect(live.get().connection).toBe("connecting");
    Stream.last.tell("thing", { n: 6 });
    expect(live.get()).toMatchObject({ data: { n: 6 }, connection: "live" });
  });

  it("does not ask again for what is not there", async () => {
    const live = source();
    const refusal = { code: "resource_not_exists", message: "There is no such thing.", request_id: "r" };
    let asked = 0;
    answer = () => {
      asked += 1;
      return Response.json(refusal, { status: 404 });
    };
    Stream.last.readyState = Stream.CLOSED;
    Stream.last.onerror?.();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(1);
    expect(Stream.all).toHaveLength(1);
    expect((live.get().error as Error).message).toBe("There is no such thing.");
  });
});
