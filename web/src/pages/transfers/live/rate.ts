// How fast a transfer goes, from what was seen of it.

export interface Sample {
  /** Milliseconds. */
  at: number;
  finished: number;
}

const WINDOW_MS = 120_000;
const LEAST_MS = 10_000;

/** The samples with one more; what is too old to tell the pace goes. One from before the window stays, to measure from. */
export function withSample(samples: readonly Sample[], sample: Sample): Sample[] {
  const last = samples.at(-1);
  // Another try sets the count back: what was before says nothing of it.
  const kept = last && sample.finished < last.finished ? [] : samples;
  const first = kept.findLastIndex((each) => sample.at - each.at >= WINDOW_MS);
  return [...kept.slice(Math.max(0, first)), sample];
}

/** Videos a minute, and over how many seconds that was seen; nothing until a while has passed. */
export function paceOf(samples: readonly Sample[]): { perMinute: number; seconds: number } | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.at - first.at < LEAST_MS) return undefined;
  const seconds = (last.at - first.at) / 1000;
  return { perMinute: ((last.finished - first.finished) / seconds) * 60, seconds };
}
