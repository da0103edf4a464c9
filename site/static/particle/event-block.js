// @ts-check
// What an event looks like: an Event in, the block that shows it out. Pure; block.js draws it.

import { textRow, typed } from '../log/value-row.js';
import { perObject } from '../lib/memo.js';
import { byteLength, size } from '../lib/text.js';
import { meaningOf } from './event.js';
import { joined } from './response-parts.js';

/**
 * @typedef {import('../log/delivery.js').Block} Block
 * @typedef {import('../log/delivery.js').Row} Row
 * @typedef {import('./event.js').Event} Event
 * @typedef {import('./join.js').Linked} Linked
 */

const SHORT = new Map([
  ['sent', 'sent'],
  ['response', 'back'],
  ['error', 'error'],
]);

/**
 * The kind of an event's block.
 * @param {Event} event @param {import('./event.js').Kind} [kind] what its round takes it for
 * @returns {Block['kind']}
 */
export function kindOf(event, kind = meaningOf(event).kind) {
  if (kind === 'trigger') return event.coreid === 'api' ? 'api' : 'device';
  return kind === 'error' ? 'error' : 'internal';
}

const rowsOf = perObject((/** @type {Event} */ event) => {
  /** @type {Row[]} */
  const rows = [
    { name: 'name', kind: 'text', value: event.name },
    dataRow(event.data),
    { name: 'published_at', kind: 'text', value: event.published_at },
    { name: 'coreid', kind: 'text', value: event.coreid },
  ];
  return rows;
});

/**
 * The note of a block, and the paragraphs of the tutorial that it is about.
 * @param {import('./hints.js').Hint[]} hints
 */
export const noteOf = (hints) => ({
  note: hints.map(({ text }) => text).join(' '),
  about: [...new Set(hints.map(({ about }) => about))],
});

/**
 * @typedef {{kind?: import('./event.js').Kind, seq: number | null, hop: string,
 *   hints: import('./hints.js').Hint[], more?: Row[]}} InRound what its round says about an event
 */

/**
 * @param {Event} event @param {InRound} round @returns {Block}
 */
export function eventBlock(event, { kind = meaningOf(event).kind, seq, hop, hints, more = [] }) {
  return {
    key: event.id,
    kind: kindOf(event, kind),
    direction: kind === 'trigger' ? 'in' : 'internal',
    title:
      kind === 'trigger'
        ? event.coreid === 'api'
          ? 'Event (API)'
          : 'Event (Device)'
        : 'Event (Internal)',
    short: SHORT.get(kind) ?? 'event',
    seq,
    at: event.published_at,
    hop,
    ...typed([
      ...rowsOf(event),
      ...more,
      {
        name: 'heard here',
        kind: 'time',
        value: new Date(event.seen).toISOString(),
        openOnly: true,
      },
    ]),
    ...noteOf(hints),
  };
}

/**
 * The events of one response as one block, with its parts.
 * @param {Linked[]} parts at least one @param {InRound} round @returns {Block}
 */
export function answerBlock(parts, round) {
  const whole = joined(parts);
  const { event } = whole.inOrder[0];
  if (parts.length === 1 && whole.missing.length === 0) return eventBlock(event, round);
  const last = whole.inOrder[whole.inOrder.length - 1];
  const came = [...parts].sort((a, b) => a.event.seen - b.event.seen || a.event.nth - b.event.nth);
  const block = eventBlock(event, round);
  const topic = event.name.slice(0, event.name.lastIndexOf('/'));
  const numbers = parts.length === 1 ? last.part : `${whole.inOrder[0].part} … ${last.part}`;
  const stamps = parts.map((part) => part.event.published_at).sort();
  const rows = /** @type {Row[]} */ ([
    {
      name: 'name',
      kind: 'text',
      value: `${topic}/${numbers}`,
    },
    {
      ...dataRow(whole.text),
      remark:
        whole.missing.length > 0 ? `(part ${whole.missing.slice(0, 8).join(', ')} missing)` : '',
    },
    {
      name: 'parts',
      kind: 'folded',
      value: `${parts.length} parts, heard in the order ${came
        .map(({ part }) => part)
        .slice(0, 24)
        .join(', ')}`,
      pairs: whole.inOrder.map((part) => [
        `${part.part} (${size(byteLength(part.event.data ?? ''))})`,
        part.event.data ?? '',
      ]),
    },
    {
      name: 'published_at',
      kind: 'text',
      value:
        stamps[0] === stamps[stamps.length - 1]
          ? stamps[0]
          : `${stamps[0]} … ${stamps[stamps.length - 1]}`,
    },
    { name: 'coreid', kind: 'text', value: event.coreid },
    {
      name: 'heard here',
      kind: 'time',
      value: new Date(came[came.length - 1].event.seen).toISOString(),
      openOnly: true,
    },
  ]);
  return { ...block, ...typed(rows) };
}

/** @param {string | null} data */
const dataRow = (data) => textRow('data', data ?? '', data === null ? 'none' : 'empty');
