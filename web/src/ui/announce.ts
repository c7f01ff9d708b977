// Says something to screen readers that is only seen otherwise.
let place: HTMLElement | undefined;

/** Politely: after what is being read. */
export function announce(words: string) {
  if (!place) {
    place = document.createElement("div");
    place.className = "visually-hidden";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = words;
}
