// @ts-check
// A request that claims to come from a device that does not exist: as a line for a terminal, and
// from this page.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { write } from '../lib/dom.js';
import { shellLine } from '../lib/shell-line.js';
import { effect, signal } from '../lib/signal.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, expect, expectRound }) {
  const { coreid, line, answer: answerLine } = slots(root);
  const claimed = signal(coreid.value);
  coreid.addEventListener('input', () => (claimed.value = coreid.value));

  // No time of publishing: nothing was published.
  const body = () => {
    const data = JSON.stringify({ op: 'button', id: 1 });
    return JSON.stringify({ event: 'WebhookTutorial01', data, coreid: claimed.value });
  };
  effect(() => {
    const url = state.info.value?.hook_url ?? 'YOUR-HOOK-URL';
    const headers = /** @type {[string, string][]} */ ([['Content-Type', 'application/json']]);
    write(line, shellLine(state.shell.value, { method: 'POST', url, headers, body: body() }));
  });

  return {
    copy: (button) => (expect(), copyFrom(button, line.textContent)),
    async send() {
      const keys = state.keys.peek();
      if (!keys) return;
      expectRound();
      try {
        const answer = await fetch(`/hook/${keys.endpoint}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: body(),
          credentials: 'omit',
        });
        write(answerLine, `Answered ${answer.status}: the server took it for what it says it is.`);
      } catch {
        write(answerLine, 'Not sent: the server can’t be reached.');
      }
      expect();
    },
  };
}
