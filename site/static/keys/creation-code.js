// @ts-check
// The question for the code that a server may ask for before it makes an endpoint.

import { failure } from '../lib/api-client.js';
import { slots } from '../lib/component.js';
import { isDisabled, setDisabled } from '../lib/disabled.js';
import { writeOrHide } from '../lib/dom.js';
import { effect } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint }) {
  const dialog = /** @type {HTMLDialogElement} */ (root);
  const { form, code, submit, problem } = slots(root);
  effect(() => {
    if (state.dialog.value?.name !== 'creation-code') return;
    problem.hidden = true;
    dialog.showModal();
  });
  dialog.addEventListener('close', () => {
    // The code is kept nowhere.
    code.value = '';
    if (state.dialog.peek()?.name === 'creation-code') state.dialog.value = null;
  });
  form.addEventListener('submit', async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (isDisabled(submit)) return;
    setDisabled(submit, true);
    const isNew = state.dialog.peek()?.isNew;
    const why = await endpoint.start({ isNew, code: code.value.trim() });
    setDisabled(submit, false);
    if (why === null) return dialog.close();
    writeOrHide(problem, failure(why));
    code.focus();
    code.select();
  });
  return { close: () => dialog.close() };
}
