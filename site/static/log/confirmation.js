// @ts-check
// A link by which a sender asks to confirm a subscription. Whoever knows the hook URL can send such
// a request, so only links to the sender's own hosts count. Pure.

import { parseJson } from '../lib/json-text.js';
import { headerOf } from './request-body.js';

/**
 * @typedef {import('../lib/api-client.js').Request} Request
 * @typedef {{sender: string, host: RegExp, link: (json: any, request: Request) => unknown}} Asking
 */

/** Larger bodies are no confirmation. */
const MAX_BODY = 16 * 1024;

/** @type {Asking[]} */
const SENDERS = [
  {
    sender: 'Amazon SNS',
    host: /^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/,
    link: (json) => json?.Type === 'SubscriptionConfirmation' && json.SubscribeURL,
  },
  {
    sender: 'Azure Event Grid',
    host: /\.eventgrid\.azure\.net$/,
    link: (json) =>
      json?.[0]?.eventType === 'Microsoft.EventGrid.SubscriptionValidationEvent' &&
      json[0].data?.validationUrl,
  },
  {
    sender: 'Azure Event Grid',
    host: /\.eventgrid\.azure\.net$/,
    link: (_, request) => headerOf(request, 'webhook-request-callback'),
  },
];

/** @param {Request} request @returns {{sender: string, link: string} | null} */
export function confirmationOf(request) {
  const { body, body_encoding } = request;
  const isShort = body_encoding === 'utf-8' && body.length <= MAX_BODY;
  const json = isShort && /SubscribeURL|validationUrl/.test(body) ? parseJson(body) : null;
  for (const { sender, host, link } of SENDERS) {
    const found = link(json, request);
    if (typeof found !== 'string' || !URL.canParse(found)) continue;
    const { protocol, hostname, username, href } = new URL(found);
    if (protocol === 'https:' && username === '' && host.test(hostname))
      return { sender, link: href };
  }
  return null;
}
