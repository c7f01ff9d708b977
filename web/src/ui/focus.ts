// Keeps the focus of who works by keyboard: where what has it vanishes or is disabled, it goes to what was around it, so
// that Tab goes on from there and not from the top of the page.

/** What is worth being heard when the focus goes to it; nearest first. */
const HOMES = "table, nav, form, fieldset, section, [role='group'], [role='region'], .card, .stack, main";

/** Watches over the focus in `root` until the returned function is called. */
export function keepFocus(root: HTMLElement): () => void {
  let last: HTMLElement | null = null;
  let around: HTMLElement[] = [];

  function remember(event: FocusEvent) {
    if (!(event.target instanceof HTMLElement)) return;
    last = event.target;
    around = [];
    let home = last.parentElement?.closest<HTMLElement>(HOMES);
    while (home && root.contains(home)) {
      around.push(home);
      home = home.parentElement?.closest<HTMLElement>(HOMES);
    }
  }
  // Who clicks beside what had the focus leaves it.
  function forget(event: PointerEvent) {
    if (!(event.target instanceof Node && last?.contains(event.target))) last = null;
  }
  function look() {
    if (!last || (last.isConnected && !last.matches(":disabled"))) return;
    const active = document.activeElement;
    // While a dialog has the focus it is not lost, but will be when the dialog goes.
    if (active !== null && active !== document.body && active !== last) return;
    last = null;
    land(around.find((home) => home.isConnected) ?? root);
  }
  function land(home: HTMLElement) {
    if (!home.hasAttribute("tabindex")) home.tabIndex = -1;
    home.focus({ preventScroll: true });
  }

  const watcher = new MutationObserver(look);
  watcher.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled"] });
  root.addEventListener("focusin", remember);
  root.addEventListener("pointerdown", forget);
  return () => {
    watcher.disconnect();
    root.removeEventListener("focusin", remember);
    root.removeEventListener("pointerdown", forget);
  };
}
