// @ts-check
// A request that claims to come from a device that does not exist: as a line for a terminal, and from this page.

import { copyFrom } from '../lib/copy.js';
import { part, slot, write } from '../lib/dom.js';
import { shellLine } from '../lib/shell-line.js';

/** @param {{shell: () => import('../lib/shell-line.js').Shell, onReason: () => void}} with_ `onReason`: something is about to arrive */
export function mountMadeUpCard({ shell, onReason }) {
  const coreid = /** @type {HTMLInputElement} */ (part('made-up-coreid'));
  /** @type {{endpoint: string, url: string | null} | null} */
  let hook = null;

  // No time of publishing: nothing was published.
  const body = () => JSON.stringify({ event: 'WebhookTutorial01', data: JSON.stringify({ op: 'button', id: 1 }), coreid: coreid.value });
  const draw = () => write(slot('made-up-line'), shellLine(shell(), { method: 'POST', url: hook?.url ?? 'YOUR-HOOK-URL', headers: [['Content-Type', 'application/json']], body: body() }));
  coreid.addEventListener('input', draw);
  draw();

  return {
    /** @type {Record<string, (button: HTMLElement) => unknown>} */
    actions: {
      'copy-made-up': (button) => {
        onReason();
        return copyFrom(button, slot('made-up-line').textContent ?? '');
      },
      'send-made-up': async () => {
        if (!hook) return;
        const said = slot('made-up-said');
        try {
          const answer = await fetch(`/hook/${hook.endpoint}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: body(), credentials: 'omit' });
          write(said, `Answered ${answer.status}: the server took it for what it says it is.`);
        } catch {
          write(said, 'Not sent: the server can’t be reached.');
        }
        onReason();
      },
    },
    draw,
    /** @param {{endpoint: string, url: string | null} | null} next */
    update(next) {
      hook = next;
      draw();
    },
  };
}
