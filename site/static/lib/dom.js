// @ts-check
// Small ways to write into the page.

/** A copy of what a template of the page holds. @param {string} id @returns {HTMLElement} */
export function fromTemplate(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  const first = /** @type {Element} */ (template.content.firstElementChild);
  return /** @type {HTMLElement} */ (first.cloneNode(true));
}

/** A named node of a copy. @param {ParentNode} copy @param {string} name @returns {HTMLElement} */
export const slot = (copy, name) =>
  /** @type {HTMLElement} */ (copy.querySelector(`[data-slot="${name}"]`));

/**
 * Writes a text, only if it is another one: a live region repeats what is written again.
 * @param {HTMLElement} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Writes a text, or hides its node if the text is empty.
 * @param {HTMLElement} node
 * @param {string} text
 */
export function writeOrHide(node, text) {
  write(node, text);
  node.hidden = text === '';
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className !== '') node.className = className;
  node.append(...children);
  return node;
}

/**
 * A button that looks like a word of the text.
 * @param {string} label
 * @param {(button: HTMLElement) => unknown} act
 */
export function wordButton(label, act) {
  const button = element('button', 'button-word', label);
  button.setAttribute('type', 'button');
  button.addEventListener('click', () => void act(button));
  return button;
}

/** Items of a list. @param {string[]} texts */
export const listItems = (texts) => texts.map((text) => element('li', '', text));

/**
 * Makes exactly these the children, moving none that is in its place.
 * @param {Element} parent
 * @param {Element[]} nodes
 */
export function reorder(parent, nodes) {
  const stay = new Set(nodes);
  for (const child of [...parent.children]) if (!stay.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const node of nodes) {
    if (at === node) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
}
