// @ts-check
// Which rounds are shown: those of one device, or with one kind of block. Pure. What holds no round, such as a missing number
// or a time when nobody listened, is shown always: a filter must not make the log look more whole than it is.

/**
 * @typedef {import('./rounds.js').Round} Round
 * @typedef {{source: string | null, kind: string, only: boolean}} Filter `source`: the coreid, empty for rounds without one,
 *   null for all. `kind`: of a block that is in the round, empty for any. `only`: of such a round, only these blocks
 */

/** @type {Filter} */
export const ALL = Object.freeze({ source: null, kind: '', only: false });

/** @param {Filter} filter */
export const isAll = ({ source, kind }) => source === null && kind === '';

/** Who a round is from, as the events name it. @param {Round} round */
const sourceOf = ({ strand }) => strand?.event?.coreid ?? strand?.coreid ?? strand?.alone?.coreid ?? '';

/** More than this many are no choice but a list to get lost in; the newest are offered. */
const MAX_SOURCES = 50;

/**
 * Who rounds are from, the newest first. Names of devices are not unique, so those that come twice carry the end of the ID.
 * @param {Round[]} rounds
 */
export function sources(rounds) {
  /** @type {Map<string, string>} */
  const labels = new Map();
  for (let at = rounds.length - 1; at >= 0 && labels.size < MAX_SOURCES; at -= 1) {
    const source = sourceOf(rounds[at]);
    if (rounds[at].blocks.length > 0 && !labels.has(source)) labels.set(source, labelOf(source, rounds[at].who));
  }
  const all = [...labels.values()];
  return [...labels].map(([source, label]) => ({ source, label: all.filter((one) => one === label).length > 1 ? `${label} …${source.slice(-6)}` : label }));
}

/** @param {string} source @param {string} who */
const labelOf = (source, who) => ({ '': 'requests without a coreid', api: 'API and Test button', 'particle-internal': 'the cloud itself' })[source] ?? who;

/** @param {Round} round @param {Filter} filter */
export const matches = (round, { source, kind }) =>
  round.blocks.length === 0 || ((source === null || sourceOf(round) === source) && (kind === '' || round.blocks.some((block) => block.kind === kind)));

/** @type {WeakMap<Round, {kind: string, round: Round}>} */
const cut = new WeakMap();

/**
 * The rounds to show, and how many that is. The same round gives the same object, as the rail wants it.
 * @param {Round[]} all @param {Filter} filter @param {string | null} last the key of the newest that was there when it was set;
 *   null if there was none
 */
export function filtered(all, filter, last) {
  const rounds = all.filter((round) => matches(round, filter)).map((round) => (filter.only && filter.kind !== '' ? onlyBlocks(round, filter.kind) : round));
  const isRound = (/** @type {Round} */ { blocks }) => blocks.length > 0;
  // What is loaded from the past is not new, so it is the place that counts.
  const from = last === null ? 0 : all.findIndex(({ key }) => key === last) + 1;
  const since = last !== null && from === 0 ? 0 : all.slice(from).filter((round) => isRound(round) && !matches(round, filter)).length;
  return { rounds, shown: rounds.filter(isRound).length, of: all.filter(isRound).length, since };
}

/** @param {Round} round @param {string} kind @returns {Round} */
function onlyBlocks(round, kind) {
  if (round.blocks.length === 0) return round;
  const before = cut.get(round);
  if (before?.kind === kind) return before.round;
  // A time is from the block before, which is not there any more.
  const blocks = round.blocks.filter((block) => block.kind === kind).map((block) => ({ ...block, hop: '' }));
  const made = { ...round, blocks };
  cut.set(round, { kind, round: made });
  return made;
}

/**
 * What is shown, in words.
 * @param {{shown: number, of: number, since: number}} counts @param {string[]} wishes what was chosen, in words
 * @param {boolean} isPart there are older rounds that are not loaded
 */
export function words({ shown, of, since }, wishes, isPart) {
  const wanted = wishes.join(', ');
  if (of === 0) return `No round here yet to choose from: ${wanted}.`;
  const loaded = isPart ? (of === 1 ? ' that is loaded' : ' that are loaded') : '';
  if (shown === 0) return of === 1 ? `The one round${loaded || ' here'} does not match: ${wanted}.` : `None of the ${of} rounds${loaded || ' here'} matches: ${wanted}.`;
  const out = since === 0 ? '' : ` ${since} new ${since === 1 ? 'round does' : 'rounds do'} not match.`;
  return `Showing ${shown} of ${of} ${of === 1 ? 'round' : 'rounds'}${loaded}: ${wanted}.${out}`;
}
