// Single keys as shortcuts: only while nothing is typed, and only if the reader wants them (WCAG 2.1.4).
import { useEffect, useState } from "react";

const KEPT = "telecine.single-keys";

export function useSingleKeys(): [boolean, (isOn: boolean) => void] {
  const [isOn, setOn] = useState(() => localStorage.getItem(KEPT) !== "off");
  return [
    isOn,
    (next) => {
      localStorage.setItem(KEPT, next ? "on" : "off");
      setOn(next);
    },
  ];
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Does `act[key]` when that key is pressed alone. What lies over the page keeps its keys. */
export function useKeys(isOn: boolean, act: Readonly<Record<string, () => void>>) {
  useEffect(() => {
    if (!isOn) return;
    const onKey = (event: KeyboardEvent) => {
      const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.defaultPrevented;
      const what = act[event.key];
      const isCovered = document.querySelector('[role="dialog"],[role="alertdialog"],[role="listbox"],[role="menu"]');
      if (!what || !isPlain || isTyping(event.target) || isCovered) return;
      event.preventDefault();
      what();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [isOn, act]);
}
