// @ts-check
// One field of a block as DOM: in the log short and still, in an open block whole, with ways to
// take it along. Values are strangers' text: they go in as text nodes, with a sign for each
// character that can't be seen. However much there is of them, what is drawn at once is bounded;
// the rest comes in steps.

import { holdsBase64 } from '../lib/base64.js';
import { base64Of } from '../lib/bytes.js';
import { copyButton } from '../lib/copy.js';
import { element, fromTemplate, slot, wordButton } from '../lib/dom.js';
import { save } from '../lib/save.js';
import { MAX_SIGNS, clip, pieces, size } from '../lib/text.js';
import { fullTime } from '../lib/time.js';

/**
 * @typedef {import('./delivery.js').Row} Row
 * @typedef {import('./delivery.js').Block} Block
 * @typedef {'closed' | 'open'} Size of a block
 */

/**
 * What fits before "more": in a closed block a glance, in an open one what a browser lays out in an
 * instant.
 */
const CLOSED = { characters: 1_200, lines: 40, pairs: 30, rows: 30 };
const OPEN = { characters: 20_000, lines: 500, pairs: 100 };
/** @param {Size} fit */
const maxOf = (fit) => (fit === 'open' ? OPEN : CLOSED);
const FURTHER = { characters: 60_000, lines: 1_500 };
/** Rows or pairs that one press of "more" draws. */
const FURTHER_ROWS = 500;
const MAX_NAME = 1_200;

/**
 * All rows of a block.
 * @param {Pick<Block, 'rows' | 'more'>} block @param {Size} fit
 * @returns {HTMLElement[]}
 */
export function drawRows(block, fit) {
  const { rows, more } = block;
  const draw = (/** @type {Row[]} */ some) => {
    const budget = { signs: MAX_SIGNS };
    return some.map((row) => drawRow(row, fit, budget));
  };
  if (fit === 'closed') {
    const brief = rows.filter(({ openOnly }) => !openOnly);
    const nodes = draw(brief.slice(0, CLOSED.rows));
    const rest = brief.length - nodes.length + (more?.count ?? 0);
    return rest === 0 ? nodes : [...nodes, element('div', 'row-more', `and ${grouped(rest)} more`)];
  }
  const nodes = draw(rows);
  if (!more) return nodes;
  const further = (/** @type {number} */ start, /** @type {number} */ end) =>
    draw(more.rows(rows.length + start, rows.length + end));
  return [...nodes, furtherButton(more.count, further)];
}

/** @param {Row} row @param {Size} fit @param {{signs: number}} budget */
function drawRow(row, fit, budget) {
  const node = fromTemplate('row-template');
  const value = slot(node, 'value');
  node.dataset.row = row.kind === 'pairs' ? row.name : row.kind === 'hex' ? 'bytes' : '';
  slot(node, 'name').append(...drawText(clip(row.name, MAX_NAME, 3).text, budget));
  value.append(...drawValue(row, fit, budget));
  if (fit === 'open') {
    // It may scroll, so it has to be reachable by keyboard.
    value.tabIndex = 0;
    value.setAttribute('aria-label', clip(row.name, MAX_NAME, 1).text);
    node.append(element('dd', 'row-tools', ...tools(row)));
  }
  return node;
}

/** @param {Row} row @param {Size} fit @param {{signs: number}} budget @returns {Node[]} */
function drawValue(row, fit, budget) {
  if (row.kind === 'time') return [document.createTextNode(`${fullTime(row.value)}\n${row.value}`)];
  if (row.kind === 'folded') {
    const head = element('summary', '', row.value);
    // In the log a block is one stop, whatever is in it.
    if (fit === 'closed') head.tabIndex = -1;
    return [element('details', '', head, ...drawPairs(row.pairs ?? [], fit, budget))];
  }
  const isPairs = row.kind === 'pairs';
  const nodes = isPairs
    ? drawPairs(row.pairs ?? [], fit, budget)
    : drawClipped(row.value, fit, budget);
  if (row.picture && fit === 'open') nodes.push(drawPicture(row.picture, row.remark ?? ''));
  if (!row.remark) return nodes;
  const isBare = row.value === '' || row.value.endsWith('\n');
  return [...nodes, element('span', 'row-remark', isBare ? row.remark : ` ${row.remark}`)];
}

/**
 * @param {[string, string][]} pairs
 * @param {Size} fit
 * @param {{signs: number}} budget
 * @returns {Node[]}
 */
function drawPairs(pairs, fit, budget) {
  const most = maxOf(fit).pairs;
  const drawPair = (/** @type {[string, string]} */ [name, value]) => {
    const head = element(
      'span',
      'pair-name',
      ...drawText(clip(name, MAX_NAME, 1).text, budget),
      ': ',
    );
    return element('div', 'row-pair', head, ...drawClipped(value, fit, budget));
  };
  const lines = pairs.slice(0, most).map(drawPair);
  const rest = pairs.length - lines.length;
  if (rest === 0) return lines;
  if (fit === 'closed') return [...lines, element('span', 'row-more', `… ${grouped(rest)} more`)];
  return [
    ...lines,
    furtherButton(rest, (start, end) => pairs.slice(most + start, most + end).map(drawPair)),
  ];
}

/**
 * A button that draws what is left, some at a time.
 * @param {number} count
 * @param {(start: number, end: number) => Node[]} draw
 */
function furtherButton(count, draw) {
  let at = 0;
  const label = () => `and ${grouped(count - at)} more`;
  const button = wordButton(label(), () => {
    const end = Math.min(count, at + FURTHER_ROWS);
    button.before(...draw(at, end));
    at = end;
    button.textContent = label();
    if (at === count) button.remove();
  });
  button.classList.add('row-further');
  return button;
}

/** @param {string} text @param {Size} fit @param {{signs: number}} budget @returns {Node[]} */
function drawClipped(text, fit, budget) {
  const { characters, lines } = maxOf(fit);
  const { text: shown, rest } = clip(text, characters, lines);
  const nodes = drawText(shown, budget);
  if (rest === 0) return nodes;
  if (fit === 'closed')
    return [...nodes, element('span', 'row-more', ` … ${count(rest)} more: open the block`)];
  // Piece by piece: a browser takes seconds to lay out a hundred thousand lines. Copy gives all of
  // it at once.
  let at = shown.length;
  const label = () => `Show more (${count(text.length - at)} left)`;
  const more = wordButton(label(), () => {
    const piece = clip(text.slice(at), FURTHER.characters, FURTHER.lines).text;
    at += piece.length;
    more.before(...drawText(piece, { signs: MAX_SIGNS }));
    more.textContent = label();
    if (at < text.length) return;
    const place = /** @type {HTMLElement} */ (more.closest('[data-slot="value"]'));
    more.remove();
    place.focus();
  });
  more.classList.add('row-further');
  return [...nodes, more];
}

/** @param {string} text @param {{signs: number}} budget @returns {Node[]} */
const drawText = (text, budget) =>
  pieces(text, budget).map((piece) =>
    piece.sign ? element('span', 'unseen-sign', piece.text) : document.createTextNode(piece.text),
  );

/**
 * A picture. Its address is good until the browser has read it.
 * @param {{type: string, bytes: Uint8Array}} picture @param {string} words what it is
 */
function drawPicture({ type, bytes }, words) {
  const image = element('img', 'row-picture');
  const url = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (bytes)], { type }));
  for (const end of ['load', 'error'])
    image.addEventListener(end, () => URL.revokeObjectURL(url), { once: true });
  image.setAttribute('alt', words);
  image.setAttribute('src', url);
  return image;
}

/**
 * Ways to take a value along: the exact text, or the exact bytes of what is not text.
 * @param {Row} row
 */
function tools(row) {
  const { bytes, copy, file = 'body.bin' } = row;
  if (bytes) {
    const hex = () => Array.from(bytes(), (byte) => byte.toString(16).padStart(2, '0')).join('');
    const content = () => /** @type {BlobPart} */ (bytes());
    return [
      ...(copy === undefined ? [] : [copyButton('Copy text', () => copy)]),
      copyButton('Copy base64', () => base64Of(bytes())),
      copyButton('Copy hex', hex),
      wordButton('Download', () => save(file, [content()], 'application/octet-stream')),
    ];
  }
  const pairs = () => row.pairs?.map(([name, value]) => `${name}: ${value}`).join('\n');
  const text = copy ?? row.value;
  if (text === '' && !row.pairs) return [];
  const nodes = [copyButton('Copy', () => copy ?? pairs() ?? row.value)];
  if (row.link !== undefined) nodes.push(openLink(row.link));
  if (row.kind === 'text' && holdsBase64(text)) nodes.push(decodeButton(row.name, text));
  return nodes;
}

/** Shows below a row what its base64 says. @param {string} name @param {string} text */
const decodeButton = (name, text) =>
  wordButton('Decode base64', async (button) => {
    const { base64Rows } = await import('./base64-rows.js');
    const budget = { signs: MAX_SIGNS };
    const rows = base64Rows(name, text).map((row) => drawRow(row, 'open', budget));
    button.closest('.block-row')?.after(...rows);
    button.remove();
  });

/** @param {string} href */
function openLink(href) {
  const link = element('a', '', 'Open link');
  link.setAttribute('href', href);
  link.setAttribute('target', '_blank');
  link.setAttribute('rel', 'noreferrer');
  return link;
}

/** @param {number} characters */
const count = (characters) => (characters < 1024 ? `${characters} characters` : size(characters));

/** @param {number} number */
const grouped = (number) => number.toLocaleString('en-GB');
