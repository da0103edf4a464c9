// @ts-check
// The decoded data of all events as the rows of a table: a column for each member that was seen.
// Bounded, because strangers send to it too. Pure.

import { members, stringOf } from '../lib/json-text.js';
import { quotable } from '../lib/text.js';

/** @typedef {import('./rounds.js').Round} Round */

const MAX_ROWS = 200;
const MAX_COLUMNS = 24;
/** Longer data is not taken apart, in characters. */
const MAX_DATA = 8_192;
const MAX_CELL = 80;
/** The column of data that is no JSON object. */
const WHOLE = 'data';

/**
 * @param {Round[]} rounds the newest last @param {Map<string, string>} names of devices
 * @returns {{columns: string[], rows: {number: string, at: string, device: string, cells:
 *   string[]}[], leftOut: {rows: number, columns: number}}} the newest first
 */
export function dataRows(rounds, names) {
  const withData = rounds.filter(({ trace }) => dataOf(trace) !== null).reverse();
  /** @type {Set<string>} */
  const seen = new Set();
  const read = withData.slice(0, MAX_ROWS).map(({ seq, at, trace }) => {
    const data = dataOf(trace) ?? '';
    const list = data.length > MAX_DATA ? null : members(data);
    const cells = new Map((list ?? [{ name: WHOLE, value: data }]).map(cellOf));
    for (const name of cells.keys()) seen.add(name);
    const coreid = trace?.event?.coreid ?? trace?.coreid ?? '';
    return {
      number: seq === null ? '' : `#${seq}`,
      at: at ?? '',
      device: cut(names.get(coreid) ?? coreid),
      cells,
    };
  });
  const columns = [...seen].slice(0, MAX_COLUMNS);
  return {
    columns,
    rows: read.map(({ cells, ...row }) => ({
      ...row,
      cells: columns.map((name) => cells.get(name) ?? ''),
    })),
    leftOut: { rows: withData.length - read.length, columns: seen.size - columns.length },
  };
}

/** @param {Round['trace']} trace */
const dataOf = (trace) => trace?.event?.data ?? trace?.data ?? null;

/** @param {{name: string, value: string}} member @returns {[string, string]} */
const cellOf = ({ name, value }) => [cut(name), cut(stringOf(value) ?? value.trim())];

/** @param {string} text */
const cut = (text) => quotable(text.length > MAX_CELL ? `${text.slice(0, MAX_CELL)}…` : text);
