// @ts-check
// The tutorial's webhook: what is sent to the cloud to make it, how it is shown, and what else in
// the account is like it. Pure. Its form is infra/particle/webhook.json, the one file that the
// page, the simulated cloud and the tests read.

import { byteLength } from '../lib/text.js';

/** @typedef {import('./cloud.js').Integration} Integration */
/** @typedef {Record<string, any> & {event: string, url: string}} Settings */

/** What fires, or is sent, otherwise if it is set at all, where the page sets none. */
export const NOT_OURS = [
  'form',
  'body',
  'query',
  'auth',
  'responseTemplate',
  'unchunked',
  'dataUrlResponseEvent',
];
/** The device that alone may trigger it, as the API, the documentation and a client spell it. */
export const DEVICE = ['deviceID', 'deviceid', 'deviceId'];
/**
 * Whether the cloud shows exactly the settings that were wanted, and nothing that changes them.
 * @param {Settings} wanted @param {Record<string, any>} live
 */
export const isExact = (wanted, live) =>
  Object.entries(wanted).every(
    ([name, value]) => JSON.stringify(live[name]) === JSON.stringify(value),
  ) && ![...NOT_OURS, ...DEVICE, 'disabled'].some((name) => live[name]);

/**
 * The body that makes it, or replaces it: all of the form, with the address filled in, and with the
 * token that the server is to expect, if there is one.
 * @param {Settings} form
 * @param {string} url
 * @param {string} [token]
 * @returns {Settings}
 */
export function settingsFor(form, url, token) {
  /** @type {Settings} */
  const settings = { ...structuredClone(form), url };
  if (token !== undefined) settings.headers.Authorization = `Bearer ${token}`;
  return settings;
}

/**
 * The token in the settings of a webhook; undefined if there is none.
 * @param {Record<string, any> | null | undefined} live
 * @returns {string | undefined}
 */
export const tokenIn = (live) => /^Bearer (\S+)$/.exec(live?.headers?.Authorization ?? '')?.[1];

/** As the console's custom template takes it. @param {Settings} settings */
export const asTemplate = (settings) => JSON.stringify(settings, null, 2);

/**
 * What an account holds, as far as it concerns this webhook.
 * @param {Integration[]} list @param {string} event @param {string} url this learner's
 * @param {string | null} [known] the ID of the one that this page made; it is this learner's under
 *   another event's name too
 * @returns {{ours: Integration | null, other: Integration | null, overlapping: Integration[]}}
 *   `ours`: leads here already.
 *   `other`: has the name and leads elsewhere. `overlapping`: further ones that fire for some of
 *   the same events
 */
export function found(list, event, url, known = null) {
  const named = list.filter((one) => one.event === event && isWebhook(one));
  const newest = [...named].sort((a, b) => (String(a.created_at) < String(b.created_at) ? 1 : -1));
  const ours =
    newest.find((one) => one.url === url) ??
    list.find((one) => one.id === known && one.url === url) ??
    null;
  const other = ours ? null : (newest[0] ?? null);
  const overlapping = list.filter(
    (one) =>
      one !== ours &&
      one !== other &&
      one.disabled !== true &&
      (one.event.startsWith(event) || event.startsWith(one.event)),
  );
  return { ours, other, overlapping };
}

/**
 * The webhooks that lead to a URL, or to a path or query below it.
 * @param {Integration[]} list @param {string} url
 */
export const leadingTo = (list, url) =>
  list.filter(
    (one) =>
      isWebhook(one) &&
      String(one.url).startsWith(url) &&
      /^[/?#]|^$/.test(one.url.slice(url.length)),
  );

/** Older answers do not say what kind of integration it is. @param {Integration} one */
const isWebhook = (one) => one.integration_type === undefined || one.integration_type === 'Webhook';

/** The data of a test press. @param {number} id */
export const testData = (id) => JSON.stringify({ op: 'test', id });

/**
 * Whether an event is a press of the test button: of the webhook's own name, with data as
 * `testData` makes it.
 * @param {string} event of the webhook
 * @param {string | null} name
 * @param {string | null} data
 */
export const isTest = (event, name, data) =>
  name === event && /^\{"op":"test","id":\d+\}$/.test(data ?? '');

/**
 * A fresh integer, as the firmware makes them: 1 to 2^31 - 1.
 * @param {Pick<Crypto, 'getRandomValues'>} crypto
 */
export const freshId = (crypto) => crypto.getRandomValues(new Uint32Array(1))[0] & 0x7fffffff || 1;

/**
 * What is wrong with a name or data to publish; null if nothing.
 * @param {string} name
 * @param {string} data
 */
export function unfit(name, data) {
  if (name === '') return 'An event needs a name.';
  if (!/^[\x20-\x7e]*$/.test(name))
    return 'Only letters, digits and signs of ASCII make up a name.';
  if (name.length > 64) return 'A name has at most 64 characters.';
  if (/^(?:spark|particle)/i.test(name))
    return 'Names that begin with “particle” or “spark” are the cloud’s own.';
  if (byteLength(data) > 1024)
    return (
      'More than 1024 bytes of data: a device could not publish that on most versions of ' +
      'Device OS.'
    );
  return null;
}

/**
 * The line that publishes the same from a terminal, quoted.
 * @param {string} name
 * @param {string} data
 * @param {(text: string) => string} quote
 */
export const publishLine = (name, data, quote) =>
  `particle publish ${quote(name)}${data === '' ? '' : ` ${quote(data)}`}`;

/** Where the console shows an integration. @param {string} console_ @param {string} id */
export const consoleUrl = (console_, id) =>
  `${console_}/integrations/webhooks/${encodeURIComponent(id)}`;
