// @ts-check
// Which event led to which delivery, and which hook-sent, hook-response and hook-error followed
// from it. Pure.
//
// The result depends on what happened and not on the order in which it was heard, nor on what any
// clock but Particle's said to another: times are compared between stamps of one clock only. What
// could belong to several says so.

import { perObject } from '../lib/memo.js';
import { assign } from './assign.js';
import { FROM_CLOUD, meaningOf } from './event.js';
import {
  ANSWER_MS,
  SENT_MS,
  SKIPPED_MS,
  groups,
  isSleeping,
  partsOfDelivery,
  preferred,
  put,
  succeeded,
} from './evidence.js';
import { idIn, isFromPage, isOfOther, marksIn, marksOf, originOf, stampOf } from './origin.js';
import { identitiesOf } from './redelivery.js';
import { byTime } from './response-parts.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {import('./event.js').Event} Event
 * @typedef {import('./topics.js').Reading} Reading
 * @typedef {{byOrder: typeof import('./by-order.js').byOrder,
 *   readerOf: typeof import('./topics.js').readerOf,
 *   guessesOf: typeof import('./topics.js').guessesOf}} Later what only other webhooks than the
 *   tutorial's need
 * @typedef {{event: Event, source: string | null, part: number | null, ambiguousWith: Trace[]}}
 *   Linked `source`: the device in its name. `ambiguousWith`: all that it may belong to, if more
 *   than one
 * @typedef {{seq: number, by: string | null}} Earlier `by`: in what both agree; null if both are of
 *   one event
 * @typedef {{
 *   key: string,
 *   event: Event | null,
 *   delivery: Delivery | null,
 *   ambiguousWith: Trace[],
 *   first: Trace | null,
 *   repeats: Trace[],
 *   earlier: Earlier | null,
 *   name: string | null,
 *   data: string | null,
 *   coreid: string | null,
 *   dataId: string | null,
 *   at: number | null,
 *   sents: Linked[],
 *   responses: Linked[],
 *   errors: Linked[],
 *   alone: Event | null,
 * }} Trace One event and what followed; a round is drawn from it. `ambiguousWith`: the traces whose
 * delivery this could as well be.
 *   `first`: the trace of which this is another delivery, `repeats` the other way round. `at`: when
 *   it was published, by
 *   Particle's clock. `earlier`: the first delivery of the same thing.
 *   `alone`: an event that nothing here explains
 */

/** Beyond everything documented. Only asked when nothing nearer fits. */
const LATEST_MS = 10 * 60_000;
/**
 * A stamp in a request and the one on the stream are the same one, or else no further apart than
 * this.
 */
const SAME_MS = 1_000;

/**
 * @param {Delivery[]} deliveries
 * @param {Event[]} events
 * @param {{prefix?: string | null, hooks?: import('./topics.js').Hook[]} & Partial<Later>} [known]
 *   `prefix`: the event name of the tutorial's webhook. `hooks`: the webhooks that lead here
 * @returns {Trace[]} in no particular order that a reader should see
 */
export function join(deliveries, events, { prefix = null, hooks = [], ...later } = {}) {
  const sorted = [...events].sort(byTime);
  const read = later.readerOf?.(hooks) ?? byDefault;
  const of = (/** @type {string[]} */ ...kinds) =>
    sorted.filter((event) => kinds.includes(read(event).kind));
  const [answers, sents] = [of('response', 'error'), of('sent')];
  const prefixes = [prefix, ...hooks.map(({ event }) => event)].filter((one) => one !== null);
  const traces = withDeliveries(
    of('trigger').map(ofEvent),
    [...deliveries].sort((a, b) => a.seq - b.seq),
    { prefixes, answers, sents, read, agents: hooks.flatMap(agentOf), fixed: fixedBy(hooks) },
    later.byOrder,
  );
  markRedeliveries(traces);
  // No event of a cloud follows from what this page sent.
  const isDated = (/** @type {Trace} */ { at, name, event, delivery }) =>
    at !== null && name !== null && (event !== null || !delivery || !isFromPage(delivery.request));
  /** Most of a long log is about names that no event here follows from. */
  const named = new Set([...answers, ...sents].map((event) => read(event).of));
  const isAnyNamed = named.has(null);
  const wanted = traces.filter((trace) => isDated(trace) && (isAnyNamed || named.has(trace.name)));
  const byName = groups(wanted.sort(byPublishing), ({ name }) => /** @type {string} */ (name));
  const about = (/** @type {Event} */ event) => {
    const { of: name } = read(event);
    return name === null ? wanted : (byName.get(name) ?? NONE);
  };
  const skips = answers.filter(isSleeping);
  const linked = new Set([
    // Who was put to sleep is waited for longer, so this comes first.
    ...linkAnswers(about, skips, read),
    ...linkAnswers(
      about,
      answers.filter((event) => !isSleeping(event)),
      read,
    ),
    ...linkSents(about, sents, read),
  ]);
  // What is left may be of a webhook whose topics nobody knows here.
  const all = traces.filter(isDated).sort(byPublishing);
  for (const guess of later.guessesOf?.(hooks) ?? []) {
    const left = sorted.filter((event) => isAnswerOf(event, read(event)) && !linked.has(event));
    const guessed = perObject((/** @type {Event} */ event) => open(guess(event)));
    for (const event of linkAnswers(() => all, left, guessed)) linked.add(event);
  }
  const alone = sorted.filter((event) => read(event).kind !== 'trigger' && !linked.has(event));
  return [...traces, ...alone.map(ofNothing)];
}

/** What a webhook calls itself, if its settings say so. @param {import('./topics.js').Hook} hook */
const agentOf = ({ headers }) =>
  Object.entries(headers ?? {}).flatMap(([name, value]) =>
    name.toLowerCase() === 'user-agent' && typeof value === 'string' ? [value] : [],
  );

/** The times and Device IDs that templates hold. @param {import('./topics.js').Hook[]} hooks */
const fixedBy = (hooks) =>
  new Set(
    hooks.flatMap(({ url, json, form, body, query, headers }) => [
      ...marksIn(JSON.stringify([url, json, form, body, query, headers])),
    ]),
  );

/** @param {Trace} a @param {Trace} b */
const byPublishing = (a, b) => (a.at ?? 0) - (b.at ?? 0) || (a.key < b.key ? -1 : 1);

/** What the name of an event says by default. @type {(event: Event) => Reading} */
const byDefault = perObject((event) => ({
  ...meaningOf(event),
  isOwnTopic: false,
  fits: () => true,
}));

/** A guess that takes no other answer's place. @param {Reading} reading @returns {Reading} */
function open(reading) {
  const place = reading.kind === 'error' ? 'errors' : 'responses';
  const isOpen = (/** @type {Trace} */ trace) =>
    trace[place].every(({ part }) => part !== reading.part);
  return { ...reading, fits: (trace) => isOpen(trace) && reading.fits(trace) };
}

/**
 * Whether the cloud may say with it what came of a webhook.
 * @param {Event} event @param {Reading} reading
 */
const isAnswerOf = ({ name, coreid }, { kind }) =>
  coreid === FROM_CLOUD && kind !== 'sent' && !/^(?:spark|particle)\//.test(name);

/** @param {Event} event @returns {Trace} */
const ofEvent = (event) => ({
  ...empty(`e:${event.id}`),
  event,
  name: event.name,
  data: event.data,
  coreid: event.coreid,
  dataId: originId(event),
  at: event.at,
});

/** @param {Event} event @returns {Trace} */
const ofNothing = (event) => ({ ...empty(`e:${event.id}`), at: event.at, alone: event });

/** @param {Delivery} delivery @param {Trace | null} first @returns {Trace} */
function ofDelivery(delivery, first) {
  const { name, data, coreid, dataId, at, eventId } = originOf(delivery);
  // The key that its event would have, so that it stays the same when the event is heard after the
  // delivery was read.
  const key = first === null && eventId !== null ? `e:${eventId}` : `d:${delivery.seq}`;
  return Object.assign(empty(key), { delivery, first, name, data, coreid, dataId, at });
}

/** @type {never[]} */
const NONE = [];

/** @param {string} key @returns {Trace} */
const empty = (key) => ({
  key,
  event: null,
  delivery: null,
  ambiguousWith: NONE,
  first: null,
  repeats: NONE,
  earlier: null,
  name: null,
  data: null,
  coreid: null,
  dataId: null,
  at: null,
  sents: NONE,
  responses: NONE,
  errors: NONE,
  alone: null,
});

/** The `id` inside what an event published. */
const originId = perObject((/** @type {Event} */ event) => idIn(event.data));

/**
 * Finds each delivery its event: by the time of publishing and the source, wherever in the request
 * they are; else by source and the id inside the data; else, if Particle sent it, by what came
 * before and after.
 * @param {Trace[]} traces of the events, in the order of time
 * @param {Delivery[]} deliveries in their order
 * @param {import('./by-order.js').Seen} seen
 * @param {Later['byOrder']} [byOrder]
 */
function withDeliveries(traces, deliveries, seen, byOrder) {
  const all = [...traces];
  const byStamp = groups(traces, ({ coreid, at }) => stampOf(coreid, at));
  const byMoment = groups(traces, ({ at }) => at ?? 0);
  const byId = groups(
    traces.filter((trace) => trace.dataId !== null),
    ({ coreid, dataId }) => stampOf(coreid, dataId),
  );
  /** @type {Delivery[]} */
  const unmatched = [];
  for (const delivery of deliveries) {
    const stamped = traces.length === 0 ? NONE : stampedBy(delivery);
    if (stamped.length > 0) settle(delivery, stamped);
    else unmatched.push(delivery);
  }
  /** @type {Delivery[]} */
  const bare = [];
  for (const delivery of unmatched) {
    const origin = originOf(delivery);
    const near = (byId.get(origin.claim) ?? NONE).filter(
      (trace) =>
        trace.delivery === null &&
        (origin.name === null || origin.name === trace.name) &&
        (origin.at === null || Math.abs(origin.at - (trace.at ?? 0)) <= SAME_MS),
    );
    if (origin.coreid !== null && origin.dataId !== null && near.length > 0) settle(delivery, near);
    else bare.push(delivery);
  }
  const ordered = byOrder?.(bare, traces, seen);
  for (const delivery of bare) {
    const found = ordered?.get(delivery);
    if (!found) settle(delivery, stampedAgain(delivery));
    else if (found.trace.delivery) settle(delivery, [found.trace]);
    else Object.assign(found.trace, { delivery, ambiguousWith: found.ambiguousWith });
  }
  return all;

  /**
   * Events whose time is somewhere in a request that does not speak against them.
   * @param {Delivery} delivery
   */
  function stampedBy(delivery) {
    const { times, ids } = marksOf(delivery);
    const stamped = times.flatMap((at) => byMoment.get(at) ?? NONE);
    if (stamped.length === 0) return stamped;
    const origin = originOf(delivery);
    const { name, data } = origin;
    const isNamed = name !== null && seen.prefixes.some((prefix) => name.startsWith(prefix));
    const fitting = stamped.filter(
      (trace) => !isOfOther(origin, trace, seen.fixed) && (!isNamed || name === trace.name),
    );
    const marked = preferred(fitting, ({ coreid }) => coreid !== null && ids.includes(coreid));
    const named = preferred(marked, (trace) => trace.name === name);
    return preferred(named, (trace) => same(trace.data, data));
  }

  /**
   * Traces of deliveries alone that carry the same stamp: their event was not heard.
   * @param {Delivery} delivery
   */
  function stampedAgain(delivery) {
    const { stamp, at, coreid, name, data } = originOf(delivery);
    const stamped = at === null || coreid === null ? NONE : (byStamp.get(stamp) ?? NONE);
    return stamped.filter(
      (trace) => trace.event === null && trace.name === name && same(trace.data, data),
    );
  }

  /** @param {Delivery} delivery @param {Trace[]} fitting */
  function settle(delivery, fitting) {
    const free = fitting.filter((trace) => trace.delivery === null);
    if (free.length > 0) {
      free[0].delivery = delivery;
      if (free.length > 1 || fitting.length > 1) free[0].ambiguousWith = fitting;
      return;
    }
    const first = fitting.find((trace) => trace.first === null) ?? null;
    const trace = ofDelivery(delivery, first);
    if (first) {
      // What it claims of itself may be less than what the event says.
      Object.assign(trace, {
        name: first.name,
        data: first.data,
        coreid: first.coreid,
        dataId: first.dataId,
        at: first.at,
      });
      first.repeats = [...first.repeats, trace];
    }
    all.push(trace);
    if (!first && trace.at !== null && trace.coreid !== null)
      put(byStamp, originOf(delivery).stamp, trace);
  }
}

/**
 * Notes on each trace the first delivery of the same thing.
 * @param {Trace[]} traces
 */
function markRedeliveries(traces) {
  /** @type {Map<string, number>} the number of the first delivery, by what identifies it */
  const seen = new Map();
  const number = (/** @type {Trace} */ { delivery }) => delivery?.seq ?? 0;
  for (const trace of [...traces].sort((a, b) => number(a) - number(b))) {
    if (!trace.delivery) continue;
    if (trace.first) trace.earlier = { seq: number(trace.first), by: null };
    for (const { key, by } of identitiesOf(trace.delivery)) {
      const seq = seen.get(key);
      if (seq === undefined) seen.set(key, number(trace));
      else trace.earlier ??= { seq, by };
    }
  }
}

/**
 * Links hook-response and hook-error. What speaks for a trace is, in this order: that the part is
 * what our server sent, to
 * the byte; that it echoes the id; that nothing speaks against it.
 * @param {(event: Event) => Trace[]} about those that an event can be about, in the order of time
 * @param {Event[]} answers in the order of their time
 * @param {(event: Event) => Reading} read
 * @returns {Event[]} those that found their trace
 */
function linkAnswers(about, answers, read) {
  const candidates = answers.map((event) => {
    const { kind, part } = read(event);
    const traces = candidatesFor(about(event), event, read(event));
    // Each try of a skipped event may say that it was skipped, so those are no places that are
    // taken.
    if (isSleeping(event))
      return {
        event,
        traces: preferred(traces, (trace) => isTry(event.at - earliest(trace))),
        place: `sleeping|${event.id}`,
      };
    return kind === 'error'
      ? { event, traces: fittingError(traces, event), place: 'error' }
      : { event, traces: fittingPart(traces, event, part ?? 0), place: `response|${part ?? 0}` };
  });
  return assign(candidates).map(({ event, trace, ambiguousWith }) => {
    const { kind, source, part } = read(event);
    const place = kind === 'error' ? 'errors' : 'responses';
    trace[place] = [...trace[place], { event, source, part, ambiguousWith }];
    return event;
  });
}

/** Whether a skipped event is tried at about this age. @param {number} age */
const isTry = (age) => [0, 30_000, 60_000].some((at) => age >= at - 500 && age <= at + 5_000);

/** @param {Trace[]} candidates @param {Event} event @param {number} part */
function fittingPart(candidates, event, part) {
  const text = event.data ?? '';
  const sent = candidates.filter((trace) => partsOf(trace)?.[part] === text);
  if (sent.length > 0) return sent;
  const id = part === 0 ? originId(event) : null;
  const echoed = id === null ? [] : candidates.filter((trace) => trace.dataId === id);
  if (echoed.length > 0) return echoed;
  // A webhook may hand on something else than the body (a responseTemplate), so this is doubt and
  // not proof.
  return preferred(candidates, (trace) => trace.delivery === null || succeeded(trace.delivery));
}

/** @param {Trace[]} candidates @param {Event} event */
function fittingError(candidates, event) {
  const status = Number(/^error status (\d{3})\b/.exec(event.data ?? '')?.[1] ?? NaN);
  if (!Number.isNaN(status)) {
    const same = candidates.filter(({ delivery }) => delivery?.response.status === status);
    if (same.length > 0) return same;
  } else if (!isSleeping(event)) {
    const slow = candidates.filter(
      ({ delivery }) => delivery !== null && delivery.response.delay_ms >= 19_000,
    );
    if (slow.length > 0) return slow;
  }
  return preferred(candidates, ({ delivery }) => delivery === null || !succeeded(delivery));
}

/**
 * Links hook-sent: it carries nothing but a name, so time and order are all there is.
 * @param {(event: Event) => Trace[]} about @param {Event[]} sents in the order of their time
 * @param {(event: Event) => Reading} read
 * @returns {Event[]} those that found their trace
 */
function linkSents(about, sents, read) {
  const candidates = sents.map((event) => {
    const traces = candidatesFor(about(event), event, read(event));
    // A request goes out before its answer comes back.
    const unanswered = preferred(traces, ({ responses, errors }) =>
      [...responses, ...errors].every(
        (answer) =>
          answer.ambiguousWith.length > 0 ||
          isSleeping(answer.event) ||
          answer.event.at >= event.at,
      ),
    );
    return { event, traces: unanswered, place: 'sent' };
  });
  return assign(candidates).map(({ event, trace, ambiguousWith }) => {
    trace.sents = [
      ...trace.sents,
      { event, source: read(event).source, part: null, ambiguousWith },
    ];
    return event;
  });
}

/**
 * Those that an event of a given time can have followed from: published before it, and not so long
 * before that the cloud
 * had given up. If there is none, those of an age that nobody documents.
 * @param {Trace[]} traces in the order of their time @param {Event} event @param {Reading} reading
 */
function candidatesFor(traces, event, { kind, source, fits }) {
  let low = 0;
  let high = traces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((traces[middle].at ?? 0) <= event.at) low = middle + 1;
    else high = middle;
  }
  /** @type {Trace[]} */
  const near = [];
  /** @type {Trace[]} */
  const far = [];
  const ownPatience = isSleeping(event) ? SKIPPED_MS : kind === 'sent' ? SENT_MS : ANSWER_MS;
  for (let i = low - 1; i >= 0; i -= 1) {
    const trace = traces[i];
    const age = event.at - (trace.at ?? 0);
    if (age > (near.length > 0 ? SKIPPED_MS : LATEST_MS)) break;
    if ((source !== null && source !== trace.coreid) || earliest(trace) > event.at) continue;
    if (!fits(trace)) continue;
    const patience = trace.errors.some((answer) => isSleeping(answer.event))
      ? SKIPPED_MS
      : ownPatience;
    (event.at - earliest(trace) <= patience ? near : far).push(trace);
  }
  return (near.length > 0 ? near : far).reverse();
}

/**
 * The earliest time, by Particle's clock, that something can have followed from a trace. A second
 * delivery that came a
 * minute after the first was not yet under way when the first was answered: a span on our clock
 * says so about Particle's.
 * @param {Trace} trace
 */
function earliest({ at, delivery, first }) {
  if (!first?.delivery || !delivery) return at ?? 0;
  const later = Date.parse(delivery.received_at) - Date.parse(first.delivery.received_at);
  // Within two seconds they may as well have been on their way at once.
  return (at ?? 0) + (later > 2_000 ? later - 2_000 : 0);
}

/** @param {Trace} trace */
const partsOf = ({ delivery }) => delivery && partsOfDelivery(delivery);

/**
 * No data and empty data are rendered alike.
 * @param {string | null} ours
 * @param {string | null} theirs
 */
const same = (ours, theirs) => (ours ?? '') === (theirs ?? '');
