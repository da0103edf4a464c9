// @ts-check
// The events of one endpoint as this browser heard them, and when it listened. Kept, so that a
// reload shows the same rounds; bounded, because a stream has no end. Where it is kept is somebody
// else's business (event-database.js).

/**
 * @typedef {import('./event.js').Event} Event
 * @typedef {{from: number, to: number}} Span from when to when somebody listened, in milliseconds
 *   by this browser's clock
 * @typedef {{
 *   load: () => Promise<{events: Event[], spans: Span[]}>,
 *   put: (events: Event[]) => Promise<void>,
 *   remove: (ids: string[]) => Promise<void>,
 *   putSpans: (spans: Span[]) => Promise<void>,
 *   clear: () => Promise<void>,
 * }} Place
 */

/** The newest events that are kept of an endpoint. */
export const MAX_EVENTS = 1_000;
/** And at most so many characters of data: one event may have a hundred thousand. */
const MAX_CHARACTERS = 2_000_000;
const MAX_SPANS = 200;
/** A span is written down again after it grew by this much. */
const SPAN_STEP_MS = 5_000;

/**
 * @param {Place} place
 * @param {{mayWrite: () => boolean}} options one tab writes, or all would write the same
 */
export function eventStore(place, { mayWrite }) {
  /** In the order of Particle's clock. @type {Event[]} */
  let events = [];
  let ids = new Set();
  /** @type {Span[]} */
  let spans = [];
  let spanOpen = false;
  let writtenTo = -Infinity;
  let lasting = true;
  let changes = 0;
  /** Before it is known what was kept, writing spans would wipe them out. */
  let loaded = false;

  const attempt = (/** @type {Promise<unknown>} */ work) =>
    void work.catch(() => (lasting = false));

  /** @param {Event[]} added */
  const take = (added) => {
    const fresh = added.filter(({ id }) => !ids.has(id));
    if (fresh.length === 0) return [];
    for (const { id } of fresh) ids.add(id);
    events = [...events, ...fresh].sort(
      (a, b) => a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
    );
    changes += 1;
    return fresh;
  };

  const trim = () => {
    let characters = 0;
    let from = events.length;
    while (from > 0 && events.length - from < MAX_EVENTS) {
      characters += (events[from - 1].data?.length ?? 0) + events[from - 1].name.length;
      if (characters > MAX_CHARACTERS && from < events.length) break;
      from -= 1;
    }
    if (from === 0) return;
    const gone = events.slice(0, from).map(({ id }) => id);
    events = events.slice(from);
    for (const id of gone) ids.delete(id);
    if (mayWrite()) attempt(place.remove(gone));
  };

  return {
    /** Reads what was kept. What is heard in the meantime is not lost. */
    async load() {
      try {
        const kept = await place.load();
        // What was heard here in the meantime may have been kept by now too, and says nothing about
        // the time before.
        const before = take(kept.events.filter(isEvent));
        spans = merged([...reaching(kept.spans.filter(isSpan), before), ...spans]);
        changes += 1;
        loaded = true;
        trim();
        if (spanOpen && mayWrite()) attempt(place.putSpans(spans));
      } catch {
        lasting = false;
      }
    },
    /** @param {Event} event @returns {boolean} whether it is new */
    add(event) {
      const fresh = take([event]);
      if (fresh.length === 0) return false;
      if (mayWrite()) attempt(place.put(fresh));
      trim();
      return true;
    },
    /**
     * Somebody listens at this time. The first time after `silent`, a new span begins.
     * @param {number} at
     */
    alive(at) {
      const last = spans[spans.length - 1];
      if (!spanOpen || !last) spans = [...spans, { from: at, to: at }].slice(-MAX_SPANS);
      else if (at >= last.from)
        spans[spans.length - 1] = { from: last.from, to: Math.max(last.to, at) };
      // Another tab has listened since then.
      else spans = merged([...spans.slice(0, -1), { from: at, to: last.to }]);
      if (!spanOpen) changes += 1;
      const isNew = !spanOpen;
      spanOpen = true;
      if (loaded && mayWrite() && (isNew || at - writtenTo >= SPAN_STEP_MS)) {
        writtenTo = at;
        attempt(place.putSpans(spans));
      }
    },
    /** Nobody listens any more. */
    silent() {
      if (!spanOpen) return;
      spanOpen = false;
      changes += 1;
      if (loaded && mayWrite()) attempt(place.putSpans(spans));
    },
    /** @returns {Event[]} the same array until one is added */
    events: () => events,
    /**
     * When nobody listened, between times when somebody did, and since.
     * @returns {{from: number, to: number | null}[]}
     */
    quiet() {
      /** @type {{from: number, to: number | null}[]} */
      const found = [];
      spans.forEach(({ to }, i) => {
        const next = spans[i + 1];
        if (next) found.push({ from: to, to: next.from });
        else if (!spanOpen) found.push({ from: to, to: null });
      });
      return found;
    },
    /** Since when every event was heard; null if nobody listens. */
    since: () => (spanOpen ? (spans[spans.length - 1]?.from ?? null) : null),
    /** Grows with everything that changes what is shown. */
    changes: () => changes,
    /** False if the browser keeps nothing: then a reload forgets the events. */
    lasting: () => lasting,
    clear() {
      events = [];
      ids = new Set();
      const now = spans[spans.length - 1];
      spans = spanOpen && now ? [{ from: now.to, to: now.to }] : [];
      changes += 1;
      attempt(place.clear());
      if (mayWrite() && spans.length > 0) attempt(place.putSpans(spans));
    },
  };
}

/**
 * The same, the last one up to the newest event: it was written down before that was heard, and the
 * beginning of another
 * one would have been written down at once.
 * @param {Span[]} spans @param {Event[]} events
 */
function reaching(spans, events) {
  const last = spans.reduce(
    (/** @type {Span | null} */ latest, one) =>
      latest === null || one.from > latest.from ? one : latest,
    null,
  );
  const heard = events.reduce((latest, { seen }) => Math.max(latest, seen), -Infinity);
  return spans.map((one) => (one === last ? { from: one.from, to: Math.max(one.to, heard) } : one));
}

/** Spans in order, those that touch as one. @param {Span[]} spans */
function merged(spans) {
  /** @type {Span[]} */
  const found = [];
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = found[found.length - 1];
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else found.push({ from, to });
  }
  return found.slice(-MAX_SPANS);
}

/**
 * What another version of this page, or somebody at the console, may have left.
 * @param {any} one
 * @returns {one is Event}
 */
const isEvent = (one) =>
  typeof one?.id === 'string' &&
  typeof one.name === 'string' &&
  (one.data === null || typeof one.data === 'string') &&
  typeof one.published_at === 'string' &&
  Number.isFinite(one.at) &&
  typeof one.coreid === 'string' &&
  Number.isFinite(one.seen) &&
  Number.isFinite(one.nth) &&
  Array.isArray(one.guesses) &&
  one.guesses.every((/** @type {unknown} */ guess) => typeof guess === 'string');
/** @param {any} one @returns {one is Span} */
const isSpan = (one) =>
  Number.isFinite(one?.from) && Number.isFinite(one?.to) && one.from <= one.to;
