// @ts-check
// One field of a block as DOM: in the rail short and still, in an open block whole, with ways to take it along.
// Values are strangers' text: they go in as text nodes, with a sign for each character that can't be seen.

import { copyButton } from '../lib/copy.js';
import { copyOf, slot, wordButton } from '../lib/dom.js';
import { save } from '../lib/save.js';
import { clip, pieces, size } from '../lib/text.js';
import { fullTime } from '../lib/time.js';

/**
 * @typedef {import('./delivery.js').Row} Row
 * @typedef {'rail' | 'open'} Room
 */

/** What fits before "more": in the rail a glance, in an open block what a browser lays out in an instant. */
const MAX = { rail: { characters: 1_200, lines: 40, pairs: 80 }, open: { characters: 20_000, lines: 500, pairs: 500 } };
const FURTHER = { characters: 60_000, lines: 1_500 };

/** @param {Row} row @param {Room} room */
export function drawRow(row, room) {
  const node = copyOf('row-template');
  const value = slot('value', node);
  node.dataset.row = row.kind === 'pairs' ? row.name : row.bytes ? 'bytes' : '';
  slot('name', node).append(...drawText(clip(row.name, 200, 3).text));
  value.append(...drawValue(row, room));
  if (room === 'open') {
    // It may scroll, so it has to be reachable by keyboard.
    value.tabIndex = 0;
    value.setAttribute('aria-label', row.name);
    const take = document.createElement('dd');
    take.className = 'row-tools';
    take.append(...tools(row));
    node.append(take);
  }
  return node;
}

/** @param {Row} row @param {Room} room @returns {Node[]} */
function drawValue(row, room) {
  if (row.kind === 'time') return [document.createTextNode(`${fullTime(row.value)}\n${row.value}`)];
  if (row.kind === 'folded') {
    const fold = document.createElement('details');
    const head = document.createElement('summary');
    head.textContent = row.value;
    // In the rail a block is one stop, whatever is in it.
    if (room === 'rail') head.tabIndex = -1;
    fold.append(head, ...drawPairs(row.pairs ?? [], room));
    return [fold];
  }
  const nodes = row.kind === 'pairs' ? drawPairs(row.pairs ?? [], room) : drawClipped(row.value, room);
  if (row.remark) nodes.push(span('row-remark', row.value === '' || row.value.endsWith('\n') ? row.remark : ` ${row.remark}`));
  return nodes;
}

/** @param {[string, string][]} pairs @param {Room} room @returns {Node[]} */
function drawPairs(pairs, room) {
  const most = MAX[room].pairs;
  /** @type {Node[]} */
  const lines = pairs.slice(0, most).map(([name, value]) => {
    const line = document.createElement('div');
    line.className = 'row-pair';
    const head = span('pair-name', '');
    head.append(...drawText(name), ': ');
    line.append(head, ...drawClipped(value, room));
    return line;
  });
  if (pairs.length > most) lines.push(span('row-more', `… ${pairs.length - most} more`));
  return lines;
}

/** @param {string} text @param {Room} room @returns {Node[]} */
function drawClipped(text, room) {
  const { characters, lines } = MAX[room];
  const { text: shown, rest } = clip(text, characters, lines);
  const nodes = drawText(shown);
  if (rest === 0) return nodes;
  if (room === 'rail') return [...nodes, span('row-more', ` … ${count(rest)} more: open the block`)];
  // Piece by piece: a browser takes seconds to lay out a hundred thousand lines. Copy gives all of it at once.
  let at = shown.length;
  const label = () => `Show more (${count(text.length - at)} left)`;
  const more = wordButton(label(), () => {
    const piece = clip(text.slice(at), FURTHER.characters, FURTHER.lines).text;
    at += piece.length;
    more.before(...drawText(piece));
    more.textContent = label();
    if (at < text.length) return;
    const place = /** @type {HTMLElement} */ (more.closest('[data-slot="value"]'));
    more.remove();
    place.focus();
  });
  more.classList.add('row-further');
  return [...nodes, more];
}

/** @param {string} text @returns {Node[]} */
function drawText(text) {
  return pieces(text).map((piece) => (piece.sign ? span('unseen-sign', piece.text) : document.createTextNode(piece.text)));
}

/** Ways to take a value along: the exact text, or the exact bytes of what is not text. @param {Row} row */
function tools(row) {
  const { bytes } = row;
  if (bytes) {
    const hex = () => [...bytes()].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const download = wordButton('Download', () => save('body.bin', /** @type {BlobPart} */ (bytes()), 'application/octet-stream'));
    return [copyButton('Copy base64', () => row.copy ?? ''), copyButton('Copy hex', hex), download];
  }
  const text = row.copy ?? (row.pairs ? row.pairs.map(([name, value]) => `${name}: ${value}`).join('\n') : row.value);
  return text === '' ? [] : [copyButton('Copy', () => text)];
}

/** @param {string} className @param {string} text */
function span(className, text) {
  const node = document.createElement('span');
  node.className = className;
  node.textContent = text;
  return node;
}

/** @param {number} characters */
const count = (characters) => (characters < 1024 ? `${characters} characters` : size(characters));
