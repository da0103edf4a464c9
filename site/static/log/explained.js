// @ts-check
// Where the tutorial explains what the log shows: links to the paragraphs about a block's kind and
// about its hints.

import { element } from '../lib/dom.js';

/** @typedef {import('./delivery.js').Block} Block */

/** The paragraph about each kind of block, by its anchor. */
const KINDS = new Map([
  ['api', '1-event-api'],
  ['device', 'event-device'],
  ['internal', '2-event-internal-hook-sent'],
  ['error', 'when-the-server-says-no'],
  ['received', '3-webhook-received'],
  ['parsed', '4-parsed-data'],
  ['response', '5-webhook-response'],
]);

/** What those paragraphs, and those about hints, are called in a link, by their anchors. */
export const TITLES = new Map([
  ['1-event-api', 'Event (API)'],
  ['event-device', 'Event (Device)'],
  ['2-event-internal-hook-sent', 'hook-sent'],
  ['6-event-internal-hook-response', 'hook-response'],
  ['3-webhook-received', 'Webhook received'],
  ['4-parsed-data', 'Parsed data'],
  ['5-webhook-response', 'Webhook response'],
  ['other-names-other-data', 'Other names, other data'],
  ['once-twice-out-of-order', 'Once, twice, out of order'],
  ['when-the-server-says-no', 'When the server says no'],
  ['when-the-answer-is-long', 'When the answer is long'],
  ['when-the-server-is-slow', 'When the server is slow'],
  ['when-errors-continue', 'When errors continue'],
  ['templates', 'Templates'],
  ['field-json', 'json'],
  ['field-headers', 'headers'],
  ['field-no-defaults', 'noDefaults'],
  ['field-response-topic', 'responseTopic'],
  ['field-error-response-topic', 'errorResponseTopic'],
  ['field-reject-unauthorized', 'rejectUnauthorized'],
  ['field-response-template', 'responseTemplate'],
  ['field-unchunked', 'unchunked'],
  ['field-data-url-response-event', 'dataUrlResponseEvent'],
  ['typed-publish', 'Typed publish'],
  ['hook-url', 'Your hook URL'],
  ['who-may-call', 'Who may call'],
  ['log', 'Log'],
  ['webhook-tutorial', 'The simulated cloud'],
]);

/** @param {Block} block */
export function drawLinks({ kind, short, about = [] }) {
  const isBack = kind === 'internal' && short === 'back';
  const own = isBack ? '6-event-internal-hook-response' : (KINDS.get(kind) ?? 'log');
  const links = [...new Set([own, ...about])].flatMap((anchor) => {
    const link = element('a', '', TITLES.get(anchor) ?? anchor);
    link.setAttribute('href', `/#${anchor}`);
    return [' · ', link];
  });
  return element('p', 'block-explained', 'In the tutorial: ', ...links.slice(1));
}
