const button = document.getElementById("open");
const hello = `authorizing:${told.provider}`;
const verdict = `authorization:${told.provider}:`;
let opened = null, heard = false;
window.addEventListener("message", (event) => {
  // Exactly the server of the configuration, and the window that was opened here: any page can send messages.
  if (heard || event.origin !== told.origin || event.source !== opened) return;
  if (event.data === hello) {
    opened.postMessage(hello, told.origin);
  } else if (typeof event.data === "string" && event.data.startsWith(verdict)) {
    heard = true;
    button.hidden = true;
    opened.close();
    say("", "One moment…");
    deliver({ state: told.state, message: event.data });
  }
});
button.addEventListener("click", () => {
  opened = window.open(told.address, "_blank", "popup,width=960,height=600");
  say("", opened ? "Go on in the window that has opened." : "The browser opened no window. Allow it, and press again.");
});
// Who closes the window can begin again. One that was cut off from here looks closed, too.
setInterval(() => {
  if (!heard && opened && opened.closed) {
    opened = null;
    say("", "The window is closed, and nobody was let in. You can try again.");
  }
}, 500);
