// @ts-check
// What a request of Particle tells about the template that it was filled from, and what became of
// the response by the webhook's settings. Pure; loaded when something comes that is not as the
// tutorial's webhook makes it.

import { byteLength } from '../lib/text.js';
import { partsOfDelivery, succeeded } from './evidence.js';
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
  const { delivery, event, responses, errors } = trace;
  if (!delivery || !event) return [];
  const hook = hookOf(trace, hooks);
  const { status } = delivery.response;
  // What comes of other statuses is not documented.
  if (status >= 400 || (status < 300 && !succeeded(delivery)))
    return errors.length > 0 ? [] : missingHint('error', hook?.errorResponseTopic, trace);
  const parts = partsOfDelivery(delivery);
  if (!parts || parts.length === 0) return [];
  const { body } = delivery.response;
  const back = responses.filter(({ ambiguousWith }) => ambiguousWith.length === 0);
  if (back.some((one) => one.event.data !== parts[one.part ?? 0])) return [otherHint(back, body)];
  return responses.length > 0 ? [] : missingHint('response', hook?.responseTopic, trace);
}

/**
 * Under which name the cloud publishes what was not seen.
 * @param {'response' | 'error'} kind @param {unknown} topic @param {Trace} trace @returns {Hint[]}
 */
function missingHint(kind, topic, trace) {
  if (typeof topic !== 'string' || topic === '') return [];
  const [about, what, field] =
    kind === 'error'
      ? ['field-error-response-topic', 'The hook-error comes', 'errorResponseTopic']
      : ['field-response-topic', 'It comes back', 'responseTopic'];
  const name = filled(topic, trace);
  const words = name === null ? `a name that its ${field} does not tell` : `“${name}”`;
  return [hint(about, `${what} under ${words}, which was not seen here.`)];
}

/** The one webhook that fired, if it is known. @param {Trace} trace @param {Hook[]} hooks */
function hookOf({ name }, hooks) {
  const fired = hooks.filter((hook) => name?.startsWith(hook.event));
  return fired.length === 1 ? fired[0] : null;
}

/** @param {import('./join.js').Linked[]} back @param {string} body */
function otherHint(back, body) {
  const { text } = joined(back);
  const events = back.length === 1 ? 'one event' : `${back.length} events`;
  const count = `${byteLength(text)} bytes in ${events}`;
  if (/^data:[^,]*;base64,/.test(text) && !body.startsWith('data:'))
    return hint(
      'field-data-url-response-event',
      back.length === 1
        ? 'It comes back as a data URL, of which the device gets the bytes (dataUrlResponseEvent).'
        : `It comes back as a data URL (dataUrlResponseEvent) in ${events}. Whether the device ` +
            'gets bytes or the parts of this text is not documented.',
    );
  if (text === body) return hint('field-unchunked', `Not split (unchunked): ${count}.`);
  if (body.startsWith(text))
    return hint(
      'when-the-answer-is-long',
      `Only the beginning comes back: ${count}, of ${byteLength(body)}.`,
    );
  return hint(
    'field-response-template',
    `Not the body comes back, but what the webhook’s responseTemplate makes of it: ${count}.`,
  );
}
