// Signed links to pictures and streams: asked for on the page's own origin, and kept while they work, so that a list that is
// read anew does not load all of its pictures again.

/** Kept until so long before they end. */
const MARGIN_S = 600;
const KEPT = 2000;
const kept = new Map<string, { url: string; expires: number }>();

/** A signed link of the API, as the page may load it. The same one as before while that works for ten minutes more. */
export function lasting(link: string, now = Date.now() / 1000): string {
  const url = new URL(link, location.origin);
  // The server may be told another address by its proxy; the policy of the page allows its own origin only.
  const path = url.pathname + url.search;
  const { name, expires } = parts(url);
  const known = kept.get(name);
  if (known && known.expires - now > MARGIN_S) return known.url;
  if (kept.size >= KEPT) kept.clear();
  kept.set(name, { url: path, expires });
  return path;
}

/** For a link that was refused: the next one is taken. */
export function forgetLink(link: string) {
  kept.delete(parts(new URL(link, location.origin)).name);
}

/** What a link leads to, and when it ends (seconds since 1970; zero if it does not tell). */
function parts(url: URL): { name: string; expires: number } {
  const stream = /^(.*\/streams\/[^/]+)\/(\d+)-[^/]+\/(.*)$/.exec(url.pathname);
  if (stream) return { name: `${stream[1]}/${stream[3]}`, expires: Number(stream[2]) };
  return { name: url.pathname, expires: Number(url.searchParams.get("expires") ?? 0) };
}
