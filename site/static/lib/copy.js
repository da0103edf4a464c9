// @ts-check
// Copying, and saying on the button whether it worked.

import { wordButton } from './dom.js';

/** How long a button says so. */
const SAID_MS = 2_000;

/**
 * Copies a text and says so on the button.
 * @param {HTMLElement} button @param {string} text
 */
export async function copyFrom(button, text) {
  const copied = await put(text);
  button.dataset.label ??= button.textContent ?? '';
  button.textContent = copied ? 'Copied' : 'Not allowed here: select it';
  setTimeout(() => (button.textContent = button.dataset.label ?? ''), SAID_MS);
  return copied;
}

/** @param {string} label @param {() => string} text */
export const copyButton = (label, text) => wordButton(label, (button) => copyFrom(button, text()));

/** @param {string} text */
async function put(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The page may stand where the browser offers no clipboard, or the reader said no.
    return false;
  }
}
