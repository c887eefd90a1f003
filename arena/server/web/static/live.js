// The big screen: says whether it is connected, and draws the running games. Results come through htmx (/live/feed).
(function () {
  "use strict";
  const stage = document.getElementById("stage");
  const status = document.getElementById("status");
  const note = document.getElementById("pictures-note");
  const button = document.getElementById("pictures");
  const wide = matchMedia("(min-width: 64em)");

  function say(kind, text) {
    status.className = "status " + kind;
    status.textContent = text;
  }
  stage.addEventListener("htmx:sseError", () => say("off", "connection lost, trying again"));

  // What is there already isn't put there again, and who was on a link stays on it: else the keyboard would be of no use.
  let focused = null;
  function same(element, html) {
    const there = document.createElement("template");
    there.innerHTML = html;
    const games = (root) => Array.from(root.querySelectorAll("[data-game]"), (one) => one.dataset.game).join();
    if (element.id === "playing" && element.querySelector("[data-game]")) return games(there.content) === games(element);
    return there.innerHTML.trim() === element.innerHTML.trim(); // an event has lost its last line break
  }
  stage.addEventListener("htmx:sseBeforeMessage", (event) => {
    say("on", "live");
    if (same(event.target, event.detail.data)) event.preventDefault();
    const here = document.activeElement;
    focused = event.target.contains(here) ? here.getAttribute("href") : null;
  });
  stage.addEventListener("htmx:sseMessage", (event) => {
    const again = focused && event.target.querySelector('a[href="' + CSS.escape(focused) + '"]');
    if (again) again.focus({ preventScroll: true });
    follow();
  });

  // Moving pictures cost a megabit per second: on the big screen they come by themselves, on a phone when asked for.
  let source = null;
  let asked = false;

  function follow() {
    const wanted = document.querySelector("[data-game]") !== null && !document.hidden && (wide.matches || asked);
    button.hidden = wide.matches || asked || document.querySelector("[data-game]") === null;
    if (wanted && source === null) {
      source = new EventSource("/live/pictures");
      source.addEventListener("pictures", (event) => JSON.parse(event.data).forEach(draw));
      source.addEventListener("error", () => {
        if (source !== null && source.readyState === EventSource.CLOSED) {
          note.textContent = "Too many screens watch the pictures just now; results still arrive.";
          note.hidden = false;
        }
      });
    } else if (!wanted && source !== null) {
      source.close();
      source = null;
    }
  }

  async function draw(game) {
    const figure = document.querySelector('[data-game="' + CSS.escape(game.id) + '"]');
    if (figure === null) return;
    document.getElementById("playing").classList.add("moving");
    figure.querySelector("[data-score]").textContent = game.score.toLocaleString("en");
    if (!game.webp) return;
    const bytes = Uint8Array.from(atob(game.webp), (character) => character.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/webp" }));
    const canvas = figure.querySelector("canvas");
    if (canvas.height !== picture.height) canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
  }

  button.addEventListener("click", () => {
    asked = true;
    follow();
  });
  wide.addEventListener("change", follow);
  document.addEventListener("visibilitychange", follow);
  follow();
})();
