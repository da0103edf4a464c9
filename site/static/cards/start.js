// @ts-check
// Start: makes an endpoint, and says step by step what came of it. particle/connect.js signs in to
// the simulated cloud after it.

import { failure } from '../lib/api-client.js';
import { slots } from '../lib/component.js';
import { write, writeOrHide } from '../lib/dom.js';
import { effect, untracked } from '../lib/signal.js';
import { startSteps } from './start-steps.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint, particle }) {
  const at = slots(root);
  const { start, again, problem, steps, 'gone-why': goneWhy } = at;
  const before = at.what.textContent ?? '';
  const written = new Map();
  effect(() => {
    const isOpen = state.keys.value !== null;
    const gone = state.gone.value;
    const reading = state.reading.value;
    start.hidden = gone !== null || reading;
    at.go.hidden = isOpen;
    write(at.what, isOpen ? 'Started:' : before);
    again.hidden = gone === null || reading;
    steps.hidden = gone !== null || reading || !state.isTutorial.value;
    write(goneWhy, gone ?? '');
    writeOrHide(problem, state.startProblem.value);
  });

  effect(() => {
    const list = startSteps({
      isStarted: Boolean(state.keys.value?.owner),
      isSigningIn: state.isSigningIn.value,
      offers: particle.offers.value,
      connection: particle.connection.value,
      hook: state.webhook.value,
      hadWebhook: particle.hadWebhook(),
      event: particle.event,
    });
    for (const { name, state: how, words } of list) {
      const place = at[`${name}-words`];
      if (!written.has(name)) written.set(name, place.textContent);
      at[name].dataset.state = how;
      write(place, words ?? written.get(name));
    }
    steps.ariaBusy = String(state.isSigningIn.value || state.webhook.value.kind === 'asking');
    at['webhook-link'].hidden = list[2].state !== 'failed';
  });

  // The button that was pressed is gone; what it does is said in its place.
  let seen = 0;
  effect(() => {
    if (state.starts.value === seen || state.dialog.value !== null) return;
    seen = state.starts.value;
    if (state.isTutorial.peek()) steps.focus();
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
