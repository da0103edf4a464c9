// @ts-check
// The signing secrets that the reader asked this browser to keep, for each endpoint and sender.

import { inBrowser } from '../lib/storage.js';

const kept = inBrowser('webhook-tutorial/signature-secrets');

/** Endpoint, sender and secret. @returns {string[][]} */
function all() {
  const list = kept.json();
  return Array.isArray(list) ? list.filter((one) => Array.isArray(one) && one.length === 3) : [];
}

/** @param {string[][]} list */
const keep = (list) => (list.length > 0 ? kept.keepJson(list) : kept.keep(null));

/**
 * @param {string} endpoint @param {string} sender
 * @returns {string | null} null if none is kept
 */
export const secretOf = (endpoint, sender) =>
  all().find((one) => one[0] === endpoint && one[1] === sender)?.[2] ?? null;

/** @param {string} endpoint @param {string} sender @param {string | null} secret null for none */
export function keepSecret(endpoint, sender, secret) {
  const others = all().filter((one) => one[0] !== endpoint || one[1] !== sender);
  keep(secret === null ? others : [...others, [endpoint, sender, secret]]);
}

/** @param {string} endpoint */
export const forgetSecrets = (endpoint) => keep(all().filter((one) => one[0] !== endpoint));
