// @ts-check
// The collapsed log: six places of a round, which fill up as its blocks arrive.

/** @typedef {import('./rounds.js').Round} Round */
/** @typedef {import('./delivery.js').Block} Block */

/** In the order of cause. `short` is for where there is no room. @type {{word: string, short: string, kind: string, of: (block: Block) => boolean}[]} */
const PLACES = [
  { word: 'event', short: 'event', kind: 'api', of: ({ kind }) => kind === 'api' || kind === 'device' },
  { word: 'hook-sent', short: 'sent', kind: 'internal', of: ({ short }) => short === 'sent' },
  { word: 'received', short: 'request', kind: 'received', of: ({ kind }) => kind === 'received' },
  { word: 'parsed', short: 'parsed', kind: 'parsed', of: ({ kind }) => kind === 'parsed' },
  { word: 'response', short: 'answer', kind: 'response', of: ({ kind }) => kind === 'response' },
  { word: 'hook-response', short: 'back', kind: 'internal', of: ({ kind, short }) => short === 'back' || kind === 'error' },
];

/** What each place shows. Pure. @param {Pick<Round, 'blocks'>} round */
export const places = ({ blocks }) =>
  PLACES.map(({ word, short, kind, of }) => {
    const block = blocks.findLast(of);
    if (block?.kind === 'error') return { word: 'hook-error', short: 'error', kind: 'error', isThere: true };
    return { word, short, kind: block?.kind ?? kind, isThere: block !== undefined };
  });

/** @type {WeakMap<HTMLElement, Round | null>} */
const shown = new WeakMap();

/** @param {HTMLElement} strip @param {Round | null} round the newest; null if there is none, and all places are open */
export function drawStrip(strip, round) {
  // A round that changed is another object.
  if (shown.get(strip) === round) return;
  shown.set(strip, round);
  if (strip.childElementCount === 0) strip.append(made('strip-head'), ...PLACES.map(() => made('strip-segment', made('strip-long'), made('strip-short'), made('only-heard'))));
  const [head, ...segments] = strip.children;
  head.textContent = round === null ? 'No round yet' : round.seq === null ? round.who : `#${round.seq} ${round.status}`;
  places(round ?? { blocks: [] }).forEach(({ word, short, kind, isThere }, i) => {
    const segment = /** @type {HTMLElement} */ (segments[i]);
    const [long, brief, state] = segment.children;
    segment.dataset.kind = kind;
    segment.dataset.state = isThere ? 'there' : 'open';
    segment.title = isThere ? word : `${word}: not here so far`;
    long.textContent = word;
    brief.textContent = short;
    state.textContent = isThere ? ' is there. ' : ' is not here so far. ';
  });
}

/** @param {string} className @param {Node[]} children */
function made(className, ...children) {
  const node = document.createElement('span');
  node.className = className;
  node.append(...children);
  return node;
}
