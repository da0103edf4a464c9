// @ts-check
// A channel to the other tabs that can be closed and opened again: a page with an open one may not
// be kept for "back".

/**
 * @typedef {{postMessage: (message: any) => void, onmessage: ((event: any) => void) | null}}
 *   Channel what is said is whatever
 *   can be cloned, and may be another version's
 */

/** @param {string} name @returns {Channel & {open: () => void, close: () => void}} */
export function channel(name) {
  /** @type {BroadcastChannel | null} */
  let open = null;
  /** @type {Channel['onmessage']} */
  let onmessage = null;
  return {
    get onmessage() {
      return onmessage;
    },
    set onmessage(act) {
      onmessage = act;
      if (open) open.onmessage = act;
    },
    postMessage: (message) => open?.postMessage(message),
    open() {
      open ??= new BroadcastChannel(name);
      open.onmessage = onmessage;
    },
    close() {
      open?.close();
      open = null;
    },
  };
}
