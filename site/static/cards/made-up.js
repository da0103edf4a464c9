// @ts-check
// A request that claims to come from a device that does not exist: as a line for a terminal, and
// from this page.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { write } from '../lib/dom.js';
import { effect, signal } from '../lib/signal.js';
import { sendFromPage, sendLine } from './send.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state, expect } = page;
  const { coreid, line, answer } = slots(root);
  const claimed = signal(coreid.value);
  coreid.addEventListener('focus', () => coreid.select());
  coreid.addEventListener('input', () => (claimed.value = coreid.value));

  // Nothing was published, so there is no time of that.
  const body = () => {
    const data = JSON.stringify({ op: 'button', id: 1 });
    return JSON.stringify({ event: 'WebhookTutorial01', data, coreid: claimed.value });
  };
  effect(() => {
    const url = state.info.value?.hook_url ?? 'YOUR-HOOK-URL';
    write(line, sendLine(state.shell.value, url, body()));
  });

  return {
    copy: (button) => (expect(), copyFrom(button, line.textContent)),
    async send() {
      const headers = { 'content-type': 'application/json' };
      write(answer, await sendFromPage(page, { headers, body: body() }));
    },
  };
}
