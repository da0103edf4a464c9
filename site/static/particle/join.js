// @ts-check
// Which event led to which delivery, and which hook-sent, hook-response and hook-error followed
// from it. Pure.
//
// The result depends on what happened and not on the order in which it was heard, nor on what any
// clock but Particle's said to another: times are compared between stamps of one clock only. What
// could belong to several says so.

import { assign } from './assign.js';
import { perObject } from '../lib/memo.js';
import { meaningOf } from './event.js';
import { idIn, originOf, stampOf } from './origin.js';
import { identitiesOf } from './redelivery.js';
import { byTime, cut } from './response-parts.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {import('./event.js').Event} Event
 * @typedef {{event: Event, part: number | null, ambiguousWith: Trace[]}} Linked `ambiguousWith`:
 *   all that it may belong to, if more than one
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

/**
 * A webhook's request is given up after 20 s
 * (https://docs.particle.io/reference/cloud-apis/webhooks/); some more for the way.
 */
const ANSWER_MS = 30_000;
/** A request goes out at once, unless its event is skipped; that it went out is said then. */
const SENT_MS = 10_000;
/** Skipped events are tried again after 30 s and a minute, says the same page. */
const SKIPPED_MS = 120_000;
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
 * @returns {Trace[]} in no particular order that a reader should see
 */
export function join(deliveries, events) {
  const sorted = [...events].sort(byTime);
  const traces = withDeliveries(
    sorted.filter((event) => meaningOf(event).kind === 'trigger').map(ofEvent),
    [...deliveries].sort((a, b) => a.seq - b.seq),
  );
  markRedeliveries(traces);
  const answers = sorted.filter((event) => ['response', 'error'].includes(meaningOf(event).kind));
  const sents = sorted.filter((event) => meaningOf(event).kind === 'sent');
  // Most of a long log is about names that no event here follows from.
  const named = new Set([...answers, ...sents].map((event) => meaningOf(event).of));
  const wanted = traces.filter(({ at, name }) => at !== null && name !== null && named.has(name));
  const byName = groups(wanted, ({ name }) => /** @type {string} */ (name));
  for (const list of byName.values())
    list.sort((a, b) => (a.at ?? 0) - (b.at ?? 0) || (a.key < b.key ? -1 : 1));
  const linked = new Set([
    // Who was put to sleep is waited for longer, so this comes first.
    ...linkAnswers(byName, answers.filter(isSleeping)),
    ...linkAnswers(
      byName,
      answers.filter((event) => !isSleeping(event)),
    ),
    ...linkSents(byName, sents),
  ]);
  const alone = sorted.filter((event) => meaningOf(event).kind !== 'trigger' && !linked.has(event));
  return [...traces, ...alone.map(ofNothing)];
}

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
 * Finds each delivery its event: by source and publishing time, else by source and the id inside
 * the data.
 * @param {Trace[]} traces of the events @param {Delivery[]} deliveries in their order
 */
function withDeliveries(traces, deliveries) {
  const all = [...traces];
  const byStamp = groups(traces, ({ coreid, at }) => stampOf(coreid, at));
  const byId = groups(
    traces.filter((trace) => trace.dataId !== null),
    ({ coreid, dataId }) => stampOf(coreid, dataId),
  );
  /** @type {Delivery[]} */
  const unmatched = [];
  for (const delivery of deliveries) {
    const origin = originOf(delivery);
    if (origin.coreid === null) {
      all.push(ofDelivery(delivery, null));
      continue;
    }
    const stamped = origin.at === null ? NONE : (byStamp.get(origin.stamp) ?? NONE);
    if (stamped.length === 0) {
      unmatched.push(delivery);
      continue;
    }
    const named = stamped.filter(
      ({ name }) => origin.name === null || name === null || origin.name === name,
    );
    const exact = preferred(named, ({ data }) => same(data, origin.data));
    if (exact.length > 0) settle(delivery, exact);
    else unmatched.push(delivery);
  }
  for (const delivery of unmatched) {
    const origin = originOf(delivery);
    const near = (byId.get(origin.claim) ?? NONE).filter(
      (trace) =>
        trace.delivery === null &&
        (origin.name === null || origin.name === trace.name) &&
        (origin.at === null || Math.abs(origin.at - (trace.at ?? 0)) <= SAME_MS),
    );
    if (origin.dataId !== null && near.length > 0) settle(delivery, near);
    else settle(delivery, stampedAgain(delivery));
  }
  return all;

  /**
   * Traces of deliveries alone that carry the same stamp: their event was not heard.
   * @param {Delivery} delivery
   */
  function stampedAgain(delivery) {
    const { stamp, at, name, data } = originOf(delivery);
    const stamped = at === null ? NONE : (byStamp.get(stamp) ?? NONE);
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
    if (!first && trace.at !== null) put(byStamp, originOf(delivery).stamp, trace);
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
 * @param {Map<string, Trace[]>} byName @param {Event[]} answers in the order of their time
 * @returns {Event[]} those that found their trace
 */
function linkAnswers(byName, answers) {
  const candidates = answers.map((event) => {
    const { kind, source, of, part } = meaningOf(event);
    const traces = candidatesFor(byName.get(of) ?? [], event, source);
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
    const { kind, part } = meaningOf(event);
    const place = kind === 'error' ? 'errors' : 'responses';
    trace[place] = [...trace[place], { event, part, ambiguousWith }];
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
 * @param {Map<string, Trace[]>} byName @param {Event[]} sents in the order of their time
 * @returns {Event[]} those that found their trace
 */
function linkSents(byName, sents) {
  const candidates = sents.map((event) => {
    const { of, source } = meaningOf(event);
    const traces = candidatesFor(byName.get(of) ?? [], event, source);
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
    trace.sents = [...trace.sents, { event, part: null, ambiguousWith }];
    return event;
  });
}

/**
 * Those that an event of a given time can have followed from: published before it, and not so long
 * before that the cloud
 * had given up. If there is none, those of an age that nobody documents.
 * @param {Trace[]} traces of one name, in the order of their time @param {Event} event @param
 *   {string | null} source
 */
function candidatesFor(traces, event, source) {
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
  const ownPatience = isSleeping(event)
    ? SKIPPED_MS
    : meaningOf(event).kind === 'sent'
      ? SENT_MS
      : ANSWER_MS;
  for (let i = low - 1; i >= 0; i -= 1) {
    const trace = traces[i];
    const age = event.at - (trace.at ?? 0);
    if (age > (near.length > 0 ? SKIPPED_MS : LATEST_MS)) break;
    if ((source !== null && source !== trace.coreid) || earliest(trace) > event.at) continue;
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

/** @param {Event} event */
export const isSleeping = (event) => /^(?:Sleeping|Too many errors)/.test(event.data ?? '');

/** @param {Delivery} delivery */
const succeeded = ({ response }) =>
  response.status >= 200 && response.status < 300 && response.delay_ms < 19_000;

/** What the cloud would make of a response that our server sent. */
const partsOfDelivery = perObject((/** @type {Delivery} */ delivery) =>
  succeeded(delivery) ? cut(delivery.response.body) : null,
);

/** @param {Trace} trace */
const partsOf = ({ delivery }) => delivery && partsOfDelivery(delivery);

/**
 * Those that fulfil it, or all if none does.
 * @template T
 * @param {T[]} list
 * @param {(one: T) => boolean} wish
 */
function preferred(list, wish) {
  if (list.length < 2) return list;
  const those = list.filter(wish);
  return those.length > 0 ? those : list;
}

/**
 * No data and empty data are rendered alike.
 * @param {string | null} ours
 * @param {string | null} theirs
 */
const same = (ours, theirs) => (ours ?? '') === (theirs ?? '');

/** @template T @param {T[]} list @param {(one: T) => string} keyOf */
function groups(list, keyOf) {
  /** @type {Map<string, T[]>} */
  const found = new Map();
  for (const one of list) put(found, keyOf(one), one);
  return found;
}

/** @template T @param {Map<string, T[]>} map @param {string} key @param {T} one */
function put(map, key, one) {
  const list = map.get(key);
  if (list) list.push(one);
  else map.set(key, [one]);
}
