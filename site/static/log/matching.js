// @ts-check
// Which rounds are listed: those of one device, with one kind of block, or with what is searched
// for. Pure. A remark, such as a missing number or a time when nobody listened, is listed with
// every filter but a search: a filter must not make the log look more whole than it is.

/**
 * @typedef {import('./rounds.js').Round} Round
 * @typedef {import('../state.js').Filter} Filter
 */

/** @param {Filter} filter */
export const isAll = ({ text, source, kind }) => text === '' && source === null && kind === '';

/** Who a round is from, as the events name it. @param {Round} round */
const sourceOf = ({ trace }) => trace?.event?.coreid ?? trace?.coreid ?? trace?.alone?.coreid ?? '';

/** More than this many are no choice but a list to get lost in; the newest are offered. */
const MAX_SOURCES = 50;

/**
 * Who rounds are from, the newest first. Names of devices are not unique, so those that come twice
 * carry the end of the ID.
 * @param {Round[]} rounds
 */
export function sources(rounds) {
  /** @type {Map<string, string>} */
  const labels = new Map();
  for (let at = rounds.length - 1; at >= 0 && labels.size < MAX_SOURCES; at -= 1) {
    const source = sourceOf(rounds[at]);
    if (!rounds[at].isRemark && !labels.has(source))
      labels.set(source, labelOf(source, rounds[at].who));
  }
  const all = [...labels.values()];
  const isShared = (/** @type {string} */ label) => all.filter((one) => one === label).length > 1;
  return [...labels].map(([source, label]) => ({
    source,
    label: isShared(label) ? `${label} …${source.slice(-6)}` : label,
  }));
}

const LABELS = new Map([
  ['', 'requests without a coreid'],
  ['api', 'API and Test button'],
  ['particle-internal', 'the cloud itself'],
]);

/** @param {string} source @param {string} [who] */
export const labelOf = (source, who = source.slice(0, 24)) => LABELS.get(source) ?? who;

/** @param {Round} round @param {Filter} filter */
const matches = (round, { source, kind }) =>
  round.isRemark ||
  ((source === null || sourceOf(round) === source) && (kind === '' || round.kinds.has(kind)));

/**
 * @param {Round[]} rounds @param {Filter} filter
 * @param {((round: Round) => boolean) | null} [search] what its text finds
 */
export function matching(rounds, filter, search = null) {
  if (isAll(filter)) return rounds;
  const chosen = rounds.filter((round) => matches(round, filter));
  const found = search === null ? chosen : chosen.filter(search);
  // Where no round is left, gaps between nothing would only puzzle.
  return found.every(({ isRemark }) => isRemark) ? [] : found;
}

/** The blocks of a round that a filter shows. @param {Round} round @param {Filter} filter */
export const matchingBlocks = ({ blocks }, { kind, only }) =>
  only && kind !== '' ? blocks.filter((block) => block.kind === kind) : blocks;

/**
 * What is listed, in words.
 * @param {Round[]} all @param {Round[]} listed @param {ReadonlySet<string>} since keys of those
 *   that came since the filter was set
 * @param {string[]} chosen what was chosen, in words @param {boolean} isPart there are older rounds
 *   that are not loaded
 */
export function summaryWords(all, listed, since, chosen, isPart) {
  const count = (/** @type {Round[]} */ rounds) =>
    rounds.filter(({ isRemark }) => !isRemark).length;
  const [shown, of] = [count(listed), count(all)];
  const wanted = chosen.join(', ');
  if (of === 0) return `No round here yet to choose from: ${wanted}.`;
  const loaded = isPart ? (of === 1 ? ' that is loaded' : ' that are loaded') : '';
  if (shown === 0) {
    return of === 1
      ? `The one round${loaded || ' here'} does not match: ${wanted}.`
      : `None of the ${of} rounds${loaded || ' here'} matches: ${wanted}.`;
  }
  const keys = new Set(listed.map(({ key }) => key));
  const others = count(all.filter(({ key }) => since.has(key) && !keys.has(key)));
  const missed =
    others === 0 ? '' : ` ${others} new ${others === 1 ? 'round does' : 'rounds do'} not match.`;
  return `Showing ${shown} of ${of} ${of === 1 ? 'round' : 'rounds'}${loaded}: ${wanted}.${missed}`;
}
