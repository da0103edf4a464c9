// @ts-check
// What belongs to the log and is not in it: the reply, the endpoint, Particle. Opened from the top
// bar.

import { slots } from '../lib/component.js';
import { effect } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state }) {
  const { title } = slots(root);
  const close = () => (state.drawer.value = false);
  root.addEventListener('keydown', ({ key }) => key === 'Escape' && close());
  // Without an endpoint there is nothing to set, and Start is behind the drawer.
  effect(() => void (state.keys.value === null && close()));
  let wasOpen = false;
  effect(() => {
    const isOpen = state.drawer.value;
    root.hidden = !isOpen;
    if (isOpen && !wasOpen) title.focus();
    wasOpen = isOpen;
  });
  return { close };
}
