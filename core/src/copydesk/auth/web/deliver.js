"use strict";
const told = document.body.dataset;
const TITLES = { done: "You are logged in", failed: "The login failed" };
function say(now, words) {
  told.now = now;
  if (TITLES[now]) document.getElementById("title").textContent = TITLES[now];
  document.getElementById("words").textContent = words;
}
// In the body of a POST: no address, no history and no log has it.
async function deliver(fields) {
  let answer, words;
  try {
    answer = await fetch(told.post || location.pathname, {
      method: "POST", body: new URLSearchParams(fields), cache: "no-store", mode: "same-origin",
      referrerPolicy: "no-referrer",
    });
    words = await answer.text();
  } catch {
    say("failed", "What waited for this login has gone. Begin it again.");
    return;
  }
  if (answer.redirected && answer.ok) location.replace(answer.url);
  else say(answer.ok ? "done" : "failed", words);
}
