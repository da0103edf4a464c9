// @ts-check
// Recorded examples become the reader's own: once a complete round of the same kind has arrived,
// its blocks replace the recorded ones, and its values the recorded ones in the text. A button
// brings the recorded ones back. Loaded once there is a round.

import { drawBlock } from '../log/block.js';
import { element, wordButton, write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { TYPED, isMadeUp } from './rules.js';

/**
 * @typedef {import('../log/rounds.js').Round} Round
 * @typedef {import('../log/delivery.js').Block} Block
 */

/** What the text calls a block. Pure. @param {Block} block @returns {string} */
export function exampleName({ kind, rows }) {
  if (kind === 'api' || kind === 'device') return 'trigger';
  if (kind === 'error') return 'hook-error';
  if (kind === 'internal')
    return rows[0].value.startsWith('hook-sent/') ? 'hook-sent' : 'hook-response';
  return kind;
}

/**
 * Whether a round is of the kind that an example shows. Pure.
 * @type {Map<string, (round: Round) => boolean>}
 */
const IS = new Map(
  Object.entries({
    test: (round) => went(round, 'api') && round.isTest,
    device: (round) => went(round, 'device') && !isTyped(round),
    typed: (round) => went(round, 'device') && isTyped(round),
    error: ({ blocks, trace }) =>
      blocks.some(({ kind }) => kind === 'error') && trace?.delivery?.response.status === 500,
    long: ({ blocks, trace }) =>
      blocks.some(({ rows }) => rows.some(({ name }) => name === 'parts')) &&
      (trace?.responses.length ?? 0) > 1,
    'made-up': ({ trace }) => trace !== null && isMadeUp(trace),
  }),
);

/** @param {Round} round */
const isTyped = ({ trace }) => TYPED.test(trace?.event?.data ?? '');

/**
 * An event of a kind that went the whole way, once and well.
 * @param {Round} round
 * @param {Block['kind']} kind
 */
const went = ({ blocks, trace, severity }, kind) =>
  blocks[0]?.kind === kind &&
  blocks.length === 6 &&
  trace?.responses.length === 1 &&
  trace.errors.length === 0 &&
  trace.first === null &&
  severity === 'good';

/**
 * The newest round that can stand in for an example, with no doubt about what belongs to it. Pure.
 * @param {Round[]} rounds @param {string} kind of example @param {string[]} names the blocks that
 *   are shown of it
 */
export const ownRound = (rounds, kind, names) =>
  rounds.findLast((round) => {
    const { trace } = round;
    if (round.seq === null || !trace?.delivery || !IS.get(kind)?.(round)) return false;
    if (
      [
        trace.ambiguousWith,
        ...[...trace.sents, ...trace.responses, ...trace.errors].map(
          ({ ambiguousWith }) => ambiguousWith,
        ),
      ].some(({ length }) => length > 0)
    )
      return false;
    const there = round.blocks.map(exampleName);
    return names.every((name) => there.includes(name));
  }) ?? null;

/**
 * Replaces the examples of each section by what the reader has.
 * @param {() => Round[]} rounds all there are
 */
export function mountExamples(rounds) {
  const groups = [...document.querySelectorAll('.page-section')].flatMap((section) => {
    const figures = /** @type {HTMLElement[]} */ ([...section.querySelectorAll('.prose-example')]);
    return [...new Set(figures.map(({ dataset }) => dataset.round ?? ''))]
      .filter((kind) => IS.has(kind))
      .map((kind) => {
        const values = section.querySelectorAll(`[data-value^="${kind} "]`);
        return group(
          kind,
          figures.filter(({ dataset }) => dataset.round === kind),
          /** @type {HTMLElement[]} */ ([...values]),
        );
      });
  });
  effect(() => groups.forEach((update) => update(rounds())));
}

/**
 * The examples of one section that come from one round.
 * @param {string} kind
 * @param {HTMLElement[]} figures
 * @param {HTMLElement[]} values in the text; each names a block and one of its fields
 */
function group(kind, figures, values) {
  const names = figures.map(({ dataset }) => dataset.block ?? '');
  const recorded = figures.map((figure) => /** @type {Element} */ (figure.firstElementChild));
  const written = values.map(({ textContent }) => textContent ?? '');
  /** The newest round of the reader's own. @type {Round | null} */
  let own = null;
  /** What is shown of it; null for the recorded round. @type {Round | null} */
  let shown = null;
  let isRecordedChosen = false;
  // Under each of them, so that it is near whatever is read.
  const lines = figures.map((figure) => {
    const whose = document.createElement('span');
    const button = wordButton('', (pressed) => {
      const { top } = pressed.getBoundingClientRect();
      isRecordedChosen = shown !== null;
      show(isRecordedChosen ? null : own);
      // What was pressed stays under the finger.
      scrollBy({ top: pressed.getBoundingClientRect().top - top, behavior: 'instant' });
    });
    const line = element('p', 'yours-line', whose, button);
    line.hidden = true;
    figure.append(line);
    return { line, whose, button };
  });

  /** @param {Round | null} round */
  function show(round) {
    shown = round;
    const now = new Date();
    const blocks = new Map((shown?.blocks ?? []).map((block) => [exampleName(block), block]));
    figures.forEach((figure, i) => {
      const block = blocks.get(names[i]);
      /** @type {Element} */ (figure.firstElementChild).replaceWith(
        block ? drawBlock(block, now) : recorded[i],
      );
      figure.toggleAttribute('data-yours', block !== undefined);
    });
    values.forEach((value, i) => {
      const [, name, field] = (value.dataset.value ?? '').split(' ');
      write(value, valueOf(blocks.get(name), field) ?? written[i]);
    });
    for (const { line, whose, button } of lines) {
      line.hidden = false;
      write(whose, shown === null ? 'Recorded. ' : `Yours, #${shown.seq}. `);
      write(button, shown === null ? `Show yours (#${own?.seq})` : 'Show the recorded example');
    }
  }

  /** @param {Round[]} rounds */
  return (rounds) => {
    const found = ownRound(rounds, kind, names);
    if (found === null || found.key === own?.key) return;
    own = found;
    // A device publishes by itself: what is shown of it stays.
    const isKept = shown !== null && kind === 'device';
    if (isRecordedChosen) show(null);
    else if (!isKept) show(own);
  };
}

/**
 * A field of a block, or its number. Pure.
 * @param {Block | undefined} block
 * @param {string} field
 */
const valueOf = (block, field) =>
  field === 'seq' && block
    ? `#${block.seq}`
    : block?.rows.find(({ name }) => name === field)?.value;
