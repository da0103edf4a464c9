// @ts-check
// What a request of Particle tells about the template that it was filled from, and what became of
// the response by the webhook's settings. Pure; loaded when something comes that is not as the
// tutorial's webhook makes it.

import { partsOfDelivery } from './evidence.js';
import { hint } from './hints.js';
import { isParticle, originOf } from './origin.js';
import { joined } from './response-parts.js';
import { fillingOf, templateHints, templatesOf } from './template-rules.js';
import { filled } from './topics.js';

/**
 * @typedef {import('./hints.js').Hint} Hint
 * @typedef {import('./join.js').Trace} Trace
 * @typedef {import('./topics.js').Hook} Hook a webhook that leads here
 */

/**
 * On the request as it was received.
 * @param {Trace} trace @param {Hook[]} hooks @returns {Hint[]}
 */
export function explain(trace, hooks) {
  const { delivery, event } = trace;
  // Whoever sends by hand has no template.
  if (!delivery || (!event && !isParticle(delivery.request))) return [];
  const { body, body_encoding, query, truncated } = delivery.request;
  if (body_encoding !== 'utf-8' || truncated) return [];
  const out = body === '' ? [...new URLSearchParams(query).values()].join('\n') : body;
  const hook = hookOf(trace, hooks);
  const published = event ?? originOf(delivery);
  return templateHints(fillingOf(hook ? templatesOf(hook) : [], published, out));
}

/**
 * On the response: what comes back in its place, and under which name.
 * @param {Trace} trace @param {Hook[]} hooks @returns {Hint[]}
 */
export function explainResponse(trace, hooks) {
  const { delivery, event, responses } = trace;
  const parts = delivery && partsOfDelivery(delivery);
  if (!parts || parts.length === 0 || !event) return [];
  const { body } = delivery.response;
  const back = responses.filter(({ ambiguousWith }) => ambiguousWith.length === 0);
  if (back.some((one) => one.event.data !== parts[one.part ?? 0])) return [otherHint(back, body)];
  const topic = hookOf(trace, hooks)?.responseTopic;
  if (responses.length > 0 || typeof topic !== 'string' || topic === '') return [];
  const name = filled(topic, trace);
  const words = name === null ? 'a name that its responseTopic does not tell' : `“${name}”`;
  return [hint('field-response-topic', `It comes back under ${words}, which was not seen here.`)];
}

/** The one webhook that fired, if it is known. @param {Trace} trace @param {Hook[]} hooks */
function hookOf({ name }, hooks) {
  const fired = hooks.filter((hook) => name?.startsWith(hook.event));
  return fired.length === 1 ? fired[0] : null;
}

/** @param {import('./join.js').Linked[]} back @param {string} body */
function otherHint(back, body) {
  const { text } = joined(back);
  const bytes = (/** @type {string} */ one) => new TextEncoder().encode(one).length;
  const events = back.length === 1 ? 'one event' : `${back.length} events`;
  const count = `${bytes(text)} bytes in ${events}`;
  if (/^data:[^,]*;base64,/.test(text) && !body.startsWith('data:'))
    return hint(
      'field-data-url-response-event',
      'It comes back as a data URL, of which the device gets the bytes (dataUrlResponseEvent).',
    );
  if (text === body) return hint('field-unchunked', `Not split (unchunked): ${count}.`);
  if (body.startsWith(text))
    return hint(
      'when-the-answer-is-long',
      `Only the beginning comes back: ${count}, of ${bytes(body)}.`,
    );
  return hint(
    'field-response-template',
    `Not the body comes back, but what the webhook’s responseTemplate makes of it: ${count}.`,
  );
}
