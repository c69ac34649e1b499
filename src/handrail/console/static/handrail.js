// What pages can do beyond links and forms. Everything that only reads works without this file.
"use strict";

// Forms that htmx sends carry the token of the page.
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector('meta[name="csrf"]');
  if (token) event.detail.headers["X-CSRF-Token"] = token.content;
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.method === "post") form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// Passwords can be looked at, by whoever types them.
for (const field of document.querySelectorAll('input[type="password"]')) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain show";
  button.textContent = "Show";
  button.setAttribute("aria-pressed", "false");
  button.setAttribute("aria-label", "Show the password");
  button.addEventListener("click", () => {
    const hidden = field.type === "password";
    field.type = hidden ? "text" : "password";
    button.setAttribute("aria-pressed", String(hidden));
  });
  field.after(button);
}

// How strong a new password is: by its length and by how many different characters it has. What is guessed first is
// refused when the form is sent.
for (const field of document.querySelectorAll('input[autocomplete="new-password"]')) {
  const meter = document.createElement("meter");
  meter.max = 24; meter.low = 12; meter.high = 18; meter.optimum = 24; meter.value = 0;
  meter.setAttribute("aria-label", "How strong the password is");
  field.parentElement.append(meter);
  field.addEventListener("input", () => {
    const letters = [...field.value.replace(/\s+/g, " ").trim()];
    meter.value = Math.min(letters.length, 2 * new Set(letters).size);
  });
}
