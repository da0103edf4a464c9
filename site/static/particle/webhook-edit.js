// @ts-check
// The settings of the webhook as JSON that can be edited, and saved in the account. Loaded when
// somebody edits them.

import { slots } from '../lib/component.js';
import { setDisabled } from '../lib/disabled.js';
import { listItems, write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { checkSettings } from './settings-check.js';
import { asTemplate } from './webhook.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, particle }) {
  const { text, verdict, mistakes, save } = slots(root);
  const checked = () => checkSettings(text.value, particle.mine.peek()?.url ?? '');

  function draw() {
    const { settings, mistakes: wrong, notes } = checked();
    mistakes.replaceChildren(...listItems([...wrong, ...notes]));
    write(verdict, wrong.length === 0 ? 'No mistake found.' : 'To be corrected:');
    text.setAttribute('aria-invalid', String(wrong.length > 0));
    setDisabled(save, settings === null);
  }
  text.addEventListener('input', draw);
  effect(() => {
    root.hidden = state.editedWebhook.value === null;
    if (state.editedWebhook.value === null) return;
    text.value = asTemplate(state.editedWebhook.value);
    draw();
    text.focus();
  });

  return {
    async save() {
      const { settings } = checked();
      if (settings === null) return;
      state.editedWebhook.value = null;
      await particle.webhook.save(settings);
    },
    cancel: () => (state.editedWebhook.value = null),
  };
}
