// @ts-check
// Requests of Particle in which nothing names an event, because the webhook's template sends none
// of it. What came before and after says whose they are: the event, the response that came back,
// the values within, time and order. Pure.

import { parseJson } from '../lib/json-text.js';
import { perObject } from '../lib/memo.js';
import { headerOf } from '../log/request-body.js';
import { assign } from './assign.js';
import {
  ANSWER_MS,
  SENT_MS,
  SKIPPED_MS,
  groups,
  isSleeping,
  partsOfDelivery,
  preferred,
} from './evidence.js';
import {
  APART_MS,
  isOfOther,
  isOfOtherTime,
  isParticle,
  marksIn,
  marksOf,
  originOf,
} from './origin.js';
import { filled } from './topics.js';

/**
 * @typedef {import('./join.js').Delivery} Delivery
 * @typedef {import('./join.js').Trace} Trace
 * @typedef {import('./event.js').Event} Event
 * @typedef {{prefixes: string[], answers: Event[], sents: Event[],
 *   read: (event: Event) => import('./topics.js').Reading, agents: string[], fixed: Set<string>}}
 *   Seen `prefixes`: of the names that trigger a webhook here. `answers`, `sents`: in the order of
 *   time. `agents`: what those webhooks call themselves in their own settings, as templates.
 *   `fixed`: the times and Device IDs in those settings
 */

/** How far two clocks that agree may be apart, with what a request takes on its way. */
const AGREE_MS = 1_000;
/** Deliveries and events by which the difference of two clocks is found. */
const MAX_COMPARED = 40;
/** Values of an event's data that are looked for in a request. */
const MAX_VALUES = 50;

/**
 * @param {Delivery[]} deliveries in their order @param {Trace[]} traces all of events, in the order
 *   of time
 * @param {Seen} seen
 * @returns {Map<Delivery, {trace: Trace, ambiguousWith: Trace[]}>}
 */
export function byOrder(deliveries, traces, { prefixes, answers, sents, read, agents, fixed }) {
  const found = new Map();
  const fired = traces.filter(
    ({ event }) => event !== null && prefixes.some((prefix) => event.name.startsWith(prefix)),
  );
  if (fired.length === 0) return found;
  // One that says when its event was published is of an event that was not heard, unless the time
  // is from an event's data or from the settings.
  const own = new Set([
    ...fixed,
    ...fired.flatMap(({ event }) => (event ? marksOfEvent(event) : [])),
  ]);
  const isTemplate = agents.some((agent) => agent.includes('{{'));
  const bare = deliveries.filter((delivery) => {
    const { at, published_at } = originOf(delivery);
    const agent = headerOf(delivery.request, 'user-agent');
    return (
      (at === null || own.has(published_at ?? '')) &&
      (isParticle(delivery.request) || isTemplate || agents.includes(agent))
    );
  });
  const open = fired.filter(({ delivery }) => delivery === null);
  const skips = answers.filter(isSleeping);
  const bodies = groups(answers, ({ data }) => data);
  const off = offset(bare, fired, fired.filter(wasSent));
  const from = (fired[0].at ?? 0) - AGREE_MS;
  const to = (fired[fired.length - 1].at ?? 0) + SKIPPED_MS;
  const candidates = bare.flatMap((delivery) => {
    const at = receivedAt(delivery) - off;
    // Of most of a long log no events are kept.
    if (at < from || at > to) return [];
    const origin = originOf(delivery);
    const ofThis = (/** @type {Trace[]} */ list) =>
      list.filter(
        (trace) =>
          isSender(delivery.request, trace) &&
          !isOfOther(origin, trace, fixed) &&
          !isOfOtherTime(origin, trace, fixed),
      );
    const near = ofThis(within(open, at - SENT_MS, at + AGREE_MS));
    const late =
      near.length > 0 ? near : ofThis(within(open, at - SKIPPED_MS, at)).filter(wasSkipped);
    const last =
      late.length > 0 ? late : ofThis(within(fired, at - SENT_MS, at + AGREE_MS)).filter(isTwin);
    const named = preferred(last, ({ name }) => name === origin.name);
    const ids = named.length > 1 ? marksOf(delivery).ids : [];
    const marked = preferred(named, ({ coreid }) => ids.includes(coreid ?? ''));
    const valued = richest(marked, delivery);
    const answered = preferred(valued, (trace) => cameBack(trace, delivery));
    return [{ event: delivery, traces: preferred(answered, wasSent), place: 'delivery' }];
  });
  const taken = new Set();
  for (const { event, trace, ambiguousWith } of assign(candidates)) {
    const isFree = trace.delivery === null && !taken.has(trace);
    if (isFree || isTwin(trace)) found.set(event, { trace, ambiguousWith });
    taken.add(trace);
  }
  return found;

  /** @param {Delivery['request']} request @param {Trace} trace */
  function isSender(request, trace) {
    const own = headerOf(request, 'user-agent');
    return isParticle(request) || agents.some((agent) => filled(agent, trace) === own);
  }

  /** @param {Trace} trace */
  function wasSkipped({ name, at }) {
    return within(skips, at ?? 0, (at ?? 0) + SKIPPED_MS).some((event) => isAbout(event, name));
  }

  /** How often the cloud said soon after that it sent a request. @param {Trace} trace */
  function sentsAfter({ name, at }) {
    const soon = within(sents, at ?? 0, (at ?? 0) + SENT_MS);
    return soon.filter((event) => isAbout(event, name)).length;
  }

  /** @param {Trace} trace */
  function wasSent(trace) {
    return sentsAfter(trace) > 0;
  }

  /** Whether more requests were sent than events published. @param {Trace} trace */
  function isTwin(trace) {
    const at = trace.at ?? 0;
    const others = within(fired, at, at + SENT_MS).filter(({ name }) => name === trace.name);
    return sentsAfter(trace) > others.length;
  }

  /** @param {Event} event @param {string | null} name */
  function isAbout(event, name) {
    const { of } = read(event);
    return of === null || of === name;
  }

  /** Whether what was answered came back for it. @param {Trace} trace @param {Delivery} delivery */
  function cameBack(trace, delivery) {
    const [first] = partsOfDelivery(delivery) ?? [];
    return (bodies.get(first ?? '') ?? []).some((event) => {
      const { source, fits } = read(event);
      const age = event.at - (trace.at ?? 0);
      return (
        age >= 0 &&
        age <= ANSWER_MS &&
        (source === null || source === trace.coreid) &&
        isAbout(event, trace.name) &&
        fits(trace)
      );
    });
  }
}

/**
 * Those of a list in the order of time that are from one time to another.
 * @template {{at: number | null}} T
 * @param {T[]} list @param {number} from @param {number} to
 */
function within(list, from, to) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle].at ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < list.length && (list[end].at ?? 0) <= to) end += 1;
  return list.slice(low, end);
}

/**
 * How far the server's clock is ahead of Particle's. By deliveries whose event is known; else none,
 * if that explains any; else what explains most.
 * @param {Delivery[]} bare @param {Trace[]} fired
 * @param {Trace[]} sent those of which the cloud says that it sent a request
 */
function offset(bare, fired, sent) {
  const known = fired.flatMap(({ event, delivery }) =>
    event && delivery ? [receivedAt(delivery) - event.at] : [],
  );
  if (known.length > 0) return Math.min(...known.slice(-MAX_COMPARED));
  const isAgreeing = (/** @type {Delivery} */ delivery) =>
    within(sent, receivedAt(delivery) - SENT_MS, receivedAt(delivery) + AGREE_MS).length > 0;
  if (bare.some(isAgreeing)) return 0;
  const events = sent.slice(-MAX_COMPARED);
  const ages = bare
    .slice(-MAX_COMPARED)
    .flatMap((delivery) =>
      events
        .map((trace) => ({ delivery, at: receivedAt(delivery) - (trace.at ?? 0) }))
        .filter(({ at }) => Math.abs(at) <= APART_MS),
    );
  ages.sort((a, b) => a.at - b.at);
  // One pair alone fits at any distance.
  let best = { count: 1, at: 0 };
  for (const { at } of ages) {
    const count = new Set(within(ages, at, at + AGREE_MS).map(({ delivery }) => delivery)).size;
    const isNearer = count === best.count && Math.abs(at) < Math.abs(best.at);
    if (count > best.count || (count > 1 && isNearer)) best = { count, at };
  }
  return best.at;
}

/**
 * Those whose data has most values in a request.
 * @param {Trace[]} list @param {Delivery} delivery
 */
function richest(list, delivery) {
  if (list.length < 2) return list;
  const words = wordsOf(delivery);
  const counts = list.map(({ event }) => {
    const values = event ? valuesOf(event) : [];
    return values.filter((value) => words.has(value)).length;
  });
  const most = Math.max(...counts);
  return list.filter((_, i) => counts[i] === most);
}

const receivedAt = perObject((/** @type {Delivery} */ one) => Date.parse(one.received_at));

const marksOfEvent = perObject((/** @type {Event} */ { data }) => [...marksIn(data)]);

/** What of a request may be a value. */
const wordsOf = perObject((/** @type {Delivery} */ { request }) => {
  const query = [...new URLSearchParams(request.query).values()];
  const body = request.body.slice(0, 64 * 1024).split(/[^\w.+-]+/);
  return new Set([...query.flatMap((value) => value.split(/[^\w.+-]+/)), ...body]);
});

/** The values in an event's data, as words. */
const valuesOf = perObject((/** @type {Event} */ { data }) => {
  const open = [parseJson(data ?? '') ?? data];
  /** @type {string[]} */
  const found = [];
  while (open.length > 0 && found.length < MAX_VALUES) {
    const value = open.pop();
    if (value !== null && typeof value === 'object')
      open.push(...Object.values(value).slice(0, MAX_VALUES));
    else
      found.push(
        ...String(value)
          .slice(0, 200)
          .split(/[^\w.+-]+/)
          .filter(Boolean),
      );
  }
  return found;
});
