// @ts-check
// A JSON value a line (application/x-ndjson, application/jsonl), or each after a record separator
// (application/json-seq, RFC 7464). Pure; loaded when needed.

import { lineRow } from './value-row.js';

/** @param {string} type */
export const isJsonLines = (type) =>
  /^application\/(?:x-)?(?:nd-?json|jsonl|json-?lines)$/.test(type) || isSequence(type);
/** @param {string} type */
const isSequence = (type) => /[/+]json-seq$/.test(type);

/**
 * The values from one place to another, each a row named by its number, and how many there are.
 * @param {string} text @param {string} type @param {number} from @param {number} to
 * @returns {import('./parsed.js').Parsed}
 */
export function parseLines(text, type, from, to) {
  const separator = isSequence(type) ? '\u001e' : '\n';
  const rows = [];
  let count = 0;
  for (let at = 0; at < text.length;) {
    const next = text.indexOf(separator, at);
    const end = next < 0 ? text.length : next;
    // A line of nothing but space is no value, and most lines are not cut out.
    while (at < end && text.charCodeAt(at) <= 32) at += 1;
    if (at < end) {
      if (count >= from && count < to)
        rows.push(lineRow(`${count + 1}`, text.slice(at, end).trim()));
      count += 1;
    }
    at = end + 1;
  }
  return { rows, count, note: `${count} ${count === 1 ? 'value' : 'values'}, one a row.` };
}
