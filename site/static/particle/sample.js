// @ts-check
// The request of the tutorial's webhook, made by the page itself. Pure; loaded when needed.

import { SENT_BY } from './origin.js';
import { render } from './template.js';
import { contextsOf } from './variables.js';

/**
 * The request that the cloud would send for an event, for a page that has no cloud: it says of
 * itself who sent it.
 * @param {import('./webhook.js').Settings} form
 * @param {{name: string, data: string, coreid: string, published_at: string}} event
 * @returns {{headers: Record<string, string>, body: string}}
 */
export function asParticleSends(form, { name, data, coreid, published_at }) {
  const contexts = contextsOf({ name, data, coreid, at: Date.parse(published_at) });
  // Leaf by leaf, so that quotes in the data stay inside their text.
  const body = Object.fromEntries(
    Object.entries(form.json).map(([key, text]) => [
      render(key, contexts),
      render(String(text), contexts),
    ]),
  );
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      [SENT_BY]: 'this page, as Particle would',
    },
    body: JSON.stringify(body),
  };
}
