// @ts-check
// The log as this page knows it, put together from the pages that the API gave. Pure: a log and a
// page in, a log out. However pages overlap or cross, every delivery is in it once and in its
// order.

import { EMPTY_LOG } from '../state.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {import('../lib/api-client.js').LogPage} LogPage
 * @typedef {{
 *   deliveries: Delivery[],
 *   missing: number[],
 *   unreadable: number[],
 *   firstSeq: number,
 *   lastSeq: number,
 *   upTo: number,
 *   refused: number,
 *   refusedBefore: number,
 *   cursor: string | null,
 *   older: string | null,
 * }} Log `missing`: numbers under which nothing was acknowledged. `unreadable`: numbers whose
 * delivery is there and can't be
 *   read. `upTo`: everything up to this number is accounted for. `cursor`: where to go on. `older`:
 *   where what is older
 *   than the first one here is read, null if there is nothing older. `refused`: webhooks that were
 *   more than the endpoint's share, and `refusedBefore` those of them before this page looked.
 */

/**
 * The log with one more page.
 * @param {Log} log
 * @param {LogPage} page
 * @param {'newest' | 'after' | 'before'} asked what the page was asked as; the newest page starts
 *   the log again
 * @returns {Log}
 */
export function withPage(log, page, asked) {
  const refused = page.refused ?? 0;
  const isNothing =
    page.deliveries.length + page.missing.length + (page.unreadable?.length ?? 0) === 0;
  const isKnown =
    page.cursor === log.cursor &&
    page.first_seq <= log.firstSeq &&
    page.last_seq <= log.lastSeq &&
    refused <= log.refused;
  // Most questions bring nothing: then the log stays the same object, and nothing is derived again.
  if (asked === 'after' && isNothing && isKnown && !page.restarted) return log;
  const base = asked === 'newest' || page.restarted ? EMPTY_LOG : log;
  const unreadable = page.unreadable ?? [];
  // A page of an unbroken run accounts for every number in it; its cursor stands at the highest.
  const numbered = [...page.missing, ...unreadable];
  const highest = numbered.reduce((a, b) => Math.max(a, b), page.deliveries.at(-1)?.seq ?? 0);
  const firstSeq = Math.max(base.firstSeq, page.first_seq);
  const isAhead =
    asked !== 'before' &&
    (base.cursor === null || highest >= base.upTo || page.deliveries.length === 0);
  const isBehind = asked === 'before' || base.cursor === null;
  const all = merged(base.deliveries, page.deliveries);
  const deliveries = lowest(all) < firstSeq ? all.filter(({ seq }) => seq >= firstSeq) : all;
  const numbers = (/** @type {number[]} */ ours, /** @type {number[]} */ theirs) => {
    if (ours.length + theirs.length === 0) return ours;
    const there = new Set(deliveries.map(({ seq }) => seq));
    return [...new Set([...ours, ...theirs])]
      .filter((seq) => seq >= firstSeq && !there.has(seq))
      .sort((a, b) => a - b);
  };
  const older = isBehind ? (page.older ?? null) : base.older;
  return {
    deliveries,
    missing: numbers(base.missing, page.missing),
    unreadable: numbers(base.unreadable, unreadable),
    firstSeq,
    lastSeq: Math.max(base.lastSeq, page.last_seq),
    upTo: Math.max(base.upTo, asked === 'before' ? 0 : highest),
    refused: page.restarted ? refused : Math.max(log.refused, refused),
    refusedBefore: log.cursor === null || page.restarted ? refused : log.refusedBefore,
    cursor: isAhead ? page.cursor : base.cursor,
    // What was older may have been cleared, or gone by age, since.
    older:
      firstSeq > page.last_seq || lowest(deliveries, base.missing, page.missing) <= firstSeq
        ? null
        : older,
  };
}

/**
 * Both, in order, each number once; of two with one number the one we have, so that what is shown
 * stays what it is.
 * @param {Delivery[]} ours
 * @param {Delivery[]} theirs
 */
function merged(ours, theirs) {
  if (theirs.length === 0) return ours;
  if (ours.length === 0) return theirs;
  // The usual pages follow or precede what is here, which may be ten thousand.
  if (theirs[0].seq > ours[ours.length - 1].seq) return [...ours, ...theirs];
  if (theirs[theirs.length - 1].seq < ours[0].seq) return [...theirs, ...ours];
  const bySeq = new Map(theirs.map((delivery) => [delivery.seq, delivery]));
  for (const delivery of ours) bySeq.set(delivery.seq, delivery);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** @param {Delivery[]} deliveries @param {number[][]} lists */
function lowest(deliveries, ...lists) {
  return lists.flat().reduce((a, b) => Math.min(a, b), deliveries[0]?.seq ?? Infinity);
}

/**
 * How much of the log this is, in words for the head line: in short, and what can be left out where
 * there is no room.
 * @param {Log} log @returns {[string, string]}
 */
export function summary(log) {
  const all = log.lastSeq - log.firstSeq + 1 - log.missing.length;
  if (all <= 0)
    return log.lastSeq > 0
      ? ['empty', `; the next is #${log.lastSeq + 1}`]
      : ['no deliveries yet', ''];
  const gaps = log.missing.length === 0 ? 'no gaps' : `${ranges(log.missing)} held none`;
  const counted = `${grouped(all)} ${all === 1 ? 'delivery' : 'deliveries'}`;
  const loaded = log.deliveries.length + log.unreadable.length;
  return [
    counted,
    log.older === null ? `, ${gaps}` : `, newest ${grouped(loaded)} loaded, ${gaps}`,
  ];
}

/** What was refused while this page looked on; empty if nothing was. @param {Log} log */
export function refusedWords({ refused, refusedBefore }) {
  const count = refused - refusedBefore;
  if (count <= 0) return '';
  const counted = count === 1 ? '1 webhook was' : `${grouped(count)} webhooks were`;
  return `${counted} refused: more than this endpoint’s share.`;
}

/**
 * Numbers as a reader would say them: `#7`, `#7–#9`, `#7, #11`.
 * @param {number[]} numbers in order
 */
export function ranges(numbers) {
  return runs(numbers)
    .map(([from, to]) => (from === to ? `#${from}` : `#${from}–#${to}`))
    .join(', ');
}

/** Unbroken runs in a list of numbers in order. @param {number[]} numbers */
export function runs(numbers) {
  /** @type {[number, number][]} */
  const found = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}

/** @param {number} count */
const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ',');
