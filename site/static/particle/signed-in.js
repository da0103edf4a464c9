// @ts-check
// Who is signed in, in the top bar, and signing out, which offers to clean up what was made.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { SILENT_MS } from '../steps/rules.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, particle, world }) {
  const { device } = slots(root);
  effect(() => {
    root.hidden = particle.connection.value === null;
    const [first] = state.devices.value ?? [];
    const words = first ? `${first.name ?? first.id} · ${first.online ? 'online' : 'offline'}` : '';
    write(device, words);
  });
  return {
    leave() {
      const hook = state.webhook.peek().kind === 'ours';
      const endpoint = Boolean(state.keys.peek()?.owner);
      const { deviceEventAt } = world.peek();
      const publishes = deviceEventAt !== null && Date.now() - deviceEventAt <= SILENT_MS;
      const choices = Object.entries({
        'choice-webhook': hook,
        'choice-endpoint': endpoint,
        device: publishes,
      });
      state.dialog.value = {
        name: 'leave',
        texts: { left: hook || endpoint ? GOES_ON : NOTHING_LEFT },
        shows: choices.filter(([, is]) => is).map(([name]) => name),
        hides: choices.filter(([, is]) => !is).map(([name]) => name),
      };
    },
  };
}

const GOES_ON = 'What you created keeps running after you sign out:';
const NOTHING_LEFT =
  'Nothing that this page made goes on without you: no webhook leads here, and the endpoint is ' +
  'forgotten.';
