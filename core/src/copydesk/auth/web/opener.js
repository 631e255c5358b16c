const button = document.getElementById("open");
const hello = `authorizing:${told.provider}`;
const verdict = `authorization:${told.provider}:`;
const opened = [];  // who presses twice may use either window
let heard = false, waiting = false;
window.addEventListener("message", (event) => {
  // Exactly the server of the configuration, and a window that was opened here: any page can send messages.
  if (heard || event.origin !== told.origin || !opened.includes(event.source)) return;
  if (event.data === hello) {
    event.source.postMessage(hello, told.origin);
  } else if (typeof event.data === "string" && event.data.startsWith(verdict)) {
    heard = true;
    button.hidden = true;
    for (const each of opened) each.close();
    say("", "One moment…");
    deliver({ state: told.state, message: event.data });
  }
});
button.addEventListener("click", () => {
  const popup = window.open(told.address, "_blank", "popup,width=960,height=600");
  if (popup) opened.push(popup);
  waiting = waiting || Boolean(popup);
  say("", popup ? "Go on in the window that has opened." : "The browser opened no window. Allow it, and press again.");
});
// Who closes the window can begin again. One that was cut off from here looks closed, too.
setInterval(() => {
  // One that closed itself may have said something that is still on its way, so all are remembered.
  if (!heard && waiting && opened.every((each) => each.closed)) {
    waiting = false;
    say("", "The window is closed, and nobody was let in. You can try again.");
  }
}, 500);
