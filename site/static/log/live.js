// @ts-check
// Whether the log is live, how much of it this is, and what is wrong if something is.

import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { refusedWords, summary } from './merge.js';

const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, particle, isAsked }) {
  const at = slots(root);
  effect(() => {
    const live = state.live.value;
    const isFailing = live.kind === 'failing';
    at.light.dataset.state = live.kind === 'live' ? 'live' : isFailing ? 'failing' : 'off';
    write(
      at.live,
      state.isOpened.value ? liveWords(live.kind, state.gone.value !== null) : 'opening',
    );
    const why = isFailing ? (live.problem?.message ?? 'something went wrong') : '';
    const gone = state.reading.value ? (state.gone.value ?? '') : '';
    const failing =
      `Not connected: ${why}. Trying again by itself; nothing that was ` + 'acknowledged is lost.';
    const refused = refusedWords(state.log.value);
    write(at.problem, isFailing ? failing : state.olderProblem.value || gone || refused);
  });
  effect(() => {
    const [count, more] = isAsked.value ? summary(state.log.value) : ['', ''];
    const heard = isAsked.value ? heardWords() : '';
    write(at.count, count);
    write(at.more, heard === '' ? more : `${more}; ${heard}`);
  });

  /** Since when events are heard, or that this browser never heard any. */
  function heardWords() {
    if (state.file.value) return '';
    if (state.reading.value) return 'events are not shared';
    const isConnected = particle.connection.value !== null;
    const since = state.heardSince.value;
    if (isConnected && since !== null) {
      const isAway = state.webhook.value.kind === 'elsewhere';
      const away = isAway ? '; the webhook leads elsewhere' : '';
      return `listening to events since ${clockTime.format(since)}${away}`;
    }
    if (isConnected || state.quiet.value.length > 0) return 'not listening to events';
    return state.events.value.length > 0 ? '' : 'not connected to Particle';
  }
}

/** @param {string} kind @param {boolean} isGone */
function liveWords(kind, isGone) {
  if (kind === 'live') return 'live';
  if (kind === 'file') return 'saved';
  if (kind === 'failing') return 'not connected';
  if (kind === 'resting') return 'resting while hidden';
  return isGone ? 'gone' : 'not started';
}
