/** The script of the demo's catcher: the page loads itself again when there is news, so that a code shows up by itself. */
const live = document.querySelector<HTMLElement>("[data-refresh]");

async function refresh(place: HTMLElement): Promise<void> {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const state = /data-state="([^"]*)"/.exec(await response.text())?.[1];
  if (state === undefined || state === place.dataset["state"]) return;
  // Not while somebody reads with the keyboard or has a text selected.
  if (!place.contains(document.activeElement) && getSelection()?.isCollapsed !== false) location.reload();
}

if (live) {
  // A link in a mail opens beside the catcher: the code for it will arrive here.
  for (const link of live.querySelectorAll<HTMLAnchorElement>(".zegel-mail a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  const seconds = Number(live.dataset["refresh"]) || 3;
  setInterval(() => {
    if (document.visibilityState === "visible") refresh(live).catch(() => undefined);
  }, seconds * 1000);
}
