// @ts-check
// The log on screen: what of it is shown, its head line, the way back to what is older. The rail draws the blocks.

import { mountBlockDialog } from './block-dialog.js';
import { mountDock } from './dock.js';
import { dialog, part, slot } from './dom.js';
import { mountHeard } from './heard.js';
import { EMPTY_LOG, summary } from './log-store.js';
import { mountRail } from './rail.js';
import { drawStrip } from './round-strip.js';
import { rounds } from './rounds.js';

/**
 * @typedef {import('./looked-at.js').Session} Session
 * @typedef {import('./rounds.js').Round} Round
 * @typedef {ReturnType<typeof import('./particle/page.js').mountParticle>} Particle
 */

/** Rounds on the rail at first, and more with each "show older". */
const SHOWN = 30;
/** Of those, so many are drawn at a time: more would hold up the next picture. */
const STEP = 10;

/**
 * @param {{session: () => Session | null, gone: () => string | null, reading: () => boolean, particle: () => Particle | null}} with_
 *   `reading`: someone else's log is looked at
 */
export function mountLogView({ session, gone, reading, particle }) {
  /** All rounds there are, and the first of them on the rail. @type {Round[]} */
  let known = [];
  let firstShown = 0;
  /** The key of the first round on the rail; null for the newest few. @type {string | null} */
  let shownFrom = null;
  /** How many of the newest may be drawn by now. */
  let room = STEP;
  /** How many older ones are still to be drawn. */
  let wanted = 0;

  const heard = mountHeard(slot('heard'), { now: () => performance.now(), later: (act, ms) => setTimeout(act, ms), find: (key) => known.find((round) => round.key === key) });
  const blockDialog = mountBlockDialog(dialog('block'), { onClose: (block) => rail.focus(block.key) });
  const rail = mountRail(part('rail'), {
    now: () => new Date(),
    onOpen: (block) => blockDialog.open(block),
    onSelect: (block) => (part('round-picture').dataset.hop = block ? hopOf(block.kind) : ''),
    onEdge: ({ atEdge, unseen }) => {
      const button = /** @type {HTMLElement} */ (document.querySelector('[data-do="newest"]'));
      button.hidden = atEdge;
      button.textContent = unseen > 0 ? `Newest (${unseen} new)` : 'Newest';
    },
  });
  const dock = mountDock(
    { panel: part('log-panel'), place: part('log-place'), handle: part('dock-handle'), strip: part('strip'), away: part('log-away') },
    { storage: () => localStorage, onMove: () => rail.settle() },
  );
  part('strip').addEventListener('click', () => dock.toggleCollapsed());

  function draw() {
    const log = session()?.watch.log() ?? EMPTY_LOG;
    const asked = log.cursor !== null;
    const quiet = particle()?.quiet() ?? [];
    // Events alone, before it is known what was delivered, would look as if nothing had come of them.
    known = rounds(log.deliveries, asked ? (particle()?.events() ?? []) : [], { ...log, quiet: asked ? quiet : [] }, particle()?.context());
    const kept = known.findIndex(({ key }) => key === shownFrom);
    if (kept < 0 || (rail.atEdge() && known.length - kept > 3 * SHOWN)) shownFrom = null;
    firstShown = shownFrom === null ? Math.max(0, known.length - room) : kept;
    // Under a reader who looks back nothing goes away at the far end.
    if (!rail.atEdge()) shownFrom = known[firstShown]?.key ?? null;
    const hasOlder = firstShown > 0 || log.older !== null;
    const arrived = rail.update({
      rounds: known.slice(firstShown),
      isAsked: asked,
      hasOlder,
      olderNote: !hasOlder && known.length > 0 && log.firstSeq > 1 ? `What came before #${log.firstSeq} is gone: cleared, or too old.` : '',
      empty: known.length > 0 ? null : emptyWords(asked),
    });
    const heardOf = reading() ? 'the server’s side only' : particle()?.heard();
    slot('count').textContent = asked ? [summary(log), heardOf].filter(Boolean).join('; ') : '';
    drawStrip(part('strip'), known.at(-1) ?? null);
    heard.add(arrived);
    if (room < SHOWN && firstShown > 0 && shownFrom === null) {
      room += STEP;
      void nextPicture().then(draw);
    }
  }

  /** @param {boolean} asked */
  function emptyWords(asked) {
    if (gone() !== null) return 'Nothing to show.';
    if (session() === null) return 'Nothing here yet. Press Start, then send any HTTP request to your hook URL.';
    if (!asked) return 'Asking the server …';
    return session()?.keys.owner
      ? 'Listening. Send any HTTP request to your hook URL, and it appears here.'
      : 'Nothing has arrived at this endpoint yet. What comes appears here.';
  }

  async function showOlder() {
    try {
      if (firstShown < SHOWN) await session()?.watch.older();
    } catch (error) {
      drawLive('failing', 'not connected', `Older ones could not be read: ${/** @type {Error} */ (error).message}.`);
    }
    const isBusy = wanted > 0;
    wanted += SHOWN;
    if (isBusy) return;
    for (draw(); wanted > 0 && firstShown > 0; wanted -= STEP) {
      shownFrom = known[Math.max(0, firstShown - STEP)].key;
      draw();
      await nextPicture();
    }
    wanted = 0;
  }

  /** @param {'rail' | 'list'} view */
  function setView(view) {
    rail.setView(view);
    const button = /** @type {HTMLElement} */ (document.querySelector('[data-do="view"]'));
    button.textContent = view === 'list' ? 'Side by side' : 'As a list';
  }
  if (matchMedia('(max-width: 600px)').matches) setView('list');

  return {
    /** @type {Record<string, (button: HTMLElement) => unknown>} */
    actions: {
      newest: () => rail.toNewest(),
      older: () => session() && showOlder(),
      view: () => setView(part('rail').dataset.view === 'list' ? 'rail' : 'list'),
      dock: () => dock.toggleDocked(),
      undock: () => dock.toggleDocked(),
      collapse: () => dock.toggleCollapsed(),
    },
    draw,
    /** All rounds there are. @returns {Round[]} */
    rounds: () => known,
    /** Whether the reader is at the newest, so that old ones may be let go. */
    following: () => rail.atEdge() && shownFrom === null,
    /** Another log begins. */
    reset() {
      shownFrom = null;
      room = STEP;
      rail.reset();
    },
    /** @param {boolean} is */
    setStarted: (is) => dock.setStarted(is),
    /** Nothing is asked. @param {string} words @param {string} problem */
    off: (words, problem) => drawLive('off', words, problem),
    drawState,
  };
}

/** After the next picture was drawn. @returns {Promise<void>} */
const nextPicture = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

/** Which hop of the opening picture a block is about. @param {string} kind */
const hopOf = (kind) => ({ received: 'received', parsed: 'received', response: 'response', device: 'event', api: 'event' })[kind] ?? 'hook-response';

/** @param {import('./poll.js').State} state */
function drawState(state) {
  if (state.kind === 'live') drawLive('live', 'live', '');
  if (state.kind === 'resting') drawLive('off', 'resting while hidden', '');
  if (state.kind === 'failing') {
    drawLive('failing', 'not connected', `Not connected: ${state.problem?.message ?? 'something went wrong'}. Trying again by itself; nothing that was acknowledged is lost.`);
  }
}

/** @param {'live' | 'off' | 'failing'} state @param {string} words @param {string} problem */
function drawLive(state, words, problem) {
  part('live').dataset.state = state;
  slot('live').textContent = words;
  const line = slot('line');
  if (line.textContent !== problem) line.textContent = problem;
  line.hidden = problem === '';
}
