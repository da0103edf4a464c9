// @ts-check
// The collapsed log: six places of a round, which fill up as its blocks arrive.

import { element, write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';

/** @typedef {import('./rounds.js').Round} Round */
/** @typedef {import('./delivery.js').Block} Block */

/**
 * In the order of cause. `short` is for where there is no room.
 * @type {{word: string, short: string, kind: string, of: (block: Block) => boolean}[]}
 */
const PLACES = [
  {
    word: 'event',
    short: 'event',
    kind: 'api',
    of: ({ kind }) => kind === 'api' || kind === 'device',
  },
  { word: 'hook-sent', short: 'sent', kind: 'internal', of: ({ short }) => short === 'sent' },
  { word: 'received', short: 'request', kind: 'received', of: ({ kind }) => kind === 'received' },
  { word: 'parsed', short: 'parsed', kind: 'parsed', of: ({ kind }) => kind === 'parsed' },
  { word: 'response', short: 'answer', kind: 'response', of: ({ kind }) => kind === 'response' },
  {
    word: 'hook-response',
    short: 'back',
    kind: 'internal',
    of: ({ kind, short }) => short === 'back' || kind === 'error',
  },
];

/** What each place shows. Pure. @param {Pick<Round, 'blocks'>} round */
export const places = ({ blocks }) =>
  PLACES.map(({ word, short, kind, of }) => {
    const block = blocks.findLast(of);
    if (block?.kind === 'error')
      return { word: 'hook-error', short: 'error', kind: 'error', isThere: true };
    return { word, short, kind: block?.kind ?? kind, isThere: block !== undefined };
  });

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { rounds }) {
  const head = element('span', 'strip-head');
  const segments = PLACES.map(() => {
    const [long, brief, heard] = ['strip-long', 'strip-short', 'only-heard'].map((name) =>
      element('span', name),
    );
    return { node: element('span', 'strip-segment', long, brief, heard), long, brief, heard };
  });
  root.append(head, ...segments.map(({ node }) => node));

  effect(() => {
    // The newest; without one, all places are open.
    const round = rounds.value.findLast(({ isRemark }) => !isRemark);
    write(
      head,
      !round ? 'No round yet' : round.seq === null ? round.who : `#${round.seq} ${round.status}`,
    );
    places(round ?? { blocks: [] }).forEach(({ word, short, kind, isThere }, i) => {
      const { node, long, brief, heard } = segments[i];
      node.dataset.kind = kind;
      node.dataset.state = isThere ? 'there' : 'open';
      node.title = isThere ? word : `${word}: not here so far`;
      write(long, word);
      write(brief, short);
      write(heard, isThere ? ' is there. ' : ' is not here so far. ');
    });
  });
}
