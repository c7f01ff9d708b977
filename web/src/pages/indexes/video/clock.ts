// Moments as people type them: `1:02.5`, `0:45`, `12.25`; and back.

/** Seconds; nothing where it is no moment. */
export function parseClock(text: string): number | undefined {
  const parts = text.trim().replace(",", ".").split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d+(\.\d*)?$/.test(part))) return undefined;
  // Minutes and seconds of a clock are below sixty; a single number is any number of seconds.
  if (parts.slice(1).some((part) => Number(part) >= 60)) return undefined;
  if (parts.slice(0, -1).some((part) => part.includes("."))) return undefined;
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** Exact to a thousandth, without zeros at the end: what is read back is what was written. */
export function showClock(seconds: number): string {
  const thousandths = Math.round(seconds * 1000);
  const [minutes, rest] = [Math.floor(thousandths / 60_000), thousandths % 60_000];
  const shown = (rest / 1000)
    .toFixed(3)
    .padStart(6, "0")
    .replace(/0{1,3}$/, "")
    .replace(/\.$/, "");
  return minutes < 60
    ? `${minutes}:${shown}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${shown}`;
}
