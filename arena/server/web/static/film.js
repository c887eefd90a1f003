// Keys for the film wherever the focus is, frame by frame with , and . as video editors have it.
(function () {
  "use strict";
  const FRAME = 1 / 59.92;
  addEventListener("keydown", (event) => {
    const video = document.querySelector("#film video");
    const busy = event.target.closest("input, textarea, select, button, a, video, summary");
    if (video === null || busy !== null || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = { ArrowLeft: -5, ArrowRight: 5, ",": -FRAME, ".": FRAME }[event.key];
    if (move !== undefined) {
      if (Math.abs(move) < 1) video.pause();
      video.currentTime = Math.max(0, video.currentTime + move);
    } else if (event.key === " ") {
      if (video.paused) video.play();
      else video.pause();
    } else {
      return;
    }
    event.preventDefault();
  });
})();
