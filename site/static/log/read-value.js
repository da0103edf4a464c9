// @ts-check
// Bytes as what they are: a picture, text in its charset, or a hex view. Pure; loaded when needed.

import { headerParts } from '../lib/header-parts.js';
import { size } from '../lib/text.js';
import { textOf } from './charset.js';
import { imageOf } from './image.js';
import { indentXml } from './indent-xml.js';
import { MAX_PRETTY, hexRow, textRow } from './value-row.js';

/** @typedef {import('./delivery.js').Row} Row */
/**
 * @typedef {{row: Row, text: string | null, label: string, what: string}} Value `text`: null if it
 *   is not text. `label`: of the charset. `what`: a picture is; else empty
 */

/**
 * @param {string} name @param {Uint8Array} bytes @param {string} contentType the header
 * @param {{mostHex?: number, isCut?: boolean}} [options] `mostHex`: bytes that are shown as hex.
 *   `isCut`: the bytes go on, so that a character may be cut at the end
 * @returns {Value}
 */
export function readValue(name, bytes, contentType, { mostHex, isCut = false } = {}) {
  const image = imageOf(bytes);
  if (image) {
    const what = `${image.name} picture`;
    const remark = `${what}, ${image.width} × ${image.height}, ${size(bytes.length)}`;
    const picture = { type: image.type, bytes };
    /** @type {Row} */
    const row = { name, kind: 'image', value: '', picture, bytes: () => bytes, remark };
    return { row, text: null, label: '', what };
  }
  const { text, label, words } = textOf(bytes, contentType, isCut);
  if (text === null) {
    const row = hexRow(name, bytes, bytes.length, mostHex);
    return { row: remarked(row, words), text, label, what: '' };
  }
  const isXml = /[/+]xml$/.test(headerParts(contentType).type);
  const xml = isXml && text.length <= MAX_PRETTY ? indentXml(text, 8 * MAX_PRETTY) : null;
  /** @type {Row} */
  const row =
    xml === null ? textRow(name, text, 'empty') : { name, kind: 'text', value: xml, copy: text };
  return { row: remarked(row, words), text, label, what: '' };
}

/** A row with more to remark. @param {Row} row @param {...string} words @returns {Row} */
export const remarked = (row, ...words) => ({
  ...row,
  remark: [...words, row.remark ?? ''].filter(Boolean).join('; '),
});
