// @ts-check
// What Start has done, step by step, and what is to be done where a step failed. Pure.

import { noneWords } from '../particle/connect-words.js';

/**
 * @typedef {{name: 'url' | 'account' | 'webhook', state: 'open' | 'done' | 'failed', words:
 *   string | null}} Step `words`: null for what the page says before Start
 * @typedef {{
 *   isStarted: boolean,
 *   isSigningIn: boolean,
 *   offers: import('../particle/model.js').Offer[] | null,
 *   connection: {offer: {name: string}, username: string} | null,
 *   hook: import('../particle/hook.js').HookState,
 *   hadWebhook: boolean,
 *   event: string,
 * }} Started `hadWebhook`: one led here when this browser saw it last. `event`: its name
 */

/** @param {Started} world @returns {Step[]} */
export function startSteps({
  isStarted,
  isSigningIn,
  offers,
  connection,
  hook,
  hadWebhook,
  event,
}) {
  if (!isStarted) return NAMES.map((name) => ({ name, state: 'open', words: null }));
  return [
    { name: 'url', state: 'done', words: 'Your hook URL is ready.' },
    { name: 'account', ...accountStep(offers, connection, isSigningIn, hadWebhook) },
    { name: 'webhook', ...webhookStep(hook, event, hadWebhook) },
  ];
}

/** @type {Step['name'][]} */
const NAMES = ['url', 'account', 'webhook'];

/**
 * @param {Started['offers']} offers @param {Started['connection']} connection
 * @param {boolean} isSigningIn @param {boolean} hadWebhook
 * @returns {Omit<Step, 'name'>}
 */
function accountStep(offers, connection, isSigningIn, hadWebhook) {
  if (connection !== null) {
    const { offer, username } = connection;
    const words = `Signed in to ${offer.name}${username === '' ? '' : ` as ${username}`}.`;
    return { state: 'done', words };
  }
  if (isSigningIn) return { state: 'open', words: 'Signing in …' };
  if (offers === null) return { state: 'open', words: 'Which clouds there are is not known yet.' };
  if (offers.length === 0) return { state: 'open', words: noneWords(offers) };
  return {
    state: 'open',
    words: hadWebhook
      ? 'Signed out: a sign-in ends with its tab. Sign in again below.'
      : 'Not signed in. Sign in below to create the webhook.',
  };
}

/**
 * @param {Started['hook']} hook @param {string} event @param {boolean} hadWebhook
 * @returns {Omit<Step, 'name'>}
 */
function webhookStep(hook, event, hadWebhook) {
  if (hook.kind === 'ours') {
    return hook.differs.length === 0
      ? { state: 'done', words: `The webhook “${event}” leads to your hook URL.` }
      : { state: 'failed', words: `The webhook “${event}” was changed. Look at it under` };
  }
  if (hook.kind === 'asking') return { state: 'open', words: 'Making the webhook …' };
  if (hook.kind === 'none') {
    const words = hadWebhook ? `The webhook “${event}” was there last time.` : 'No webhook yet.';
    return { state: 'open', words };
  }
  const why =
    hook.kind === 'failed'
      ? hook.problem.message
      : hook.kind === 'elsewhere'
        ? `A webhook “${event}” is in the account already and leads elsewhere.`
        : `There is no webhook “${event}” in the account.`;
  return { state: 'failed', words: `${why} Decide what to do under` };
}
