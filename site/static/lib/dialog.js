// @ts-check
// Dialogs. `state.dialog` says which is open and what it was given: texts for its slots, and what
// it does when it is confirmed. A dialog whose confirmation can fail stays open and says so.

import { attempt } from './attempt.js';
import { slots } from './component.js';
import { copyFrom } from './copy.js';
import { isDisabled, setDisabled } from './disabled.js';
import { write, writeOrHide } from './dom.js';
import { effect } from './signal.js';

/**
 * What the dialogs do when they are confirmed, by their names.
 * @type {[string, (page: import('../page.js').Page, given: any, done: (words: string) => void) =>
 *   Promise<void>][]}
 */
const ACTIONS = [
  ['clear', ({ endpoint }) => endpoint.clear()],
  ['forget', ({ endpoint }) => endpoint.forget()],
  ['start-over', async ({ state }) => void (state.resetAt.value = Date.now())],
  ['remove-webhook', ({ particle }) => particle.removeWebhook()],
  ['adopt', ({ endpoint }, { owner }) => endpoint.use(owner)],
  ['leave', (page, given, done) => leave(given, page, done)],
];
const CONFIRMED = new Map(ACTIONS);

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state } = page;
  const dialog = /** @type {HTMLDialogElement} */ (root);
  const at = slots(root);
  const name = root.dataset.name ?? '';

  effect(() => {
    const given = state.dialog.value?.name === name ? state.dialog.value : null;
    if (given === null) return dialog.open ? dialog.close() : undefined;
    for (const [slot, text] of Object.entries(given.texts ?? {})) write(at[slot], text);
    for (const slot of given.hides ?? []) at[slot].hidden = true;
    for (const slot of given.shows ?? []) at[slot].hidden = false;
    if (at.problem) at.problem.hidden = true;
    for (const box of root.querySelectorAll('input')) box.checked = false;
    if (!dialog.open) dialog.showModal();
  });
  dialog.addEventListener('close', () => {
    if (state.dialog.peek()?.name === name) state.dialog.value = null;
  });

  return {
    close: () => dialog.close(),
    'copy-link': (button) => copyFrom(button, at.link.textContent),
    async confirm(button) {
      if (isDisabled(button)) return;
      const given = state.dialog.peek();
      const chosen = Object.fromEntries(
        Array.from(root.querySelectorAll('input'), (box) => [box.name, box.checked]),
      );
      setDisabled(button, true);
      const problem = await attempt(async (done) =>
        CONFIRMED.get(name)?.(page, { ...given, ...chosen }, done),
      );
      setDisabled(button, false);
      if (problem === '') dialog.close();
      else writeOrHide(at.problem, problem);
    },
  };
}

/**
 * Signs out after what was chosen, step by step, and no further than the first that fails.
 * @param {{remove?: boolean, forget?: boolean}} chosen
 * @param {{particle: {removeWebhook: () => Promise<void>, signOut: () => Promise<void>}, endpoint:
 *   {forget: () => Promise<void>}}} page
 * @param {(words: string) => void} done
 */
export async function leave({ remove, forget }, { particle, endpoint }, done) {
  if (remove) {
    await particle.removeWebhook();
    done('The webhook is removed.');
  }
  if (forget) {
    await endpoint.forget();
    done('The endpoint is forgotten.');
  }
  await particle.signOut();
}
