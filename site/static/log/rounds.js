// @ts-check
// Rounds: one event and all that followed from it, as the rail draws them. Pure.
//
// What goes in: deliveries, events, the numbers that hold no delivery, the spans in which nobody listened to events. What
// comes out: rounds, the oldest first, each with its blocks in the order of cause and never of a clock. It is the same
// whatever order things were heard in. What did not change is the same object as before, so that the rail can tell by
// identity what did.

import { blocksOf } from './delivery.js';
import { runs } from './merge.js';
import { estimateLine } from '../particle/data-operations.js';
import { answerBlock, eventBlock } from '../particle/event-block.js';
import { answerHints, errorHints, guessHint, receivedHints, responseHints, triggerHints } from '../particle/hints.js';
import { isSleeping, join } from '../particle/join.js';
import { SENT_BY } from '../particle/origin.js';
import { joined } from '../particle/response-parts.js';
import { clockOf, ordered } from '../particle/timeline.js';
import { isTest } from '../particle/webhook.js';
import { span } from '../lib/time.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {import('./delivery.js').Block} Block
 * @typedef {import('../particle/event.js').Event} Event
 * @typedef {import('../particle/join.js').Strand} Strand
 * @typedef {import('../particle/join.js').Linked} Linked
 * @typedef {{
 *   key: string,
 *   seq: number | null,
 *   who: string,
 *   isTest: boolean,
 *   status: string,
 *   tone: 'good' | 'bad' | 'plain',
 *   aside: string,
 *   at: string | null,
 *   blocks: Block[],
 *   strand: Strand | null,
 *   quiet?: {from: number, to: number | null}[],
 * }} Round `key` is the same for as long as the round lives. `who`: which device, or what kind of request. `isTest`: a
 *   press of the test button began it. `status`: how it
 *   went, in a few words. `aside`: how long it took, where one clock measured it. A round without blocks is a remark in
 *   the row, such as a number that holds no delivery. `strand`: what it was drawn from.
 *   `quiet`: of a remark that nobody listened, when that was
 * @typedef {{missing: number[], unreadable: number[], older?: string | null, quiet?: {from: number, to: number | null}[]}} Gaps
 *   `older`: there are older deliveries that were not read. `quiet`: nobody listened to events, by this browser's clock in
 *   milliseconds; `to` is null while that lasts
 * @typedef {{prefix?: string | null, names?: Map<string, string>, timeZone?: string}} Context `prefix`: the event name of
 *   the learner's webhook. `names`: of devices, by their IDs
 */

/**
 * @param {Delivery[]} deliveries
 * @param {Event[]} events
 * @param {Gaps} gaps
 * @param {Context} [context]
 * @returns {Round[]}
 */
export function rounds(deliveries, events, { missing, unreadable, older = null, quiet = [] }, context = {}) {
  const strands = joinedOnce(deliveries, events);
  const drawn = strands.map((strand) => roundKept(strand, context));
  const numbered = drawn.filter(({ seq }) => seq !== null).map((item) => ({ seq: item.seq ?? 0, strand: item.strand, item }));
  const holes = [
    ...runs(missing).map(([from, to]) => hole(from, to, 'no delivery: nothing was acknowledged under', '')),
    ...runs(unreadable).map(([from, to]) => hole(from, to, 'a delivery, but what is stored under', ' can’t be read')),
  ];
  numbered.push(...holes.map((item) => ({ seq: item.seq ?? 0, strand: null, item })));
  const clock = clockOf(events);
  const others = [
    ...drawn.filter(({ seq }) => seq === null).map((item) => ({ at: item.strand?.at ?? 0, key: item.key, item })),
    ...quiet.map((gap) => ({ at: clock(gap.from), key: `quiet:${gap.from}`, item: quietRound([gap], context) })),
  ];
  const line = ordered(numbered, others);
  // Events of the time before the first delivery here would look as if nothing had come of them.
  const firstNumber = line.findIndex(({ seq }) => seq !== null);
  return oneQuiet(older !== null && firstNumber > 0 ? line.slice(firstNumber) : line, context);
}

/** @param {Strand} strand @param {Context} context @returns {Round} */
function roundOf(strand, { prefix = null, names }) {
  const { key, event, delivery, alone } = strand;
  const seq = delivery?.seq ?? null;
  const outcome = outcomeOf(strand, prefix);
  const source = event?.coreid ?? strand.coreid;
  const isPress = prefix !== null && source === 'api' && isTest(prefix, event?.name ?? strand.name, event?.data ?? strand.data);
  return {
    key,
    seq,
    who: delivery && source === null ? methodAndPath(delivery) : whoIs(strand, isPress, names),
    isTest: isPress,
    ...outcome,
    aside: tookOf(strand),
    at: delivery?.received_at ?? event?.published_at ?? alone?.published_at ?? null,
    blocks: blocks(strand, seq, prefix),
    strand,
  };
}

/** The blocks of a round in the order of cause. @param {Strand} strand @param {number | null} seq @param {string | null} prefix */
function blocks(strand, seq, prefix) {
  const { event, delivery, alone, sents, responses, errors } = strand;
  /** @type {Block[]} */
  const found = [];
  /** Blocks that may belong elsewhere: no time is measured from them. */
  const unsure = new Set();
  const add = (/** @type {object} */ anchor, /** @type {Block} */ block) => void found.push(keptBlock(anchor, block));
  if (event) {
    const cost = estimateLine(strand);
    const more = /** @type {import('./delivery.js').Row[]} */ (cost === null ? [] : [{ name: 'data operations, an estimate', kind: 'text', value: cost, openOnly: true }]);
    add(event, eventBlock(event, { seq, hop: '', note: sentence([...amongHint(strand.among), ...triggerHints(event, prefix), ...guessHint(event.guesses)]), more }));
  }
  if (alone) add(alone, eventBlock(alone, { seq: null, hop: '', note: sentence(['What it followed from was not seen here.', ...guessHint(alone.guesses)]) }));
  const skipped = errors.filter((error) => isSleeping(error.event));
  for (const linked of skipped) addEvent(linked, errorHints(linked.event));
  for (const [i, linked] of sents.entries()) addEvent(linked, i > 0 ? ['A second hook-sent: two webhooks whose names overlap fired.'] : []);
  if (delivery) {
    const [received, parsed, response] = deliveryBlocks(delivery);
    add(received, noted(received, receivedHints(strand)));
    add(parsed, parsed);
    add(response, noted(response, responseHints(strand)));
  }
  // Parts that belong here for certain are one view. One that may belong elsewhere stands on its own and says so.
  const certain = responses.filter(({ among }) => among.length === 0);
  for (const parts of answersOf(certain)) {
    const whole = joined(parts);
    const { event: first } = whole.inOrder[0];
    const hints = [...answerHints(whole, strand), ...guessHint(parts.flatMap((part) => part.event.guesses))];
    add(first, answerBlock(parts, { seq, hop: hopTo(first), note: sentence(hints) }));
  }
  for (const linked of responses.filter(({ among }) => among.length > 0)) addEvent(linked, []);
  for (const linked of errors.filter((error) => !isSleeping(error.event))) addEvent(linked, errorHints(linked.event));
  return found;

  /** @param {Linked} linked @param {string[]} hints */
  function addEvent({ event: one, among }, hints) {
    const note = sentence([...amongHint(among), ...hints, ...guessHint(one.guesses)]);
    add(one, eventBlock(one, { seq: among.length > 0 ? null : seq, hop: among.length > 0 ? '' : hopTo(one), note }));
    if (among.length > 0) unsure.add(found[found.length - 1]);
  }

  /** How long after the block before it, if both carry Particle's stamp. @param {Event} one */
  function hopTo(one) {
    const before = found[found.length - 1];
    if (!before || unsure.has(before) || !['api', 'device', 'internal', 'error'].includes(before.kind) || before.at === null) return '';
    const ms = one.at - Date.parse(before.at);
    return ms >= 0 ? span(ms) : '';
  }
}

/** Parts in sets of which each has a number once: two answers to one event are two views. @param {Linked[]} parts @returns {Linked[][]} */
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

/** @param {Strand} strand @param {string | null} prefix @returns {{status: string, tone: Round['tone']}} */
function outcomeOf({ event, delivery, first, alone, ...followed }, prefix) {
  const [sents, responses, errors] = [followed.sents, followed.responses, followed.errors].map((list) => list.filter(({ among }) => among.length === 0));
  if (alone) return { status: 'its event was not seen here', tone: 'plain' };
  const failed = errors.filter((error) => !isSleeping(error.event));
  if (delivery) {
    const { status } = delivery.response;
    const words = [String(status)];
    if (first?.delivery) words.push(`seen before, #${first.delivery.seq}`);
    if (failed.length > 0) words.push('hook-error');
    return { status: words.join(' · '), tone: status < 300 && failed.length === 0 ? 'good' : 'bad' };
  }
  if (failed.length > 0) return { status: `hook-error: ${(failed[0].event.data ?? '').slice(0, 60)}`, tone: 'bad' };
  if (errors.length > 0) return { status: 'skipped by the cloud', tone: 'bad' };
  if (event && prefix !== null && !event.name.startsWith(prefix)) return { status: 'did not trigger the webhook', tone: 'plain' };
  if (responses.length > 0) return { status: 'answered, not received here so far', tone: 'plain' };
  if (sents.length > 0) return { status: 'sent, not received here so far', tone: 'plain' };
  return { status: 'published, no delivery so far', tone: 'plain' };
}

/** From the event to the last that came back, both by Particle's clock. @param {Strand} strand */
function tookOf({ event, responses, errors }) {
  const answers = [...responses, ...errors].filter(({ among }) => among.length === 0).map((answer) => answer.event);
  if (!event || answers.length === 0) return '';
  const ms = Math.max(...answers.map(({ at }) => at)) - event.at;
  return ms < 0 ? '' : `${span(ms)} from event to ${errors.length > 0 && responses.length === 0 ? 'hook-error' : 'hook-response'}`;
}

/** @param {Strand} strand @param {boolean} isPress of the test button @param {Map<string, string>} [names] */
function whoIs({ event, delivery, coreid, name, alone }, isPress, names) {
  if (alone) return 'Particle cloud';
  if (!event && delivery?.request.headers.some(([header]) => header === SENT_BY)) return 'Sent by this page, as Particle would';
  const source = event?.coreid ?? coreid ?? '';
  if (source === 'api') return isPress ? 'Test button' : `API${name === null ? '' : `, ${name.slice(0, 40)}`}`;
  const known = names?.get(source);
  if (known) return known.slice(0, 40);
  return /^[0-9a-f]{24}$/.test(source) ? `device …${source.slice(-6)}` : source.slice(0, 24) || 'unnamed source';
}

/** @param {Delivery} delivery */
const methodAndPath = ({ request }) => `${request.method.slice(0, 16)} ${request.path === '/' ? '' : request.path.slice(0, 40)}`.trim();

/** @param {Strand[]} among */
function amongHint(among) {
  if (among.length === 0) return [];
  const numbers = among.filter(({ delivery }) => delivery !== null).map(({ delivery }) => delivery?.seq ?? 0).sort((a, b) => a - b);
  const shown = numbers.slice(0, 12).map((seq) => `#${seq}`).join(', ') + (numbers.length > 12 ? ', …' : '');
  const bare = among.length - numbers.length;
  const rest = bare === 0 ? '' : `${bare} ${bare === 1 ? 'event' : 'events'} without a delivery here`;
  return [`Belongs to one of ${[shown, rest].filter(Boolean).join(' and ')}; nothing in it says which.`];
}

/** @param {string[]} sentences */
const sentence = (sentences) => sentences.filter(Boolean).join(' ');

/** @param {Block} block @param {string[]} hints @returns {Block} */
const noted = (block, hints) => (hints.length === 0 ? block : { ...block, note: sentence([block.note, ...hints]) });

// ---- Remarks in the row

/** A run of numbers with nothing to show. @param {number} from @param {number} to @param {string} what @param {string} end @returns {Round} */
function hole(from, to, what, end) {
  const status = from === to ? `holds ${what} it${end}` : `hold ${what} them${end}`;
  return keptRemark({ ...remark(`gap:${from}:${to}`, from === to ? `#${from}` : `#${from}–#${to}`, status), seq: from });
}

/** Spans in which nobody listened, with nothing between them. @param {{from: number, to: number | null}[]} spans @param {Context} context @returns {Round} */
function quietRound(spans, { timeZone }) {
  const time = (/** @type {number} */ ms) => new Date(ms).toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const [{ from }] = spans;
  const { to } = spans[spans.length - 1];
  const times = to === null ? `since ${time(from)}` : `${time(from)}–${time(to)}`;
  const often = spans.length > 1 ? ` (${spans.length} times)` : '';
  return keptRemark({ ...remark(`quiet:${from}`, 'Not listening', `${times}${often}: events of that time were not seen here`), quiet: spans });
}

/** @param {string} key @param {string} who @param {string} status @returns {Round} */
const remark = (key, who, status) => ({ key, seq: null, who, isTest: false, status, tone: 'plain', aside: '', at: null, blocks: [], strand: null });

/** Neighbouring silences are one remark; one before all else says nothing. @param {Round[]} line @param {Context} context */
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

// ---- What did not change stays the same object

/** @type {WeakMap<object, {round: Round, from: string, names: Map<string, string> | undefined}>} */
const keptRounds = new WeakMap();
/** @type {WeakMap<object, Block>} */
const keptBlocks = new WeakMap();
/** @type {Map<string, Round>} */
const keptRemarks = new Map();
/** @type {WeakMap<Delivery, Block[]>} */
const keptDeliveryBlocks = new WeakMap();

/** What was joined last. @type {{deliveries: Delivery[], events: Event[], strands: Strand[]} | null} */
let lastJoined = null;

/** Joins, unless it is the same as the last time, as it is with most questions to the server. @param {Delivery[]} deliveries @param {Event[]} events */
function joinedOnce(deliveries, events) {
  const same = (/** @type {unknown[]} */ a, /** @type {unknown[]} */ b) => a.length === b.length && a.every((one, i) => one === b[i]);
  if (lastJoined && same(lastJoined.deliveries, deliveries) && same(lastJoined.events, events)) return lastJoined.strands;
  // Copies: whoever adds to a list of theirs later must not change what this was joined from.
  lastJoined = { deliveries: [...deliveries], events: [...events], strands: join(deliveries, events) };
  return lastJoined.strands;
}

/** @param {Strand} strand @param {Context} context @returns {Round} */
function roundKept(strand, context) {
  const anchor = /** @type {object} */ (strand.event ?? strand.delivery ?? strand.alone);
  const before = keptRounds.get(anchor);
  const from = madeOf(strand, context.prefix ?? '');
  if (before?.from === from && before.names === context.names) {
    before.round.strand = strand;
    return before.round;
  }
  const drawn = roundOf(strand, context);
  // What changed may not show.
  const round = before && sameRound(before.round, drawn) ? before.round : drawn;
  round.strand = strand;
  keptRounds.set(anchor, { round, from, names: context.names });
  return round;
}

/** All that a round is drawn from, by name. An event and a delivery never change, so a name stands for all of one. @param {Strand} strand @param {string} prefix */
function madeOf({ key, event, delivery, first, among, sents, responses, errors }, prefix) {
  const names = (/** @type {Strand[]} */ strands) => strands.map((one) => one.delivery?.seq ?? '-').join();
  const links = (/** @type {Linked[]} */ list) => list.map((one) => `${one.event.id}<${names(one.among)}`).join();
  return [prefix, key, event?.id ?? '', delivery?.seq ?? '', first?.delivery?.seq ?? '', first?.sents.length ?? '', names(among), links(sents), links(responses), links(errors)].join('|');
}

/** @param {Round} a @param {Round} b */
const sameRound = (a, b) =>
  a.key === b.key && a.seq === b.seq && a.who === b.who && a.status === b.status && a.tone === b.tone && a.aside === b.aside && a.at === b.at &&
  a.blocks.length === b.blocks.length && a.blocks.every((block, i) => block === b.blocks[i]);

/** @param {Round} round */
function keptRemark(round) {
  const name = `${round.key}|${round.status}`;
  const before = keptRemarks.get(name);
  if (before) return before;
  if (keptRemarks.size > 500) keptRemarks.clear();
  keptRemarks.set(name, round);
  return round;
}

/** @param {object} anchor @param {Block} block */
function keptBlock(anchor, block) {
  const before = keptBlocks.get(anchor);
  if (before && (before === block || sameBlock(before, block))) return before;
  keptBlocks.set(anchor, block);
  return block;
}

/** @param {Block} a @param {Block} b */
const sameBlock = (a, b) =>
  a.key === b.key && a.kind === b.kind && a.seq === b.seq && a.hop === b.hop && a.note === b.note && a.rows.length === b.rows.length &&
  a.rows.every((row, i) => row === b.rows[i] || (row.name === b.rows[i].name && row.value === b.rows[i].value && row.remark === b.rows[i].remark && (row.pairs?.length ?? 0) === (b.rows[i].pairs?.length ?? 0)));

/** @param {Delivery} delivery */
function deliveryBlocks(delivery) {
  let drawn = keptDeliveryBlocks.get(delivery);
  if (!drawn) {
    drawn = blocksOf(delivery);
    keptDeliveryBlocks.set(delivery, drawn);
  }
  return drawn;
}
