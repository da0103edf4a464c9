// @ts-check
// Rounds. A round is one event and all that followed from it: the request to the server, its
// response, and what came back. Pure.
//
// What goes in: deliveries, events, the numbers that hold no delivery, the spans in which nobody
// listened to events. What comes out: rounds, the oldest first, each with its blocks in the order
// of cause and never of a clock. It is the same whatever order things were heard in. The blocks of
// a round are made when somebody looks at them.

import { perObject } from '../lib/memo.js';
import { span } from '../lib/time.js';
import { estimateLine } from '../particle/data-operations.js';
import { answerBlock, eventBlock, kindOf, noteOf } from '../particle/event-block.js';
import { isSleeping } from '../particle/evidence.js';
import {
  TWICE,
  answerHints,
  errorHints,
  guessHint,
  hint,
  receivedHints,
  responseHints,
  triggerHints,
} from '../particle/hints.js';
import { join } from '../particle/join.js';
import { isFromPage } from '../particle/origin.js';
import { joined } from '../particle/response-parts.js';
import { clockOf, ordered } from '../particle/timeline.js';
import { isTest } from '../particle/webhook.js';
import { blocksOf, responseBlock, unreadableBlock } from './delivery.js';
import { runs } from './merge.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {import('./delivery.js').Block} Block
 * @typedef {import('../particle/hints.js').Hint} Hint
 * @typedef {import('../particle/event.js').Event} Event
 * @typedef {import('../particle/join.js').Trace} Trace
 * @typedef {import('../particle/join.js').Linked} Linked
 * @typedef {import('../particle/topics.js').Hook} Hook
 * @typedef {import('../particle/join.js').Later & typeof import('../particle/explain.js')} Later
 * @typedef {{
 *   key: string,
 *   seq: number | null,
 *   who: string,
 *   isTest: boolean,
 *   status: string,
 *   severity: 'good' | 'bad' | 'plain',
 *   took: string,
 *   at: string | null,
 *   isRemark: boolean,
 *   hasHint: boolean,
 *   kinds: Set<string>,
 *   blocks: readonly Block[],
 *   trace: Trace | null,
 *   isWaiting?: boolean,
 *   quiet?: {from: number, to: number | null}[],
 * }} Round `key` is the same for as long as the round lives. `who`: which device, or what kind of
 * request. `isTest`: a press
 *   of the test button began it. `status`: how it went, in a few words. `took`: how long, where one
 *   clock measured it.
 *   `isRemark`: it has no blocks and says something in the row, such as that a number holds no
 *   delivery. `kinds`: of its
 *   blocks. `trace`: what it was drawn from. `isWaiting`: its response is not sent yet.
 *   `quiet`: of a remark that nobody listened, when that
 *   was
 * @typedef {{missing: number[], unreadable: number[], older?: string | null, quiet?: {from: number,
 *   to: number | null}[]}} Gaps
 *   `older`: there are older deliveries that were not read. `quiet`: nobody listened to events, by
 *   this browser's clock in
 *   milliseconds; `to` is null while that lasts
 * @typedef {{prefix?: string | null, hooks?: Hook[], later?: Later | null,
 *   names?: Map<string, string>, timeZone?: string, waiting?: number[]}} Context
 *   `prefix`: the event name of the tutorial's webhook. `hooks`: the webhooks that lead here, as
 *   far as they are known. `later`: once it is loaded. `names`: of devices, by their IDs.
 *   `waiting`: the numbers of the deliveries whose response is held back and not sent yet
 */

/**
 * @param {Delivery[]} deliveries @param {Event[]} events @param {Gaps} gaps @param {Context}
 *   [context]
 * @returns {Round[]}
 */
export function rounds(deliveries, events, gaps, context = {}) {
  const { missing, unreadable, older = null, quiet = [] } = gaps;
  const all = join(deliveries, events, { ...context, ...context.later }).map(
    (trace) => new TraceRound(trace, context),
  );
  const numbered = all.filter(({ seq }) => seq !== null);
  const remarks = [
    ...runs(missing).map(([from, to]) =>
      gap(from, to, 'no delivery: nothing was acknowledged under'),
    ),
    ...runs(unreadable).map(([from, to]) =>
      gap(from, to, 'a delivery, but what is stored under', ' can’t be read'),
    ),
  ];
  const clock = clockOf(events);
  const others = all.filter(({ seq }) => seq === null);
  const line = ordered(
    [...numbered, ...remarks].map((item) => ({ seq: item.seq ?? 0, trace: item.trace, item })),
    [
      ...others.map((item) => ({ at: item.trace?.at ?? 0, key: item.key, item })),
      ...quiet.map((one) => ({
        at: clock(one.from),
        key: `quiet:${one.from}`,
        item: quietRound([one], context),
      })),
    ],
  );
  // Events of the time before the first delivery here would look as if nothing had come of them.
  const firstNumber = line.findIndex(({ seq }) => seq !== null);
  return oneQuiet(older !== null && firstNumber > 0 ? line.slice(firstNumber) : line, context);
}

/** Whether two rounds look the same. @param {Round} a @param {Round} b */
export const isSameRound = (a, b) =>
  a.key === b.key &&
  a.seq === b.seq &&
  a.who === b.who &&
  a.status === b.status &&
  a.severity === b.severity &&
  a.took === b.took &&
  a.at === b.at &&
  a.blocks.length === b.blocks.length &&
  a.blocks.every((block, i) => isSameBlock(block, b.blocks[i]));

/** @param {Block} a @param {Block} b */
export const isSameBlock = (a, b) =>
  a.key === b.key &&
  a.kind === b.kind &&
  a.seq === b.seq &&
  a.hop === b.hop &&
  a.note === b.note &&
  a.rows.length === b.rows.length &&
  a.rows.every((row, i) => isSameRow(row, b.rows[i]));

/** @param {import('./delivery.js').Row} a @param {import('./delivery.js').Row} b */
const isSameRow = (a, b) =>
  a === b ||
  (a.name === b.name &&
    a.value === b.value &&
    a.remark === b.remark &&
    (a.pairs?.length ?? 0) === (b.pairs?.length ?? 0));

/**
 * A round of a trace. There may be ten thousand, of which a few are looked at: nothing is worked
 * out before.
 */
class TraceRound {
  isRemark = false;
  /** @type {Block[] | undefined} */
  #blocks;

  /** @param {Trace} trace @param {Context} context */
  constructor(trace, { prefix = null, hooks = [], later = null, names, waiting = [] }) {
    this.trace = trace;
    this.key = trace.key;
    this.seq = trace.delivery?.seq ?? null;
    this.prefix = prefix;
    this.hooks = hooks;
    this.later = later;
    this.names = names;
    this.isWaiting = this.seq !== null && waiting.includes(this.seq);
  }

  get prefixes() {
    return prefixesOf(this.prefix, this.hooks);
  }

  get isTest() {
    const { event, coreid, name, data } = this.trace;
    return (
      this.prefix !== null &&
      (event?.coreid ?? coreid) === 'api' &&
      isTest(this.prefix, event?.name ?? name, event?.data ?? data)
    );
  }

  get who() {
    const { event, delivery, coreid } = this.trace;
    const isAnonymous = delivery && (event?.coreid ?? coreid) === null;
    return isAnonymous ? methodAndPath(delivery) : whoIs(this.trace, this.isTest, this.names);
  }

  get status() {
    return outcomeOf(this.trace, this.prefixes, this.isWaiting).status;
  }

  get severity() {
    return outcomeOf(this.trace, this.prefixes, this.isWaiting).severity;
  }

  get took() {
    return tookOf(this.trace);
  }

  get at() {
    const { event, delivery, alone } = this.trace;
    return delivery?.received_at ?? event?.published_at ?? alone?.published_at ?? null;
  }

  get hasHint() {
    const { event, delivery, ambiguousWith, errors } = this.trace;
    return (
      errors.length + ambiguousWith.length > 0 ||
      (event !== null && triggerHints(event, this.prefixes).length > 0) ||
      (delivery !== null && this.receivedHints.length + this.responseHints.length > 0)
    );
  }

  get receivedHints() {
    return [...receivedHints(this.trace), ...(this.later?.explain(this.trace, this.hooks) ?? [])];
  }

  get responseHints() {
    return [
      ...responseHints(this.trace),
      ...(this.later?.explainResponse(this.trace, this.hooks) ?? []),
    ];
  }

  get kinds() {
    return kindsOf(this.trace);
  }

  get blocks() {
    return (this.#blocks ??= blocks(this));
  }
}

/**
 * What the names of events that trigger a webhook here begin with.
 * @param {string | null} prefix @param {Hook[]} hooks
 */
const prefixesOf = (prefix, hooks) =>
  prefix === null ? [] : [prefix, ...hooks.map(({ event }) => event)];

/** Whether a webhook fires for a name, as far as the webhooks are known. */
const triggers = (/** @type {string} */ name, /** @type {string[]} */ prefixes) =>
  prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));

const SENT_TWICE = hint('once-twice-out-of-order', `A second hook-sent: ${TWICE}.`);
const DELIVERED = new Set(['received', 'parsed', 'response']);

/** @param {Trace} trace */
function kindsOf({ event, alone, delivery, sents, responses, errors }) {
  if (!event && !alone && sents.length + responses.length + errors.length === 0) return DELIVERED;
  const kinds = [event, alone].flatMap((one) => (one ? [kindOf(one)] : []));
  if (sents.length + responses.length > 0) kinds.push('internal');
  if (errors.length > 0) kinds.push('error');
  return new Set(delivery ? [...kinds, ...DELIVERED] : kinds);
}

/** What a delivery looks like, or that it can't be shown: one of them takes no other with it. */
const deliveryBlocks = perObject((/** @type {Delivery} */ delivery) => {
  try {
    return blocksOf(delivery);
  } catch (error) {
    return [unreadableBlock(delivery, error)];
  }
});

/**
 * The blocks of a round in the order of cause.
 * @param {TraceRound} round
 */
function blocks(round) {
  const { trace, seq, prefixes, isWaiting } = round;
  const { event, delivery, alone, sents, responses, errors } = trace;
  /** @type {Block[]} */
  const found = [];
  /** Blocks that may belong elsewhere: no time is measured from them. */
  const unsure = new Set();
  if (event) {
    const cost = estimateLine(trace);
    const more = /** @type {import('./delivery.js').Row[]} */ (
      cost === null
        ? []
        : [{ name: 'data operations, an estimate', kind: 'text', value: cost, openOnly: true }]
    );
    found.push(
      eventBlock(event, {
        seq,
        hop: '',
        hints: [
          ...ambiguityHint(trace.ambiguousWith),
          ...triggerHints(event, prefixes),
          ...guessHint(event.guesses),
        ],
        more,
      }),
    );
  }
  if (alone)
    found.push(
      eventBlock(alone, {
        seq: null,
        hop: '',
        hints: [
          hint('log', 'What it followed from was not seen here.'),
          ...guessHint(alone.guesses),
        ],
      }),
    );
  const skipped = errors.filter((error) => isSleeping(error.event));
  for (const linked of skipped) addEvent(linked, 'error', errorHints(linked.event));
  for (const [i, linked] of sents.entries()) addEvent(linked, 'sent', i > 0 ? [SENT_TWICE] : []);
  if (delivery) {
    for (const block of deliveryBlocks(delivery)) {
      if (block.kind === 'received') found.push(noted(block, round.receivedHints));
      else if (block.kind === 'response') {
        const shown = isWaiting ? responseBlock(delivery, true) : block;
        found.push(noted(shown, round.responseHints));
      } else found.push(block);
    }
  }
  // Parts that belong here for certain are one view. One that may belong elsewhere stands on its
  // own and says so.
  const certain = responses.filter(({ ambiguousWith }) => ambiguousWith.length === 0);
  for (const parts of answersOf(certain)) {
    const whole = joined(parts);
    const { event: first } = whole.inOrder[0];
    const hints = [
      ...answerHints(whole, trace),
      ...guessHint(parts.flatMap((part) => part.event.guesses)),
    ];
    found.push(answerBlock(parts, { kind: 'response', seq, hop: hopTo(first), hints }));
  }
  for (const linked of responses.filter(({ ambiguousWith }) => ambiguousWith.length > 0))
    addEvent(linked, 'response', []);
  for (const linked of errors.filter((error) => !isSleeping(error.event)))
    addEvent(linked, 'error', errorHints(linked.event));
  return found;

  /**
   * @param {Linked} linked @param {import('../particle/event.js').Kind} kind @param {Hint[]} more
   */
  function addEvent({ event: one, ambiguousWith }, kind, more) {
    const hints = [...ambiguityHint(ambiguousWith), ...more, ...guessHint(one.guesses)];
    found.push(
      eventBlock(one, {
        kind,
        seq: ambiguousWith.length > 0 ? null : seq,
        hop: ambiguousWith.length > 0 ? '' : hopTo(one),
        hints,
      }),
    );
    if (ambiguousWith.length > 0) unsure.add(found[found.length - 1]);
  }

  /** How long after the block before it, if both carry Particle's stamp. @param {Event} one */
  function hopTo(one) {
    const before = found[found.length - 1];
    if (
      !before ||
      unsure.has(before) ||
      !['api', 'device', 'internal', 'error'].includes(before.kind) ||
      before.at === null
    )
      return '';
    const ms = one.at - Date.parse(before.at);
    return ms >= 0 ? span(ms) : '';
  }
}

/**
 * Parts in sets of which each has a number once: two answers to one event are two views.
 * @param {Linked[]} parts
 * @returns {Linked[][]}
 */
function answersOf(parts) {
  /** @type {Linked[][]} */
  const sets = [];
  for (const one of parts) {
    const set = sets.find((others) => others.every(({ part }) => part !== one.part));
    if (set) set.push(one);
    else sets.push([one]);
  }
  return sets;
}

/**
 * @param {Trace} trace
 * @param {string[]} prefixes
 * @param {boolean} isWaiting
 * @returns {{status: string, severity: Round['severity']}}
 */
function outcomeOf({ event, delivery, earlier, alone, ...followed }, prefixes, isWaiting) {
  const [sents, responses, errors] = [followed.sents, followed.responses, followed.errors].map(
    (list) => list.filter(({ ambiguousWith }) => ambiguousWith.length === 0),
  );
  if (alone) return { status: 'its event was not seen here', severity: 'plain' };
  const failed = errors.filter((error) => !isSleeping(error.event));
  if (delivery) {
    const { status } = delivery.response;
    const words = [isWaiting ? 'waiting' : String(status)];
    if (earlier) words.push(`seen before, #${earlier.seq}`);
    if (failed.length > 0) words.push('hook-error');
    // Whether a redirect is an error for Particle is not documented.
    const isOpen = isWaiting || (status >= 300 && status < 400);
    const severity = status < 300 ? 'good' : 'bad';
    return {
      status: words.join(' · '),
      severity: failed.length > 0 ? 'bad' : isOpen ? 'plain' : severity,
    };
  }
  if (failed.length > 0)
    return { status: `hook-error: ${(failed[0].event.data ?? '').slice(0, 60)}`, severity: 'bad' };
  if (errors.length > 0) return { status: 'skipped by the cloud', severity: 'bad' };
  if (event && !triggers(event.name, prefixes))
    return { status: 'did not trigger the webhook', severity: 'plain' };
  if (responses.length > 0)
    return { status: 'answered, not received here so far', severity: 'plain' };
  if (sents.length > 0) return { status: 'sent, not received here so far', severity: 'plain' };
  return { status: 'published, no delivery so far', severity: 'plain' };
}

/** From the event to the last that came back, both by Particle's clock. @param {Trace} trace */
function tookOf({ event, responses, errors }) {
  const answers = [...responses, ...errors]
    .filter(({ ambiguousWith }) => ambiguousWith.length === 0)
    .map((answer) => answer.event);
  if (!event || answers.length === 0) return '';
  const ms = Math.max(...answers.map(({ at }) => at)) - event.at;
  return ms < 0
    ? ''
    : `${span(ms)} from event to ` +
        `${errors.length > 0 && responses.length === 0 ? 'hook-error' : 'hook-response'}`;
}

/**
 * @param {Trace} trace
 * @param {boolean} isPress of the test button
 * @param {Map<string, string>} [names]
 */
function whoIs({ event, delivery, coreid, name, alone }, isPress, names) {
  if (alone) return 'Particle cloud';
  if (!event && delivery && isFromPage(delivery.request))
    return 'Sent by this page, as Particle would';
  const source = event?.coreid ?? coreid ?? '';
  if (source === 'api')
    return isPress ? 'Test button' : `API${name === null ? '' : `, ${name.slice(0, 40)}`}`;
  const known = names?.get(source);
  if (known) return known.slice(0, 40);
  return /^[0-9a-f]{24}$/.test(source)
    ? `device …${source.slice(-6)}`
    : source.slice(0, 24) || 'unnamed source';
}

/** @param {Delivery} delivery */
const methodAndPath = ({ request }) =>
  `${request.method.slice(0, 16)} ${request.path === '/' ? '' : request.path.slice(0, 40)}`.trim();

/** @param {Trace[]} ambiguousWith */
function ambiguityHint(ambiguousWith) {
  if (ambiguousWith.length === 0) return [];
  const numbers = ambiguousWith
    .filter(({ delivery }) => delivery !== null)
    .map(({ delivery }) => delivery?.seq ?? 0)
    .sort((a, b) => a - b);
  const shown =
    numbers
      .slice(0, 12)
      .map((seq) => `#${seq}`)
      .join(', ') + (numbers.length > 12 ? ', …' : '');
  const bare = ambiguousWith.length - numbers.length;
  const rest =
    bare === 0 ? '' : `${bare} ${bare === 1 ? 'event' : 'events'} without a delivery here`;
  const which = [shown, rest].filter(Boolean).join(' and ');
  const about = 'once-twice-out-of-order';
  return [hint(about, `Belongs to one of ${which}; nothing in it says which.`)];
}

/** @param {Block} block @param {Hint[]} hints @returns {Block} */
function noted(block, hints) {
  if (hints.length === 0) return block;
  const { note, about } = noteOf(hints);
  return { ...block, note: block.note === '' ? note : `${block.note} ${note}`, about };
}

// ---- Remarks in the row

/**
 * A run of numbers with nothing to show.
 * @param {number} from
 * @param {number} to
 * @param {string} what
 * @param {string} [end]
 * @returns {Round}
 */
function gap(from, to, what, end = '') {
  const status = from === to ? `holds ${what} it${end}` : `hold ${what} them${end}`;
  return {
    ...remark(`gap:${from}:${to}`, from === to ? `#${from}` : `#${from}–#${to}`, status),
    seq: from,
  };
}

/**
 * Spans in which nobody listened, with nothing between them.
 * @param {{from: number, to: number | null}[]} spans
 * @param {Context} context
 * @returns {Round}
 */
function quietRound(spans, { timeZone }) {
  const time = (/** @type {number} */ ms) =>
    new Date(ms).toLocaleTimeString('en-GB', {
      timeZone,
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  const [{ from }] = spans;
  const { to } = spans[spans.length - 1];
  const times = to === null ? `since ${time(from)}` : `${time(from)}–${time(to)}`;
  const often = spans.length > 1 ? ` (${spans.length} times)` : '';
  return {
    ...remark(
      `quiet:${from}`,
      'Not listening',
      `${times}${often}: events from ${often && 'parts of '}that time are missing here`,
    ),
    quiet: spans,
  };
}

/** @param {string} key @param {string} who @param {string} status @returns {Round} */
const remark = (key, who, status) => ({
  key,
  seq: null,
  who,
  isTest: false,
  status,
  severity: 'plain',
  took: '',
  at: null,
  isRemark: true,
  hasHint: false,
  kinds: new Set(),
  blocks: [],
  trace: null,
});

/**
 * Neighbouring silences are one remark; one before all else says nothing.
 * @param {Round[]} line
 * @param {Context} context
 */
function oneQuiet(line, context) {
  /** @type {Round[]} */
  const found = [];
  for (const round of line) {
    const spans = round.quiet;
    const before = found[found.length - 1]?.quiet;
    if (!spans) found.push(round);
    else if (before) found[found.length - 1] = quietRound([...before, ...spans], context);
    else if (found.length > 0) found.push(round);
  }
  return found;
}
