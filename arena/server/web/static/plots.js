// Score over time and per seed, from the JSON block that the page holds for each game.
(function () {
  "use strict";
  const css = () => getComputedStyle(document.documentElement);
  const colour = (name) => css().getPropertyValue(name).trim();
  const rem = () => parseFloat(css().fontSize);

  function axis(more) {
    const font = 0.75 * rem() + "px system-ui, sans-serif";
    return Object.assign(
      { stroke: colour("--quiet"), font: font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } },
      more
    );
  }

  function when(seconds, step) {
    const at = new Date(seconds * 1000);
    if (step >= 86400) return at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    const second = step < 60 ? "2-digit" : undefined;
    return at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: second });
  }

  function options(element, own, kind) {
    const ink = colour(own.kind === "human" ? "--people" : "--bots");
    const points = { show: true, size: 0.55 * rem(), fill: ink, stroke: ink };
    const score = { size: 3.6 * rem(), values: (plot, values) => values.map((v) => (v === null ? "" : v.toLocaleString("en"))) };
    const base = {
      width: element.clientWidth,
      height: element.clientHeight,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false } },
      scales: { y: { range: (plot, low, high) => [Math.min(0, low), Math.max(1, high * 1.08)] } },
    };
    if (kind === "time") {
      const moment = (plot, moments, index, space, step) => moments.map((at) => when(at, step));
      base.axes = [axis({ size: 1.8 * rem(), values: moment, space: 4 * rem() }), axis(score)];
      base.series = [{}, { stroke: ink, width: 1.5, points: points }];
      if (own.times.length === 1) base.scales.x = { range: (plot, low) => [low - 1800, low + 1800] };
    } else {
      base.scales.x = { time: false, range: () => [-0.6, own.seeds.length - 0.4] };
      const widest = Math.max(4, ...own.seeds.map((seed) => seed.length));
      const named = (plot, places) => places.map((i) => (Number.isInteger(i) && i in own.seeds ? own.seeds[i] : ""));
      base.axes = [axis({ size: 1.8 * rem(), values: named, space: widest * 0.6 * rem(), grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100] }), axis(score)];
      base.series = [
        {},
        { stroke: colour("--reference"), paths: uPlot.paths.bars({ size: [0.7, 40] }), fill: colour("--line"), width: 0, points: { show: false } },
        { paths: () => null, points: points, stroke: ink },
      ];
    }
    return base;
  }

  function draw(element) {
    const own = JSON.parse(document.getElementById(element.dataset.from).textContent);
    const kind = element.dataset.plot;
    if (kind === "seed" && own.seeds.length === 0) {
      element.textContent = "The seeds are hidden while others still play them.";
      element.className = "small";
      return null;
    }
    const data = kind === "time" ? [own.times, own.scores] : [own.seeds.map((_, i) => i), own.field, own.by_seed];
    element.replaceChildren();
    return new uPlot(options(element, own, kind), data, element);
  }

  const elements = Array.from(document.querySelectorAll("[data-plot]"));
  let plots = elements.map(draw);
  function again() {
    plots.forEach((plot) => plot && plot.destroy());
    plots = elements.map(draw);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(again, 150);
  });
})();
