// @ts-check
// The page's named places: parts that are shown or hidden, slots that hold words, dialogs.

/** Looking for a name goes through the whole page, and the log may be most of it: each is looked for once. @type {Map<string, HTMLElement>} */
const found = new Map();
/** @param {string} selector */
function once(selector) {
  const known = found.get(selector);
  if (known?.isConnected) return known;
  const node = /** @type {HTMLElement} */ (document.querySelector(selector));
  found.set(selector, node);
  return node;
}

/** @param {string} name */
export const part = (name) => once(`[data-part="${name}"]`);

/** @param {string} name @param {ParentNode} [within] */
export const slot = (name, within) => (within ? /** @type {HTMLElement} */ (within.querySelector(`[data-slot="${name}"]`)) : once(`[data-slot="${name}"]`));

/** @param {string} name */
export const dialog = (name) => /** @type {HTMLDialogElement} */ (part(`${name}-dialog`));

/** The buttons that do one thing: it may be offered in several places. @param {string} name */
export const buttons = (name) => /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(`[data-do="${name}"]`));

/** What a template of the page holds, anew. @param {string} id @returns {HTMLElement} */
export function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
}

/** A button that looks like a word of the text. @param {string} label @param {(button: HTMLButtonElement) => unknown} act */
export function wordButton(label, act) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button-word';
  button.textContent = label;
  button.addEventListener('click', () => void act(button));
  return button;
}

/** Puts words in a place, only if they are others: a live region says again what is written again. @param {HTMLElement} node @param {string} words */
export function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
}
