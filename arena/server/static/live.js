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
  stage.addEventListener("htmx:sseOpen", () => say("on", "live"));
  stage.addEventListener("htmx:sseError", () => say("off", "connection lost, trying again"));
  stage.addEventListener("htmx:sseMessage", (event) => {
    if (event.detail.type === "playing") follow();
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
