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
    ? [{ path: name, found: text.trim() }]
    : valuesIn(name, text, (value) =>
        typeof value === 'string' && isBase64(value) ? value : null,
      );
  return found.flatMap(({ path, found: value }) => {
    const bytes = bytesOfBase64(value);
    return bytes ? [readValue(`${path}, decoded`, bytes, '').row] : [];
  });
}

/**
 * What is looked for in a JSON text, each with the way to it.
 * @template T
 * @param {string} name of the text @param {string} json
 * @param {(value: unknown) => T | null} match
 */
export function valuesIn(name, json, match) {
  /** @type {{path: string, found: T}[]} */
  const all = [];
  const open = [{ path: name, value: parseJson(json) }];
  for (let count = 0; open.length > 0 && count < MAX_VALUES && all.length < MAX_ROWS; count += 1) {
    const { path, value } = /** @type {{path: string, value: unknown}} */ (open.pop());
    const found = match(value);
    if (found !== null) all.push({ path, found });
    if (found !== null || typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value).reverse())
      if (typeof inner === 'object' || typeof inner === 'string')
        open.push({ path: `${path.slice(-200)}.${key.slice(0, 200)}`, value: inner });
  }
  return all;
}
