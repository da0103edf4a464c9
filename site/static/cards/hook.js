// @ts-check
// The learner's hook URL: the address, how long things are kept, and ways to send something to it.

import { copyFrom } from '../lib/copy.js';
import { part, slot, wordButton } from '../lib/dom.js';
import { keysOfOwner } from '../keys/keys.js';
import { likelyShell, quoteFor, shellLine } from '../lib/shell-line.js';
import { span } from '../lib/time.js';

/**
 * @typedef {import('../keys/keys.js').Keys} Keys
 * @typedef {import('../lib/api-client.js').EndpointInfo} EndpointInfo
 * @typedef {import('../lib/shell-line.js').Shell} Shell
 */

/**
 * @param {{
 *   ring: ReturnType<typeof import('../keys/key-ring.js').keyRing>,
 *   sample: () => {headers: Record<string, string>, body: string} | null,
 *   onReason: () => void,
 *   onSwitch: (owner: string) => void,
 * }} with_ `sample`: what the Particle cloud would send. `onReason`: something is about to arrive. `onSwitch`: to another
 *   endpoint that this browser keeps
 */
export function mountHookCard({ ring, sample, onReason, onSwitch }) {
  const shells = /** @type {HTMLSelectElement} */ (part('shell'));
  shells.value = likelyShell(navigator.platform);
  shells.addEventListener('change', draw);
  /** @type {{keys: Keys | null, info: EndpointInfo | null}} */
  let now = { keys: null, info: null };
  /** The other keys whose list is shown, or about to be. */
  let listed = '';

  function draw() {
    const { keys, info } = now;
    slot('hook-url').textContent = info?.hook_url ?? (keys ? 'asking the server …' : '');
    slot('reach').textContent = info ? reach(info.hook_url) : '';
    slot('kept').textContent = info ? kept(info, ring.lasting()) : '';
    slot('shell-line').textContent = info ? line(info.hook_url) : '';
  }

  const shell = () => /** @type {Shell} */ (shells.value);
  const line = (/** @type {string} */ url) => shellLine(shell(), { method: 'POST', url, headers: [['Content-Type', 'application/json']], body: example(1) });

  async function drawOthers() {
    const owners = ring.others();
    const mine = owners.join();
    part('other-endpoints').hidden = owners.length === 0 || !now.keys?.owner;
    // What did not change keeps the focus that is in it.
    if (mine === listed) return;
    listed = mine;
    const others = await Promise.all(owners.map((key) => keysOfOwner(key, crypto)));
    if (mine !== listed) return;
    slot('other-list').replaceChildren(
      ...others.map(({ owner, endpoint }) => {
        const item = document.createElement('li');
        const name = document.createElement('code');
        name.textContent = endpoint;
        item.append(name, ' ', wordButton('Switch to it', () => onSwitch(/** @type {string} */ (owner))));
        return item;
      }),
    );
  }

  return {
    /** @type {Record<string, (button: HTMLElement) => unknown>} */
    actions: {
      'copy-url': (button) => {
        onReason();
        return copyFrom(button, now.info?.hook_url ?? '');
      },
      'copy-line': (button) => {
        onReason();
        return copyFrom(button, slot('shell-line').textContent ?? '');
      },
      'send-one': async () => {
        if (!now.keys) return;
        const words = slot('send-answer');
        try {
          // By this origin's own path: the hook may have a name of its own, which a page may not talk to.
          const answer = await fetch(`/hook/${now.keys.endpoint}`, {
            method: 'POST',
            ...(sample() ?? { headers: { 'content-type': 'application/json' }, body: example(Math.floor(Date.now() / 1000)) }),
            credentials: 'omit',
          });
          words.textContent = `Answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`;
        } catch {
          words.textContent = 'Not sent: the server can’t be reached.';
        }
        onReason();
      },
    },
    /** Quotes a text for the shell that is chosen. @param {string} text */
    quote: (text) => quoteFor(shell())(text),
    shell,
    /** @param {Keys | null} keys @param {EndpointInfo | null} info */
    update(keys, info) {
      now = { keys, info };
      draw();
      void drawOthers();
    },
  };
}

const example = (/** @type {number} */ id) => JSON.stringify({ event: 'WebhookTutorial01', data: JSON.stringify({ op: 'hello', id }) });

/** @param {string} url */
function reach(url) {
  const { hostname } = new URL(url);
  const here = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return here ? 'this computer only' : 'anywhere';
}

/** @param {EndpointInfo} info @param {boolean} lasting whether the browser keeps the key */
function kept({ limits, expires_at }, lasting) {
  const day = new Date(expires_at).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  const where = lasting ? '' : ' This browser keeps nothing: your key is gone when the page closes.';
  return `Deliveries for ${span(limits.delivery_ttl_s * 1000)}, the newest ${limits.max_deliveries.toLocaleString('en-GB')}; the URL until ${day}, and longer with each delivery.${where}`;
}
