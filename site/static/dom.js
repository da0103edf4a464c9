// @ts-check
// The page's named places: parts that are shown or hidden, slots that hold words, dialogs.

/** @param {string} name */
export const part = (name) => /** @type {HTMLElement} */ (document.querySelector(`[data-part="${name}"]`));

/** @param {string} name @param {ParentNode} [within] */
export const slot = (name, within = document) => /** @type {HTMLElement} */ (within.querySelector(`[data-slot="${name}"]`));

/** @param {string} name */
export const dialog = (name) => /** @type {HTMLDialogElement} */ (part(`${name}-dialog`));

/** The buttons that do one thing: it may be offered in several places. @param {string} name */
export const buttons = (name) => /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(`[data-do="${name}"]`));

/** Puts words in a place, only if they are others: a live region says again what is written again. @param {HTMLElement} node @param {string} words */
export function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}
