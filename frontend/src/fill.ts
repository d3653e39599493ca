/**
 * The script of a sender's link: the part after # is what the link allows. It goes into the body of a form, never into an
 * address, and is taken out of the address bar and the history at once.
 */
const form = document.querySelector<HTMLFormElement>("#fill");
const voucher = form?.querySelector<HTMLInputElement>("[name=voucher]");
const cut = form?.querySelector<HTMLElement>("#cut");

function send(): void {
  if (!form || !voucher || !cut) return;
  voucher.value = location.hash.slice(1);
  cut.hidden = voucher.value !== "";
  if (!voucher.value) return;
  history.replaceState(null, "", location.pathname);
  form.submit();
}

// A link that is pasted into a tab which shows this page already does not load it anew.
window.addEventListener("hashchange", send);
send();
