// @ts-check
// Gives each event to one of those it may belong to, one event a place, and knows when that was a
// guess. Pure.
//
// Where an event has one candidate left, it belongs there. A set of places that as many events
// share as there are places is taken too, even if nobody knows which event went where. Whoever
// shows an event names all that it may belong to.

/** @typedef {import('./join.js').Trace} Trace */
/** @template [T=any] @typedef {{event: T, traces: Trace[], place: string}} Candidate
 *   `traces`: those that an event, or a delivery, may belong to. `place`: a trace has one place of
 *   each name */

/** More candidates than this are not counted against each other; all of them are named. */
const MAX_COUNTED = 24;

/**
 * @template T
 * @param {Candidate<T>[]} candidates in the order of their time, their traces too
 * @returns {{event: T, trace: Trace, ambiguousWith: Trace[]}[]} in the same order;
 *   `ambiguousWith` is empty where there is no doubt.
 *   Those without a trace are left out
 */
export function assign(candidates) {
  const byPlace = new Map();
  for (const candidate of candidates) {
    if (candidate.traces.length === 0) continue;
    const list = byPlace.get(candidate.place);
    if (list) list.push(candidate);
    else byPlace.set(candidate.place, [candidate]);
  }
  const given = new Map();
  for (const list of byPlace.values()) assignPlace(list, given);
  return candidates.flatMap((candidate) =>
    given.has(candidate) ? [{ event: candidate.event, ...given.get(candidate) }] : [],
  );
}

/**
 * @param {Candidate[]} candidates all for the same place
 * @param {Map<Candidate, {trace: Trace, ambiguousWith: Trace[]}>} given
 */
function assignPlace(candidates, given) {
  /** @type {Set<Trace>} */
  const taken = new Set();
  let open = candidates.map((candidate) => ({ candidate, free: candidate.traces }));
  for (let changed = true; changed;) {
    changed = false;
    const still = [];
    for (const one of open) {
      one.free = one.free.filter((trace) => !taken.has(trace));
      if (one.free.length > 1) {
        still.push(one);
        continue;
      }
      changed = true;
      const { traces } = one.candidate;
      if (one.free.length === 1) {
        taken.add(one.free[0]);
        given.set(one.candidate, { trace: one.free[0], ambiguousWith: [] });
      } else {
        // One more than there are places: two webhooks fired, or the cloud sent it again.
        given.set(one.candidate, {
          trace: traces[traces.length - 1],
          ambiguousWith: traces.length > 1 ? traces : [],
        });
      }
    }
    open = still;
    if (changed) continue;
    const shared = sharedSet(open);
    if (!shared) break;
    changed = true;
    place(shared, given);
    for (const trace of shared[0].of) taken.add(trace);
    const done = new Set(shared.map(({ one }) => one));
    open = open.filter((one) => !done.has(one));
  }
  place(
    open.map((one) => ({ one, of: one.free })),
    given,
  );
}

/**
 * The first set of places for which exactly as many events came.
 * @param {{candidate: Candidate, free: Trace[]}[]} open
 * @returns {{one: {candidate: Candidate, free: Trace[]}, of: Trace[]}[] | null}
 */
function sharedSet(open) {
  const tried = new Set();
  for (const { free } of open) {
    if (free.length > MAX_COUNTED || free.length > open.length) continue;
    const key = free.map((trace) => trace.key).join('\n');
    if (tried.has(key)) continue;
    tried.add(key);
    const set = new Set(free);
    const inside = open.filter(
      (one) => one.free.length <= free.length && one.free.every((trace) => set.has(trace)),
    );
    if (inside.length >= free.length) return inside.map((one) => ({ one, of: free }));
  }
  return null;
}

/**
 * Spreads events over the places they share, one event a place for as long as there are places,
 * both in the order of time.
 * A place is open from the first event that may have it to the last. So the latest event chooses
 * first, and takes the place
 * that opened last: that is one for everybody if there is a way at all. Where there are fewer
 * events than places, the latest
 * places get them: what follows from an event mostly follows soon.
 * @param {{one: {candidate: Candidate, free: Trace[]}, of: Trace[]}[]} shared in the order of time
 *   @param {Map<Candidate, {trace: Trace, ambiguousWith: Trace[]}>} given
 */
function place(shared, given) {
  /** @type {Map<Trace, number>} */
  const opened = new Map();
  shared.forEach(({ one }, i) => {
    for (const trace of one.free) if (!opened.has(trace)) opened.set(trace, i);
  });
  for (const { one } of [...shared].reverse()) {
    /** @type {Trace | null} */
    let best = null;
    for (const trace of one.free) {
      if (
        opened.has(trace) &&
        (best === null || (opened.get(trace) ?? 0) >= (opened.get(best) ?? 0))
      )
        best = trace;
    }
    if (best) opened.delete(best);
    given.set(one.candidate, {
      trace: best ?? one.free[one.free.length - 1],
      ambiguousWith: one.free,
    });
  }
}
