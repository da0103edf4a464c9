// @ts-check
// How a webhook in the account differs from the one that this page makes, in sentences. Pure.
// An answer need not show every field; what it does not show is not said to differ.

import { DEVICE, NOT_OURS } from './webhook.js';

/** @typedef {import('./webhook.js').Settings} Settings */

/** Nobody reads a longer value in a sentence. */
const MAX_TEXT = 120;

/**
 * @param {Settings} wanted @param {Record<string, any>} live as the cloud shows it
 * @returns {string[]} sentences, the ones that explain most first; none if nothing differs
 */
export function differences(wanted, live) {
  const said = [];
  if (live.disabled === true) said.push('It is disabled: no event triggers it.');
  if (typeof live.event === 'string' && live.event !== wanted.event) {
    said.push(
      wanted.event.startsWith(live.event)
        ? `Its event is ${shown(live.event)}, so more events trigger it than those that begin ` +
            `with ${shown(wanted.event)}.`
        : `Its event is ${shown(live.event)}, so ${shown(wanted.event)} does not trigger it.`,
    );
  }
  const device = DEVICE.map((name) => live[name]).find(
    (value) => typeof value === 'string' && value !== '' && value !== 'mine',
  );
  if (device !== undefined) said.push(`Only the device ${shown(device)} triggers it.`);
  for (const [name, value] of Object.entries(wanted)) {
    if (
      name === 'event' ||
      name === 'url' ||
      live[name] === undefined ||
      live[name] === null ||
      same(live[name], value)
    )
      continue;
    said.push(...fieldWords(name, live[name], value));
  }
  for (const name of NOT_OURS) {
    if (!isEmpty(live[name])) said.push(`${name} is ${shown(live[name])}; this page sets none.`);
  }
  return said;
}

/**
 * Field by field where both are objects.
 * @param {string} name
 * @param {any} is
 * @param {any} was
 * @returns {string[]}
 */
function fieldWords(name, is, was) {
  if (!isObject(is) || !isObject(was))
    return [`${name} is ${shown(is)}; this page wrote ${shown(was)}.`];
  const said = [];
  for (const [key, value] of Object.entries(was)) {
    if (!Object.hasOwn(is, key)) said.push(`${name} has no ${shown(key)}.`);
    else if (!same(is[key], value))
      said.push(`${name} › ${key} is ${shown(is[key])}; this page wrote ${shown(value)}.`);
  }
  for (const key of Object.keys(is))
    if (!Object.hasOwn(was, key)) said.push(`${name} has ${shown(key)} besides.`);
  return said;
}

/**
 * Equal whatever the order of the keys, and whether a flag is text or not.
 * @param {unknown} a
 * @param {unknown} b
 * @returns {boolean}
 */
function same(a, b) {
  if (!isObject(a) || !isObject(b)) return String(a) === String(b);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
  );
}

/** @param {unknown} value */
const isEmpty = (value) =>
  value === undefined ||
  value === null ||
  value === false ||
  value === '' ||
  (isObject(value) && Object.keys(value).length === 0);

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** @param {unknown} value */
function shown(value) {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return `“${text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text}”`;
}
