// @ts-check
// Gives each event to one of those it may belong to, one event a place, and knows when that was a guess. Pure.
//
// Where an event has one candidate left, it belongs there. A set of places that as many events share as there are places is
// taken too, even if nobody knows which event went where. Whoever shows an event names all that it may belong to.

/** @typedef {import('./event.js').Event} Event */
/** @typedef {import('./join.js').Strand} Strand */
/** @typedef {{event: Event, candidates: Strand[], place: string}} Wish `place`: a strand has one place of each name */

/** More candidates than this are not counted against each other; all of them are named. */
const MAX_COUNTED = 24;

/**
 * @param {Wish[]} wishes in the order of their time, candidates in theirs
 * @returns {{event: Event, strand: Strand, among: Strand[]}[]} in the same order; `among` is empty where there is no doubt.
 *   Wishes without candidates are left out
 */
export function allot(wishes) {
  const byPlace = new Map();
  for (const wish of wishes) {
    if (wish.candidates.length === 0) continue;
    const list = byPlace.get(wish.place);
    if (list) list.push(wish);
    else byPlace.set(wish.place, [wish]);
  }
  const given = new Map();
  for (const list of byPlace.values()) allotPlace(list, given);
  return wishes.flatMap((wish) => (given.has(wish) ? [{ event: wish.event, ...given.get(wish) }] : []));
}

/** @param {Wish[]} wishes all for the same place @param {Map<Wish, {strand: Strand, among: Strand[]}>} given */
function allotPlace(wishes, given) {
  /** @type {Set<Strand>} */
  const taken = new Set();
  let open = wishes.map((wish) => ({ wish, free: wish.candidates }));
  for (let changed = true; changed; ) {
    changed = false;
    const still = [];
    for (const one of open) {
      one.free = one.free.filter((strand) => !taken.has(strand));
      if (one.free.length > 1) {
        still.push(one);
        continue;
      }
      changed = true;
      const { candidates } = one.wish;
      if (one.free.length === 1) {
        taken.add(one.free[0]);
        given.set(one.wish, { strand: one.free[0], among: [] });
      } else {
        // One more than there are places: two webhooks fired, or the cloud sent it again.
        given.set(one.wish, { strand: candidates[candidates.length - 1], among: candidates.length > 1 ? candidates : [] });
      }
    }
    open = still;
    if (changed) continue;
    const shared = sharedSet(open);
    if (!shared) break;
    changed = true;
    place(shared, given);
    for (const strand of shared[0].of) taken.add(strand);
    const done = new Set(shared.map(({ one }) => one));
    open = open.filter((one) => !done.has(one));
  }
  place(open.map((one) => ({ one, of: one.free })), given);
}

/**
 * The first set of places for which exactly as many events came.
 * @param {{wish: Wish, free: Strand[]}[]} open
 * @returns {{one: {wish: Wish, free: Strand[]}, of: Strand[]}[] | null}
 */
function sharedSet(open) {
  const tried = new Set();
  for (const { free } of open) {
    if (free.length > MAX_COUNTED || free.length > open.length) continue;
    const key = free.map((strand) => strand.key).join('\n');
    if (tried.has(key)) continue;
    tried.add(key);
    const set = new Set(free);
    const inside = open.filter((one) => one.free.length <= free.length && one.free.every((strand) => set.has(strand)));
    if (inside.length >= free.length) return inside.map((one) => ({ one, of: free }));
  }
  return null;
}

/**
 * Spreads events over the places they share, one event a place for as long as there are places, both in the order of time.
 * A place is open from the first event that may have it to the last. So the latest event chooses first, and takes the place
 * that opened last: that is one for everybody if there is a way at all. Where there are fewer events than places, the latest
 * places get them: what follows from an event mostly follows soon.
 * @param {{one: {wish: Wish, free: Strand[]}, of: Strand[]}[]} shared in the order of time @param {Map<Wish, {strand: Strand, among: Strand[]}>} given
 */
function place(shared, given) {
  /** @type {Map<Strand, number>} */
  const opened = new Map();
  shared.forEach(({ one }, i) => {
    for (const strand of one.free) if (!opened.has(strand)) opened.set(strand, i);
  });
  for (const { one } of [...shared].reverse()) {
    /** @type {Strand | null} */
    let best = null;
    for (const strand of one.free) {
      if (opened.has(strand) && (best === null || (opened.get(strand) ?? 0) >= (opened.get(best) ?? 0))) best = strand;
    }
    if (best) opened.delete(best);
    given.set(one.wish, { strand: best ?? one.free[one.free.length - 1], among: one.free });
  }
}
