// @ts-check
// What the base64 in a field says, a row each. Pure; loaded when needed.

import { bytesOfBase64, isBase64 } from '../lib/base64.js';
import { parseJson } from '../lib/json-text.js';
import { readValue } from './read-value.js';

/** Rows that are made, and values of a JSON text that are looked at. */
const MAX_ROWS = 20;
const MAX_VALUES = 100_000;

/**
 * @param {string} name of the field @param {string} text its value: base64, or JSON with strings
 *   that are
 * @returns {import('./delivery.js').Row[]}
 */
export function base64Rows(name, text) {
  const found = isBase64(text.trim())
    ? [{ path: name, value: text.trim() }]
    : stringsIn(name, text);
  return found.flatMap(({ path, value }) => {
    const bytes = bytesOfBase64(value);
    return bytes ? [readValue(`${path}, decoded`, bytes, '').row] : [];
  });
}

/** @param {string} name @param {string} json */
function stringsIn(name, json) {
  /** @type {{path: string, value: string}[]} */
  const found = [];
  const open = [{ path: name, value: parseJson(json) }];
  for (
    let count = 0;
    open.length > 0 && count < MAX_VALUES && found.length < MAX_ROWS;
    count += 1
  ) {
    const { path, value } = /** @type {{path: string, value: unknown}} */ (open.pop());
    if (typeof value === 'string' && isBase64(value)) found.push({ path, value });
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value).reverse())
      if (typeof inner === 'object' || typeof inner === 'string')
        open.push({ path: `${path.slice(-200)}.${key.slice(0, 200)}`, value: inner });
  }
  return found;
}
