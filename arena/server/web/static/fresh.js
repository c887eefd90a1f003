// Pages of what is stored: when something new is, their parts marked with data-fresh are fetched anew. The server may go
// and come back meanwhile.
(function () {
  "use strict";
  const parts = () => Array.from(document.querySelectorAll("[data-fresh]"));
  const kinds = ["result", "void", "agent", "names", "event", "resync"];
  let waiting = 0;
  let missed = false;

  // Not all at once: every screen of the hall hears of it in the same moment.
  function soon() {
    if (!waiting) waiting = setTimeout(load, 200 + 1500 * Math.random());
  }

  // What somebody is filling in stays as it is.
  function inUse(part) {
    const here = document.activeElement;
    if (part.contains(here) && here.matches("input, select, button")) return true;
    return Array.from(part.querySelectorAll("input")).some((input) => input.value !== input.defaultValue);
  }

  function put(part, fresh) {
    if (fresh === null || fresh.innerHTML === part.innerHTML) return;
    if (inUse(part)) {
      missed = true;
      return;
    }
    const here = document.activeElement;
    const link = part.contains(here) ? here.getAttribute("href") : null;
    part.replaceChildren(...fresh.childNodes);
    const again = link && part.querySelector('a[href="' + CSS.escape(link) + '"]');
    if (again) again.focus({ preventScroll: true });
  }

  async function load() {
    waiting = 0;
    missed = document.hidden;
    if (missed) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      parts().forEach((part) => put(part, page.querySelector('[data-fresh="' + part.dataset.fresh + '"]')));
    } catch {
      setTimeout(soon, 2000); // the server is away
    }
  }

  const source = new EventSource("/api/v1/events");
  source.addEventListener("open", soon);
  kinds.forEach((kind) => source.addEventListener(kind, soon));
  document.addEventListener("visibilitychange", () => missed && soon());
  document.addEventListener("focusout", () => missed && soon());
})();
