// @ts-check
// The owner keys of a browser as a file, to be taken to another one. Pure; loaded when asked for.

import { parseJson } from '../lib/json-text.js';
import { isOwnerKey } from './keys.js';

/** @typedef {{owner: string, name: string}} Entry `name`: the reader's own; may be empty */

const FORMAT = 'webhook-tutorial/keys';
const MAX_NAME = 60;

/** @param {Entry[]} entries */
export const keyFile = (entries) =>
  `${JSON.stringify({ format: FORMAT, version: 1, keys: entries }, null, 2)}\n`;

/**
 * The entries of such a file; null if the text is not one.
 * @param {string} text
 * @returns {Entry[] | null}
 */
export function readKeyFile(text) {
  const file = parseJson(text);
  if (file?.format !== FORMAT || file.version !== 1 || !Array.isArray(file.keys)) return null;
  return file.keys
    .filter((/** @type {any} */ one) => isOwnerKey(one?.owner))
    .map((/** @type {any} */ one) => ({ owner: one.owner, name: nameOf(one.name) }));
}

/** A name as it is kept: one line, not too long. @param {unknown} name */
export const nameOf = (name) =>
  typeof name === 'string' ? name.replace(/\s+/g, ' ').trim().slice(0, MAX_NAME) : '';
