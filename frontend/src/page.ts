/** The small script of the other pages: the demo's catcher refreshes itself, so that a new code shows up by itself. */
const live = document.querySelector<HTMLElement>("[data-refresh]");

async function refresh(place: HTMLElement): Promise<void> {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const body = await response.text();
  if (body === last) return;
  last = body;
  // A new page only when there is news, and not while somebody reads with the keyboard or has a text selected.
  if (started && !place.contains(document.activeElement) && getSelection()?.isCollapsed !== false) location.reload();
  started = true;
}

let last = "";
let started = false;
if (live) {
  const seconds = Number(live.dataset["refresh"]) || 3;
  setInterval(() => {
    if (document.visibilityState === "visible") refresh(live).catch(() => undefined);
  }, seconds * 1000);
}
