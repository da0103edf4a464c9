// @ts-check
// The collapsed log: six places of a round, which fill up as its blocks arrive.

import { element, write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';

/** @typedef {import('./rounds.js').Round} Round */
/** @typedef {import('./delivery.js').Block} Block */

/**
 * In the order of cause, by the titles of the blocks; events of the cloud by the beginning of their
 * names.
 * @type {{word: string, kind: string, of: (block: Block) => boolean}[]}
 */
const PLACES = [
  { word: 'Event', kind: 'api', of: ({ kind }) => kind === 'api' || kind === 'device' },
  { word: 'hook-sent', kind: 'internal', of: ({ short }) => short === 'sent' },
  { word: 'Webhook received', kind: 'received', of: ({ kind }) => kind === 'received' },
  { word: 'Parsed data', kind: 'parsed', of: ({ kind }) => kind === 'parsed' },
  { word: 'Webhook response', kind: 'response', of: ({ kind }) => kind === 'response' },
  {
    word: 'hook-response',
    kind: 'internal',
    of: ({ kind, short }) => short === 'back' || kind === 'error',
  },
];

/** What each place shows. Pure. @param {Pick<Round, 'blocks' | 'isWaiting'>} round */
export const places = ({ blocks, isWaiting }) =>
  PLACES.map(({ word, kind, of }) => {
    const block = blocks.findLast(of);
    // A response that is held back is known, but not sent.
    if (block?.kind === 'response' && isWaiting) return { word, kind, isThere: false };
    if (block?.kind === 'error') return { word: 'hook-error', kind: 'error', isThere: true };
    return { word, kind: block?.kind ?? kind, isThere: block !== undefined };
  });

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { rounds }) {
  const head = element('span', 'strip-head');
  const segments = PLACES.map(() => {
    const [name, heard] = ['strip-name', 'only-heard'].map((one) => element('span', one));
    return { node: element('span', 'strip-segment', name, heard), name, heard };
  });
  root.append(head, ...segments.map(({ node }) => node));

  effect(() => {
    // The newest; without one, all places are open.
    const round = rounds.value.findLast(({ isRemark }) => !isRemark);
    write(
      head,
      !round ? 'Nothing yet' : round.seq === null ? round.who : `#${round.seq} ${round.status}`,
    );
    places(round ?? { blocks: [] }).forEach(({ word, kind, isThere }, i) => {
      const { node, name, heard } = segments[i];
      node.dataset.kind = kind;
      node.dataset.state = isThere ? 'there' : 'open';
      node.title = isThere ? word : `${word}: not here so far`;
      write(name, word);
      write(heard, isThere ? ' is there. ' : ' is not here so far. ');
    });
  });
}
