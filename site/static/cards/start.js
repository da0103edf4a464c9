// @ts-check
// Start: makes an endpoint, and says what went wrong.

import { failure } from '../lib/api-client.js';
import { slots } from '../lib/component.js';
import { write, writeOrHide } from '../lib/dom.js';
import { effect, untracked } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint }) {
  const { start, again, done, problem, 'gone-why': goneWhy } = slots(root);
  effect(() => {
    const isOpen = state.keys.value !== null;
    const gone = state.gone.value;
    const reading = state.reading.value;
    start.hidden = isOpen || gone !== null || reading;
    again.hidden = gone === null || reading;
    done.hidden = !isOpen || reading;
    write(goneWhy, gone ?? '');
    writeOrHide(problem, state.startProblem.value);
  });

  /** @param {boolean} isNew with a new key, and so a new URL */
  async function begin(isNew) {
    state.startProblem.value = '';
    const why = await endpoint.start({ isNew });
    // first.js has made room for the hook URL.
    delete document.documentElement.dataset.pressed;
    if (why?.field === 'creation_code') state.dialog.value = { name: 'creation-code', isNew };
    else if (why) state.startProblem.value = failure(why);
  }
  effect(() => {
    if (state.startRequests.value > 0) untracked(() => void begin(false));
  });

  return { start: () => begin(false), 'start-new': () => begin(true) };
}
