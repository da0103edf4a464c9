// @ts-check
// What a sender repeats when it delivers the same thing again: an ID in a header, or a device and
// the id in its data. Pure.

import { perObject } from '../lib/memo.js';
import { headerOf, isMasked } from '../log/request-body.js';
import { originOf } from './origin.js';

/** @typedef {import('../lib/api-client.js').Delivery} Delivery */

/** Headers that name what is delivered and stay the same when it is sent again. */
const ID_HEADERS = new Set([
  'ce-id', // CloudEvents; unique for one ce-source
  'i-twilio-idempotency-token',
  'idempotency-key', // GitLab among others
  'linear-delivery',
  'svix-id',
  'webhook-id', // Standard Webhooks
  'x-amz-sns-message-id',
  'x-atlassian-webhook-identifier',
  'x-gitea-delivery',
  'x-github-delivery',
  'x-gogs-delivery',
  'x-shopify-webhook-id',
]);

/**
 * What identifies the delivered thing: a key for each way, and the name of the way.
 * @type {(delivery: Delivery) => {key: string, by: string}[]}
 */
export const identitiesOf = perObject((delivery) => {
  const { headers } = delivery.request;
  const found = headers
    .filter(([name, value]) => ID_HEADERS.has(name) && value !== '' && !isMasked(value))
    .map(([name, value]) => {
      const of = name === 'ce-id' ? headerOf(delivery.request, 'ce-source') : '';
      return { key: JSON.stringify([name, value, of]), by: name };
    });
  const { coreid, dataId, name, data } = originOf(delivery);
  if (coreid !== null && coreid !== 'api' && dataId !== null)
    found.push({ key: JSON.stringify([coreid, dataId, name, data]), by: 'device and id' });
  return found;
});
