// @ts-check
// The hook URL in the top bar of the log page, and the button of its drawer.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { write, writeOrHide } from '../lib/dom.js';
import { effect } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint, expect }) {
  const { name, url, settings } = slots(root);
  let wasOpen = false;
  effect(() => {
    root.hidden = state.keys.value === null || state.file.value !== null;
    write(url, state.info.value?.hook_url ?? '');
    writeOrHide(name, endpoint.nameOf(state.keys.value?.endpoint ?? ''));
  });
  effect(() => {
    const isOpen = state.drawer.value;
    settings.setAttribute('aria-expanded', String(isOpen));
    if (wasOpen && !isOpen) settings.focus();
    wasOpen = isOpen;
  });
  return {
    copy: (button) => (expect(), copyFrom(button, state.info.peek()?.hook_url ?? '')),
    settings: () => (state.drawer.value = !state.drawer.peek()),
  };
}
