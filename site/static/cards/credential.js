// @ts-check
// A credential that is wrong for one delivery, and right again: what the server expects is changed,
// never the webhook. The right token is read from the webhook's settings in the account.

import { failure } from '../lib/api-client.js';
import { makeToken } from '../keys/keys.js';
import { tokenIn } from '../particle/webhook.js';

/** @typedef {import('../page.js').Page} Page */

/** @param {Page} page @param {string} token @param {number} refuse @param {string} done */
async function expect({ endpoint }, token, refuse, done) {
  try {
    await endpoint.changeSettings({ expect: { scheme: 'bearer', token, refuse } });
    return done;
  } catch (error) {
    return failure(/** @type {Error} */ (error));
  }
}

/** @param {Page} page @returns {Promise<string>} what came of it */
export const expectWrong = (page) =>
  expect(
    page,
    makeToken(crypto),
    1,
    'The server now expects a different token from the one that the webhook sends, and refuses the ' +
      'next request with 401.',
  );

/** @param {Page} page @returns {Promise<string>} what came of it */
export async function expectRight(page) {
  const hook = page.state.webhook.peek();
  const live = hook.kind === 'ours' ? hook.leading.find(({ id }) => id === hook.id) : null;
  const token = tokenIn(live);
  return token === undefined
    ? 'The webhook in the account has no Authorization header with a token. Remove it and make ' +
        'it again.'
    : expect(page, token, 0, 'The server expects the webhook’s token again.');
}
