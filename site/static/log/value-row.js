// @ts-check
// A value as a row: JSON is indented, bytes are a hex view. Pure.

import { isJson, pretty, stringOf } from '../lib/json-text.js';
import { hexView, size } from '../lib/text.js';

/** @typedef {import('./delivery.js').Row} Row */
/** @typedef {{name: string, value: string, isJson?: boolean, remark?: string}} Field of a body;
 *   `isJson`: the value is a JSON text */

/**
 * Larger values are shown as they came: a reader gains nothing from a hundred thousand indented
 * lines.
 */
export const MAX_PRETTY = 64 * 1024;
/** Longer than this, it is mostly indent. */
const MAX_SHOWN = 8 * MAX_PRETTY;
/** Bytes of a binary body that are shown as hex; all of them can be downloaded. */
const MAX_HEX = 16 * 1024;

/** A JSON text indented, if it is no longer than a reader can use; else null. */
const indented = (/** @type {string} */ json) =>
  json.length <= MAX_PRETTY ? pretty(json, MAX_SHOWN) : null;

/**
 * A text that is shown indented if it is a JSON object or array.
 * @param {string} name
 * @param {string} text
 * @param {string} ifEmpty
 * @returns {Row}
 */
export function textRow(name, text, ifEmpty) {
  if (text === '') return { name, kind: 'text', value: '', remark: ifEmpty };
  const shown = /^\s*[[{]/.test(text) ? indented(text) : null;
  return shown === null
    ? { name, kind: 'text', value: text }
    : { name, kind: 'text', value: shown, copy: text };
}

/** How data with a type is written: a data URL, or a buffer within JSON. */
const TYPED = /data:[\w.+-]{1,60}\/[^,"]{1,200};base64,|"_type"\s*:\s*"buffer"/;

/**
 * Rows, and how to read what has a type in them, if anything has.
 * @param {Row[]} rows
 * @returns {{rows: Row[], read?: () => Promise<import('./delivery.js').Content>}}
 */
export function typed(rows) {
  const isTyped = (/** @type {Row} */ row) => TYPED.test(row.copy ?? row.value);
  if (!rows.some(isTyped)) return { rows };
  const read = async () => ({ rows: (await import('./typed-data.js')).typedRows(rows) });
  return { rows, read };
}

/** @param {Field} field @returns {Row} */
export function fieldRow({ name, value, isJson: isText = false, remark = '' }) {
  const string = isText ? stringOf(value) : value;
  const row =
    string === null
      ? { name, kind: /** @type {const} */ ('text'), value: indented(value) ?? value, copy: value }
      : textRow(name, string, 'empty');
  return remark === '' ? row : { ...row, remark };
}

/** A line that should be JSON. @param {string} name @param {string} line @returns {Row} */
export const lineRow = (name, line) =>
  fieldRow(
    isJson(line) ? { name, value: line, isJson: true } : { name, value: line, remark: 'not JSON' },
  );

/**
 * Bytes that are not text.
 * @param {string} name @param {Uint8Array} bytes @param {number} of how many there were
 * @param {number} [most] that are shown
 * @returns {Row}
 */
export function hexRow(name, bytes, of, most = MAX_HEX) {
  const shown = Math.min(bytes.length, most);
  return {
    name,
    kind: 'hex',
    value: hexView(bytes.subarray(0, shown)),
    bytes: () => bytes,
    remark: `not text; ${shown < of ? `the first ${size(shown)} of ` : ''}${size(of)}`,
  };
}
