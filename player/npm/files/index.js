// Importing this defines <immersive-player> on the page. On a server there is nothing to define.
import init from "./immersive-player.js";

/** Settles when the element is defined, or with the reason why it cannot be. */
export const ready =
  typeof customElements === "undefined" ? Promise.resolve() : init().then(() => undefined);
