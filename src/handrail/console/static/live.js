// A page that goes on by itself: parts of it are replaced as the server sends them. Without this file it is read again.
"use strict";

(() => {
  const page = document.querySelector("[data-live]");
  if (!page || !window.EventSource) return;
  const says = page.querySelector("[data-says]");
  const sign = page.querySelector(".live-sign");
  const skew = Date.now() - Date.parse(page.dataset.now);

  function tell(state, text) {
    sign.dataset.state = state;
    if (says.textContent !== text) says.textContent = text;
  }

  // What a reader has opened, scrolled to or stands on stays so when the part around it is replaced.
  function replace(box, html) {
    const open = [...box.querySelectorAll("details[open][id]")].map((one) => one.id);
    const scrolled = [...box.querySelectorAll(".scroll, pre")].map((one) => [one.scrollLeft, one.scrollTop]);
    const active = document.activeElement;
    const at = active && box.contains(active) ? active.getAttribute("href") || active.id : null;
    box.innerHTML = html;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    box.querySelectorAll(".scroll, pre").forEach((one, place) => {
      if (scrolled[place]) [one.scrollLeft, one.scrollTop] = scrolled[place];
    });
    if (at) [...box.querySelectorAll("a, summary, [id]")].find((one) => (one.getAttribute("href") || one.id) === at)?.focus();
    times(box);
  }

  const words = { begun: "at work", "in-doubt": "in doubt" };

  // Only the states of steps come with every message, not the drawing: "1:done 2:begun".
  function mark(text) {
    const states = new Map(text.split(" ").filter(Boolean).map((one) => one.split(":")));
    for (const one of page.querySelectorAll("[data-n]")) {
      const state = states.get(one.dataset.n) || "pending";
      const kept = [...one.classList].filter((name) => !name.startsWith("s-"));
      const classes = [...kept, `s-${state}`].join(" ");
      if (one.getAttribute("class") === classes) continue;
      one.setAttribute("class", classes);
      const word = one.querySelector(".st");
      if (word) word.textContent = state === "pending" ? "to come" : words[state] || state;
    }
  }

  // Questions carry forms of whoever looks, so they are fetched, never sent to all. Nobody loses what they are typing.
  let asked = page.dataset.asked;
  let waiting = null;
  const box = page.querySelector("[data-asking-box]");
  async function ask(now) {
    if (!box || !page.dataset.asking || now === asked) return;
    const typing = box.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
    if (typing) { waiting = now; return; }
    const answer = await fetch(page.dataset.asking, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    asked = now;
    waiting = null;
    replace(box, await answer.text());
    if (window.htmx) window.htmx.process(box);
  }
  box?.addEventListener("focusout", () => { if (waiting !== null) setTimeout(() => waiting !== null && ask(waiting), 200); });

  function lasted(seconds) {
    if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
    const minutes = Math.round(seconds / 60);
    return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  function times(within = page) {
    const now = Date.now() - skew;
    for (const one of within.querySelectorAll("[data-since]")) {
      one.textContent = `(${lasted((now - Date.parse(one.dataset.since)) / 1000)})`;
    }
    for (const one of within.querySelectorAll("[data-late]")) {
      one.textContent = ` by ${lasted((now - Date.parse(one.dataset.late)) / 1000)}`;
    }
  }

  function take(parts) {
    for (const [name, text] of Object.entries(parts)) {
      if (name === "marks") mark(text);
      else if (name === "asked") ask(text);
      else {
        const part = page.querySelector(`[data-part="${name}"]`);
        if (!part) continue;
        replace(part, text);
        const title = part.querySelector("[data-title]");
        if (title && page.dataset.name) document.title = `${title.dataset.title}: ${page.dataset.name} · Handrail`;
        if (name === "trouble") part.hidden = !text;
      }
    }
  }

  const source = new EventSource(page.dataset.live);
  source.addEventListener("open", () => tell("live", "Live."));
  source.addEventListener("parts", (event) => {
    tell("live", "Live.");
    take(JSON.parse(event.data));
  });
  source.addEventListener("over", () => {
    source.close();
    tell("over", "You are no longer signed in.");
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) tell("over", "This page does not go on by itself any more.");
    else tell("lost", "Not connected; trying again.");
  });
  window.addEventListener("pagehide", () => source.close());
  setInterval(times, 1000);
  times();

  // The drawing begins at what is under way.
  const begun = page.querySelector(".lane-box .s-begun, .lane-box .s-waiting, .lane-box .s-failed");
  const lanes = page.querySelector(".lane-box");
  if (begun && lanes) lanes.scrollLeft = Math.max(0, begun.getBBox().x - lanes.clientWidth / 3);
})();
