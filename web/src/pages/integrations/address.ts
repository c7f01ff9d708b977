// The state of a page that its address holds.
import { useSearchParams } from "react-router";

export type Changes = Record<string, string | null | undefined>;

/** The query of the address, and a way to change some of it; what is empty is left out. */
export function useAddress(): [URLSearchParams, (changes: Changes, options?: { isStep?: boolean }) => void] {
  const [params, setParams] = useSearchParams();
  return [
    params,
    // A step can be gone back; other changes replace what the address said. They begin from the address itself: what was
    // rendered lags behind it.
    (changes, { isStep = false } = {}) =>
      setParams(changed(new URLSearchParams(window.location.search), changes), {
        replace: !isStep,
        preventScrollReset: true,
      }),
  ];
}

export function changed(before: URLSearchParams, changes: Changes): URLSearchParams {
  const after = new URLSearchParams(before);
  for (const [name, value] of Object.entries(changes)) {
    if (value) after.set(name, value);
    else after.delete(name);
  }
  return after;
}

/** A list in one parameter, such as the rows that are open. */
export const listed = (params: URLSearchParams, name: string) => params.get(name)?.split(",").filter(Boolean) ?? [];
