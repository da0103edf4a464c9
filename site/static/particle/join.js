// @ts-check
// Which event led to which delivery, and which hook-sent, hook-response and hook-error followed from it. Pure.
//
// The result depends on what happened and not on the order in which it was heard, nor on what any clock but Particle's said
// to another: times are compared between stamps of one clock only. What could belong to several says so.

import { allot } from './assign.js';
import { digest, meaningOf } from './event.js';
import { idIn, originOf } from './origin.js';
import { byTime, cut } from './response-parts.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {import('./event.js').Event} Event
 * @typedef {{event: Event, part: number | null, among: Strand[]}} Linked `among`: all that it may belong to, if more than one
 * @typedef {{
 *   key: string,
 *   event: Event | null,
 *   delivery: Delivery | null,
 *   among: Strand[],
 *   first: Strand | null,
 *   repeats: Strand[],
 *   name: string | null,
 *   data: string | null,
 *   coreid: string | null,
 *   dataId: string | null,
 *   at: number | null,
 *   sents: Linked[],
 *   responses: Linked[],
 *   errors: Linked[],
 *   alone: Event | null,
 * }} Strand One event and what followed; a round is drawn from it. `among`: the strands whose delivery this could as well be.
 *   `first`: the strand of which this is another delivery, `repeats` the other way round. `at`: when it was published, by
 *   Particle's clock. `alone`: an event that nothing here explains
 */

/** A webhook's request is given up after 20 s (https://docs.particle.io/reference/cloud-apis/webhooks/); some more for the way. */
const ANSWER_MS = 30_000;
/** A request goes out at once, unless its event is skipped; that it went out is said then. */
const SENT_MS = 10_000;
/** Skipped events are tried again after 30 s and a minute, says the same page. */
const SKIPPED_MS = 120_000;
/** Beyond everything documented. Only asked when nothing nearer fits. */
const LATEST_MS = 10 * 60_000;
/** A stamp in a request and the one on the stream are the same one, or else no further apart than this. */
const SAME_MS = 1_000;

/**
 * @param {Delivery[]} deliveries
 * @param {Event[]} events
 * @returns {Strand[]} in no particular order that a reader should see
 */
export function join(deliveries, events) {
  const sorted = [...events].sort(byTime);
  const strands = withDeliveries(
    sorted.filter((event) => meaningOf(event).kind === 'trigger').map(ofEvent),
    [...deliveries].sort((a, b) => a.seq - b.seq),
  );
  const told = strands.filter(({ at, name }) => at !== null && name !== null);
  const byName = groups(told, ({ name }) => /** @type {string} */ (name));
  for (const list of byName.values()) list.sort((a, b) => (a.at ?? 0) - (b.at ?? 0) || (a.key < b.key ? -1 : 1));
  const answers = sorted.filter((event) => ['response', 'error'].includes(meaningOf(event).kind));
  const linked = new Set([
    // Who was put to sleep is waited for longer, so this comes first.
    ...linkAnswers(byName, answers.filter(isSleeping)),
    ...linkAnswers(byName, answers.filter((event) => !isSleeping(event))),
    ...linkSents(byName, sorted.filter((event) => meaningOf(event).kind === 'sent')),
  ]);
  const alone = sorted.filter((event) => meaningOf(event).kind !== 'trigger' && !linked.has(event));
  return [...strands, ...alone.map(ofNothing)];
}

/** @param {Event} event @returns {Strand} */
const ofEvent = (event) => ({
  ...empty(`e:${event.id}`),
  event,
  name: event.name,
  data: event.data,
  coreid: event.coreid,
  dataId: originId(event),
  at: event.at,
});

/** @param {Event} event @returns {Strand} */
const ofNothing = (event) => ({ ...empty(`e:${event.id}`), at: event.at, alone: event });

/** @param {Delivery} delivery @param {Strand | null} first @returns {Strand} */
function ofDelivery(delivery, first) {
  const { name, data, coreid, dataId, at, published_at } = originOf(delivery);
  // The key that its event would have, so that it stays the same when the event is heard after the delivery was read.
  const claimed = first === null && at !== null && name !== null && coreid !== null;
  const key = claimed ? `e:${published_at}|${coreid}|${name}|${digest(data ?? '')}|0` : `d:${delivery.seq}`;
  return { ...empty(key), delivery, first, name, data, coreid, dataId, at };
}

/** @param {string} key @returns {Strand} */
const empty = (key) => ({
  key, event: null, delivery: null, among: [], first: null, repeats: [], name: null, data: null, coreid: null, dataId: null, at: null,
  sents: [], responses: [], errors: [], alone: null,
});

/** @type {WeakMap<Event, {id: string | null}>} */
const ids = new WeakMap();
/** @param {Event} event */
function originId(event) {
  let known = ids.get(event);
  if (!known) {
    known = { id: idIn(event.data) };
    ids.set(event, known);
  }
  return known.id;
}

/**
 * Finds each delivery its event: by source and publishing time, else by source and the id inside the data.
 * @param {Strand[]} strands of the events @param {Delivery[]} deliveries in their order
 */
function withDeliveries(strands, deliveries) {
  const all = [...strands];
  const byStamp = groups(strands, (strand) => `${strand.coreid}|${strand.at}`);
  const byId = groups(strands.filter((strand) => strand.dataId !== null), (strand) => `${strand.coreid}|${strand.dataId}`);
  /** @type {Delivery[]} */
  const unmatched = [];
  for (const delivery of deliveries) {
    const origin = originOf(delivery);
    if (origin.coreid === null) {
      all.push(ofDelivery(delivery, null));
      continue;
    }
    const stamped = origin.at === null ? [] : (byStamp.get(`${origin.coreid}|${origin.at}`) ?? []);
    const named = stamped.filter(({ name }) => origin.name === null || name === null || origin.name === name);
    const exact = preferred(named, ({ data }) => same(data, origin.data));
    if (exact.length > 0) settle(delivery, exact);
    else unmatched.push(delivery);
  }
  for (const delivery of unmatched) {
    const origin = originOf(delivery);
    const near = (byId.get(`${origin.coreid}|${origin.dataId}`) ?? []).filter(
      (strand) =>
        strand.delivery === null &&
        (origin.name === null || origin.name === strand.name) &&
        (origin.at === null || Math.abs(origin.at - (strand.at ?? 0)) <= SAME_MS),
    );
    if (origin.dataId !== null && near.length > 0) settle(delivery, near);
    else settle(delivery, stampedAgain(delivery));
  }
  return all;

  /** Strands of deliveries alone that carry the same stamp: their event was not heard. @param {Delivery} delivery */
  function stampedAgain(delivery) {
    const { coreid, at, name, data } = originOf(delivery);
    const stamped = at === null ? [] : (byStamp.get(`${coreid}|${at}`) ?? []);
    return stamped.filter((strand) => strand.event === null && strand.name === name && same(strand.data, data));
  }

  /** @param {Delivery} delivery @param {Strand[]} fitting */
  function settle(delivery, fitting) {
    const free = fitting.filter((strand) => strand.delivery === null);
    if (free.length > 0) {
      free[0].delivery = delivery;
      if (free.length > 1 || fitting.length > 1) free[0].among = fitting;
      return;
    }
    const first = fitting.find((strand) => strand.first === null) ?? null;
    const strand = ofDelivery(delivery, first);
    if (first) {
      // What it claims of itself may be less than what the event says.
      Object.assign(strand, { name: first.name, data: first.data, coreid: first.coreid, dataId: first.dataId, at: first.at });
      first.repeats.push(strand);
    }
    all.push(strand);
    if (!first && strand.at !== null) put(byStamp, `${strand.coreid}|${strand.at}`, strand);
  }
}

/**
 * Links hook-response and hook-error. What speaks for a strand is, in this order: that the part is what our server sent, to
 * the byte; that it echoes the id; that nothing speaks against it.
 * @param {Map<string, Strand[]>} byName @param {Event[]} answers in the order of their time
 * @returns {Event[]} those that found their strand
 */
function linkAnswers(byName, answers) {
  const wishes = answers.map((event) => {
    const { kind, source, of, part } = meaningOf(event);
    const candidates = candidatesFor(byName.get(of) ?? [], event, source);
    // Each try of a skipped event may say that it was skipped, so those are no places that are taken.
    if (isSleeping(event)) return { event, candidates: preferred(candidates, (strand) => isTry(event.at - earliest(strand))), place: `sleeping|${event.id}` };
    return kind === 'error'
      ? { event, candidates: fittingError(candidates, event), place: 'error' }
      : { event, candidates: fittingPart(candidates, event, part ?? 0), place: `response|${part ?? 0}` };
  });
  return allot(wishes).map(({ event, strand, among }) => {
    const { kind, part } = meaningOf(event);
    strand[kind === 'error' ? 'errors' : 'responses'].push({ event, part, among });
    return event;
  });
}

/** Whether a skipped event is tried at about this age. @param {number} age */
const isTry = (age) => [0, 30_000, 60_000].some((at) => age >= at - 500 && age <= at + 5_000);

/** @param {Strand[]} candidates @param {Event} event @param {number} part */
function fittingPart(candidates, event, part) {
  const text = event.data ?? '';
  const sent = candidates.filter((strand) => partsOf(strand)?.[part] === text);
  if (sent.length > 0) return sent;
  const id = part === 0 ? originId(event) : null;
  const echoed = id === null ? [] : candidates.filter((strand) => strand.dataId === id);
  if (echoed.length > 0) return echoed;
  // A webhook may hand on something else than the body (a responseTemplate), so this is doubt and not proof.
  return preferred(candidates, (strand) => strand.delivery === null || succeeded(strand.delivery));
}

/** @param {Strand[]} candidates @param {Event} event */
function fittingError(candidates, event) {
  const status = Number(/^error status (\d{3})\b/.exec(event.data ?? '')?.[1] ?? NaN);
  if (!Number.isNaN(status)) {
    const same = candidates.filter(({ delivery }) => delivery?.response.status === status);
    if (same.length > 0) return same;
  } else if (!isSleeping(event)) {
    const slow = candidates.filter(({ delivery }) => delivery !== null && delivery.response.delay_ms >= 19_000);
    if (slow.length > 0) return slow;
  }
  return preferred(candidates, ({ delivery }) => delivery === null || !succeeded(delivery));
}

/**
 * Links hook-sent: it carries nothing but a name, so time and order are all there is.
 * @param {Map<string, Strand[]>} byName @param {Event[]} sents in the order of their time
 * @returns {Event[]} those that found their strand
 */
function linkSents(byName, sents) {
  const wishes = sents.map((event) => {
    const { of, source } = meaningOf(event);
    const candidates = candidatesFor(byName.get(of) ?? [], event, source);
    // A request goes out before its answer comes back.
    const unanswered = preferred(candidates, ({ responses, errors }) =>
      [...responses, ...errors].every((answer) => answer.among.length > 0 || isSleeping(answer.event) || answer.event.at >= event.at),
    );
    return { event, candidates: unanswered, place: 'sent' };
  });
  return allot(wishes).map(({ event, strand, among }) => {
    strand.sents.push({ event, part: null, among });
    return event;
  });
}

/**
 * Those that an event of a given time can have followed from: published before it, and not so long before that the cloud
 * had given up. If there is none, those of an age that nobody documents.
 * @param {Strand[]} strands of one name, in the order of their time @param {Event} event @param {string | null} source
 */
function candidatesFor(strands, event, source) {
  let low = 0;
  let high = strands.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((strands[middle].at ?? 0) <= event.at) low = middle + 1;
    else high = middle;
  }
  /** @type {Strand[]} */
  const near = [];
  /** @type {Strand[]} */
  const far = [];
  const ownPatience = isSleeping(event) ? SKIPPED_MS : meaningOf(event).kind === 'sent' ? SENT_MS : ANSWER_MS;
  for (let i = low - 1; i >= 0; i -= 1) {
    const strand = strands[i];
    const age = event.at - (strand.at ?? 0);
    if (age > (near.length > 0 ? SKIPPED_MS : LATEST_MS)) break;
    if ((source !== null && source !== strand.coreid) || earliest(strand) > event.at) continue;
    const patience = strand.errors.some((answer) => isSleeping(answer.event)) ? SKIPPED_MS : ownPatience;
    (event.at - earliest(strand) <= patience ? near : far).push(strand);
  }
  return (near.length > 0 ? near : far).reverse();
}

/**
 * The earliest time, by Particle's clock, that something can have followed from a strand. A second delivery that came a
 * minute after the first was not yet under way when the first was answered: a span on our clock says so about Particle's.
 * @param {Strand} strand
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
const succeeded = ({ response }) => response.status >= 200 && response.status < 300 && response.delay_ms < 19_000;

/** @type {WeakMap<Delivery, string[]>} */
const partsKnown = new WeakMap();

/** What the cloud would make of the response that our server sent. @param {Strand} strand */
function partsOf({ delivery }) {
  if (!delivery || !succeeded(delivery)) return null;
  let parts = partsKnown.get(delivery);
  if (!parts) {
    parts = cut(delivery.response.body);
    partsKnown.set(delivery, parts);
  }
  return parts;
}

/** Those that fulfil it, or all if none does. @template T @param {T[]} list @param {(one: T) => boolean} wish */
function preferred(list, wish) {
  if (list.length < 2) return list;
  const those = list.filter(wish);
  return those.length > 0 ? those : list;
}

/** No data and empty data are rendered alike. @param {string | null} ours @param {string | null} theirs */
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
