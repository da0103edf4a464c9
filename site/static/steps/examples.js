// @ts-check
// Recorded examples can be the reader's own: where they have a complete round of the same kind, a
// button offers it. Nothing is exchanged or moved by itself; the button stands in room that is kept
// for it. Loaded once there is a round.

import { drawBlock } from '../log/block.js';
import { wordButton } from '../lib/dom.js';
import { effect } from '../lib/signal.js';

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
    device: (round) => went(round, 'device'),
    error: ({ blocks, trace }) =>
      blocks.some(({ kind }) => kind === 'error') && (trace?.delivery?.response.status ?? 0) >= 400,
    long: ({ blocks, trace }) =>
      blocks.some(({ rows }) => rows.some(({ name }) => name === 'parts')) &&
      (trace?.responses.length ?? 0) > 1,
  }),
);

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
    if (round.seq === null || !trace?.event || !trace.delivery || !IS.get(kind)?.(round))
      return false;
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

/** Finds the examples and offers what there is. @param {() => Round[]} rounds all there are */
export function mountExamples(rounds) {
  /** The examples of one section that come from one round. */
  const groups = [...document.querySelectorAll('.page-section')].flatMap((section) => {
    const figures = /** @type {HTMLElement[]} */ ([...section.querySelectorAll('.prose-example')]);
    return [...new Set(figures.map(({ dataset }) => dataset.round ?? ''))]
      .filter((kind) => IS.has(kind))
      .map((kind) =>
        group(
          kind,
          figures.filter(({ dataset }) => dataset.round === kind),
        ),
      );
  });
  effect(() => groups.forEach((one) => one.update(rounds())));
}

/** @param {string} kind @param {HTMLElement[]} figures */
function group(kind, figures) {
  const names = figures.map(({ dataset }) => dataset.block ?? '');
  const recorded = figures.map((figure) => /** @type {Element} */ (figure.firstElementChild));
  /** @type {Round | null} */
  let offered = null;
  /** @type {Round | null} */
  let shown = null;
  // Under each of them, so that it is near whatever is read.
  const lines = figures.map((figure) => {
    const line = document.createElement('p');
    line.className = 'yours-line';
    line.hidden = true;
    const whose = document.createElement('span');
    const button = wordButton('', swap);
    line.append(whose, button);
    figure.append(line);
    return { line, whose, button };
  });

  function draw() {
    for (const { line, whose, button } of lines) {
      line.hidden = offered === null && shown === null;
      whose.textContent = shown === null ? '' : `Yours, #${shown.seq}. `;
      button.textContent =
        shown === null ? `Show yours (#${offered?.seq})` : 'Show the recorded one';
    }
  }

  /** @param {HTMLElement} button */
  function swap(button) {
    const { top } = button.getBoundingClientRect();
    shown = shown === null ? offered : null;
    const now = new Date();
    figures.forEach((figure, i) => {
      const block = shown?.blocks.find((one) => exampleName(one) === names[i]);
      /** @type {Element} */ (figure.firstElementChild).replaceWith(
        block ? drawBlock(block, now) : recorded[i],
      );
      figure.toggleAttribute('data-yours', block !== undefined);
    });
    draw();
    // What was pressed stays under the finger.
    scrollBy({ top: button.getBoundingClientRect().top - top, behavior: 'instant' });
  }

  return {
    /** @param {Round[]} rounds */
    update(rounds) {
      const found = ownRound(rounds, kind, names);
      if (found?.key === offered?.key) return;
      offered = found;
      if (shown === null) draw();
    },
  };
}
