// Where the focus goes when a hit is opened, and when the reader comes back to the results.
import { useEffect, useRef } from "react";
import { HIT_TITLE, hitId } from "./ids";

/** To the title of the opened hit; back to the card that opened it. */
export function useFocusOfHit(video: string | null, at: number) {
  const opened = useRef(video ? { video, at } : null);
  useEffect(() => {
    const before = opened.current;
    if (video === (before?.video ?? null)) return;
    // Steps within the video change the moment; the card is that of the first.
    opened.current = video ? { video, at } : null;
    const target = video ? HIT_TITLE : before ? hitId(before.video, before.at) : "";
    document.getElementById(target)?.focus();
    if (video) window.scrollTo({ top: 0 });
  }, [video, at]);
}
