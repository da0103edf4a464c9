// @ts-check
// A credential that is wrong for one delivery, and right again: what the server expects is changed,
// never the webhook. The right token is read from the webhook's settings in the account.

import { failure } from '../lib/api-client.js';
import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { makeToken } from '../keys/keys.js';
import { tokenIn } from '../particle/webhook.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint, particle, expectRound }) {
  const at = slots(root);
  const say = (/** @type {string} */ words) => write(at.status, words);
  /** The token that the webhook sends. */
  const right = () => {
    const hook = state.webhook.value;
    return hook.kind === 'ours'
      ? tokenIn(hook.leading.find(({ id }) => id === hook.id))
      : undefined;
  };

  effect(() => {
    const isUnknown = state.webhook.value.kind === 'ours' && right() === undefined;
    if (isUnknown) say(NO_TOKEN);
    else if (at.status.textContent === NO_TOKEN) say('');
  });

  /** @param {string} token @param {number} refuse @param {string} done */
  async function expect(token, refuse, done) {
    try {
      await endpoint.changeSettings({ expect: { scheme: 'bearer', token, refuse } });
      say(done);
    } catch (error) {
      say(failure(/** @type {Error} */ (error)));
    }
  }

  return {
    wrong: () => expect(makeToken(crypto), 1, WRONG),
    async test() {
      expectRound();
      const problem = await particle.publish(particle.event, particle.testData());
      say(problem ?? 'Published. The log says whether the credential was right.');
    },
    right() {
      const token = right();
      return token === undefined ? say(NO_TOKEN) : expect(token, 0, RIGHT);
    },
  };
}

const WRONG =
  'The server expects another token than the one that the webhook sends, and answers the next ' +
  'delivery without it with 401.';
const RIGHT = 'The server expects the token in the webhook’s settings again.';
const NO_TOKEN =
  'The webhook in the account has no Authorization header with a token. Remove it and make it ' +
  'again.';
