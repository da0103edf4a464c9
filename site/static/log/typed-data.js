// @ts-check
// Data with a type, as the cloud writes it for webhooks and streams: bytes as a data URL, and
// within JSON as a buffer. Pure; loaded when needed.
// https://docs.particle.io/reference/device-os/typed-publish/

import { fromBase64 } from '../lib/bytes.js';
import { quotable, size } from '../lib/text.js';
import { valuesIn } from './base64-rows.js';
import { readValue } from './read-value.js';
import { hexRow } from './value-row.js';

/** @typedef {import('./delivery.js').Row} Row */
/** @typedef {{bytes: Uint8Array, type: string, words: string}} Typed */

const DATA_URL = /^data:([\w.+-]{1,60}\/[\w.+-]{1,60})((?:;[\w.+-]{1,60}=[\w.+-]{1,60})*);base64,/;

/**
 * Rows with what is in them as what it is: in place of a value that is nothing else, else after it.
 * @param {Row[]} rows @returns {Row[]}
 */
export const typedRows = (rows) =>
  rows.flatMap((row) => {
    if (row.kind !== 'text') return [row];
    const text = row.copy ?? row.value;
    const whole = ofDataUrl(text.trim());
    if (whole) return [{ ...rowOf(row.name, whole), copy: text }];
    const found = valuesIn(row.name, text, typedIn);
    const inner = found.map(({ path, found: one }) => rowOf(path, one));
    return found.length === 1 && found[0].path === row.name
      ? [{ ...inner[0], copy: text }]
      : [row, ...inner];
  });

/** @param {string} name @param {Typed} typed @returns {Row} */
function rowOf(name, { bytes, type, words }) {
  const { row, what } = readValue(name, bytes, type);
  // What is not said to be text is bytes, whatever they look like.
  const isShown = what !== '' || /^text\/|[/+](?:json|xml)$/.test(type.split(';')[0]);
  const shown = isShown ? row : hexRow(name, bytes, bytes.length);
  const file = `${what === '' ? 'data' : 'picture'}.${/^image\/(\w+)/.exec(type)?.[1] ?? 'bin'}`;
  const remark = what === '' ? `${words}, ${size(bytes.length)}` : `${row.remark}; ${words}`;
  return { ...shown, bytes: () => bytes, file, remark };
}

/** @param {unknown} value @returns {Typed | null} */
function typedIn(value) {
  if (typeof value === 'string') return ofDataUrl(value);
  const { _type, _data } = /** @type {{_type?: unknown, _data?: unknown}} */ (value ?? {});
  const bytes = _type === 'buffer' && typeof _data === 'string' ? fromBase64(_data) : null;
  return bytes && { bytes, type: '', words: 'buffer' };
}

/** @param {string} text @returns {Typed | null} */
function ofDataUrl(text) {
  const head = DATA_URL.exec(text);
  const bytes = head && fromBase64(text.slice(head[0].length));
  return (
    bytes && { bytes, type: `${head[1]}${head[2]}`, words: `data URL of ${quotable(head[1])}` }
  );
}
