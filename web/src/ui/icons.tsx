// Our few icons, drawn on 20 by 20. They never stand alone: what they mean is in words beside them or in a label.
import type { SVGProps } from "react";

const PATHS = {
  check: "M4 10.5l4 4 8-9",
  cross: "M5 5l10 10M15 5L5 15",
  warn: "M10 3l8 14H2zM10 8v4M10 14.5v.5",
  dot: "M10 7a3 3 0 100 6 3 3 0 000-6",
  clock: "M10 3a7 7 0 100 14 7 7 0 000-14M10 6v4l3 2",
  copy: "M7 7h9v9H7zM4 13V4h9",
  sync: "M4 9a6 6 0 0110.5-3.5L16 7M16 3v4h-4M16 11a6 6 0 01-10.5 3.5L4 13M4 17v-4h4",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l1 11h7l1-11M8.5 9v5M11.5 9v5",
  down: "M5 8l5 5 5-5",
  up: "M5 12l5-5 5 5",
  right: "M8 5l5 5-5 5",
  left: "M12 5l-5 5 5 5",
  plus: "M10 4v12M4 10h12",
  menu: "M3 5h14M3 10h14M3 15h14",
  play: "M6 4l10 6-10 6z",
  pause: "M7 4v12M13 4v12",
  search: "M9 3a6 6 0 100 12A6 6 0 009 3M13.5 13.5L17 17",
  link: "M8 12l4-4M9 6l2-2a3.5 3.5 0 015 5l-2 2M11 14l-2 2a3.5 3.5 0 01-5-5l2-2",
  download: "M10 3v9M6 9l4 4 4-4M4 16h12",
  bucket: "M3 6c0-1.5 14-1.5 14 0l-2 10c-.5 1.3-9.500 1.300-10 0zM3 6c0 1.500 14 1.500 14 0",
  film: "M3 4h14v12H3zM6.500 4v12M13.500 4v12M3 8h3.500M3 12h3.500M13.500 8H17M13.500 12H17",
  transfer: "M3 7h12M12 4l3 3-3 3M17 13H5M8 10l-3 3 3 3",
  key: "M12.500 3a4.500 4.500 0 11-4 6.500L3 15v2h3v-2h2v-2h1.500L11 11.500",
  hook: "M6 3v8a4 4 0 008 0M14 11l-2.500-2M14 11l2.500-2M6 3h-2M6 3h2",
  gear: "M10 7a3 3 0 100 6 3 3 0 000-6M10 2v3M10 15v3M2 10h3M15 10h3M4.500 4.500l2 2M13.500 13.500l2 2M4.500 15.500l2-2M13.500 6.500l2-2",
  gauge: "M3 14a7 7 0 1114 0M10 14l3.500-5",
  eye: "M2 10c4-7 12-7 16 0-4 7-12 7-16 0M10 7.500a2.500 2.500 0 100 5 2.500 2.500 0 000-5",
  speech: "M3 4h14v9h-7l-4 4v-4H3z",
  letters: "M3 5V3h9v2M7.500 3v12M5.500 15h4M11 10V8.500h6.500V10M14.250 8.500V16M13 16h2.500",
  picture: "M3 4h14v12H3zM3 14l4.500-5 3.500 4 2-2 4 4M13 7.500h.500",
  filter: "M3 4h14l-5.500 6.500V16l-3-1.500v-4z",
  code: "M7 6l-4 4 4 4M13 6l4 4-4 4",
  list: "M7 5h10M7 10h10M7 15h10M3 5h.500M3 10h.500M3 15h.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, ...rest }: { name: IconName } & SVGProps<SVGSVGElement>) {
  return (
    <svg
      className="glyph"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.7"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      {...rest}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
