// @ts-check
// The log on screen: what of it is shown, its head line, the way back to what is older. The rail draws the blocks.

import { mountAnnouncer } from './announcer.js';
import { mountBlockDialog } from './block-dialog.js';
import { copyFrom } from '../lib/copy.js';
import { mountDock } from './dock.js';
import { dialog, part, slot, write } from '../lib/dom.js';
import { EMPTY_LOG, summary } from './merge.js';
import { mountRail } from './rail.js';
import { drawStrip } from './strip.js';
import { rounds } from './rounds.js';
import { inBrowser, inTab } from '../lib/storage.js';

/**
 * @typedef {import('../keys/endpoint.js').Session} Session
 * @typedef {import('./rounds.js').Round} Round
 * @typedef {ReturnType<typeof import('../particle/page.js').mountParticle>} Particle
 */

/** Rounds on the rail at first, and more with each "show older". */
const SHOWN = 30;
/** Of those, so many are drawn at a time: more would hold up the next picture. */
const STEP = 10;

/** Set while the reader does not want to hear of new rounds; and while long values are wrapped. */
const keptMuted = inBrowser('webhook-tutorial/muted');
const keptWrap = inBrowser('webhook-tutorial/wrap');
/** Side by side or as a list, if somebody chose. */
const keptView = inBrowser('webhook-tutorial/view');
/** The filter of this tab, and of which endpoint. A later visit begins with everything: who has forgotten a filter misses things. */
const keptFilter = inTab('webhook-tutorial/filter');

/**
 * @param {{session: () => Session | null, gone: () => string | null, reading: () => boolean, particle: () => Particle | null}} with_
 *   `reading`: someone else's log is looked at
 */
export function mountLogView({ session, gone, reading, particle }) {
  /** All rounds there are. @type {Round[]} */
  let known = [];
  /** Those that the filter lets through, and the first of them on the rail. @type {Round[]} */
  let listed = [];
  let firstShown = 0;
  /** The key of the first round on the rail; null for the newest few. @type {string | null} */
  let shownFrom = null;
  /** How many of the newest may be drawn by now. */
  let room = STEP;
  /** How many older ones are still to be drawn. */
  let wanted = 0;

  const announcer = mountAnnouncer(slot('heard'), { now: () => performance.now(), later: (act, ms) => setTimeout(act, ms), find: (key) => listed.find((round) => round.key === key), isMuted: () => !sayRounds.checked });
  const blockDialog = mountBlockDialog(dialog('block'), {
    onOpen: (block) => {
      part('as-curl').hidden = block.kind !== 'received';
      slot('curl-said').textContent = '';
    },
    onClose: (block) => rail.focus(block.key),
  });
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
    { panel: part('log-panel'), handle: part('dock-handle'), strip: part('strip'), away: part('log-away') },
    { onMove: () => rail.settle() },
  );
  const sayRounds = remembered('say-rounds', keptMuted, false);
  const wrapValues = remembered('wrap-values', keptWrap, true, () => part('rail').toggleAttribute('data-wrap', wrapValues.checked));
  part('strip').addEventListener('click', () => dock.toggleCollapsed());

  function draw() {
    const log = session()?.watch.log() ?? EMPTY_LOG;
    const asked = log.cursor !== null;
    const quiet = particle()?.quiet() ?? [];
    // Events alone, before it is known what was delivered, would look as if nothing had come of them.
    known = rounds(log.deliveries, asked ? (particle()?.events() ?? []) : [], { ...log, quiet: asked ? quiet : [] }, particle()?.context());
    const isPart = log.older !== null;
    const endpoint = session()?.keys.endpoint ?? null;
    if (tools === null && asked && isFiltered(endpoint)) return void loadTools().then(draw);
    const found = (asked && tools?.apply(known, endpoint, isPart)) || { rounds: known, empty: null };
    listed = found.rounds;
    const kept = listed.findIndex(({ key }) => key === shownFrom);
    if (kept < 0 || (rail.atEdge() && listed.length - kept > 3 * SHOWN)) shownFrom = null;
    firstShown = shownFrom === null ? Math.max(0, listed.length - room) : kept;
    // Under a reader who looks back nothing goes away at the far end.
    if (!rail.atEdge()) shownFrom = listed[firstShown]?.key ?? null;
    const hasOlder = firstShown > 0 || isPart;
    const arrived = rail.update({
      rounds: listed.slice(firstShown),
      isAsked: asked,
      hasOlder,
      olderNote: !hasOlder && known.length > 0 && log.firstSeq > 1 ? `What came before #${log.firstSeq} is gone: cleared, or too old.` : '',
      empty: found.empty ?? (known.length > 0 ? null : emptyWords(asked)),
    });
    const heardOf = reading() ? 'the server’s side only' : particle()?.heard();
    const [count, more] = asked ? summary(log) : ['', ''];
    write(slot('count-short'), count);
    write(slot('count-more'), asked && heardOf ? `${more}; ${heardOf}` : more);
    part('empty-clear').hidden = found.empty === null;
    drawStrip(part('strip'), known.findLast(({ blocks }) => blocks.length > 0) ?? null);
    drawYours();
    announcer.add(arrived);
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
    // Who stands at the newest and asks for older ones would not see them come.
    rail.lookBack();
    const isBusy = wanted > 0;
    wanted += SHOWN;
    if (isBusy) return;
    for (draw(); wanted > 0 && firstShown > 0; wanted -= STEP) {
      shownFrom = listed[Math.max(0, firstShown - STEP)].key;
      draw();
      await nextPicture();
    }
    wanted = 0;
  }

  // ---- What is loaded when it is first wanted

  /** @type {ReturnType<typeof import('./tools.js').mountLogTools> | null} */
  let tools = null;
  /** @type {Promise<void> | null} */
  let loading = null;
  const loadTools = () =>
    (loading ??= import('./tools.js').then(
      ({ mountLogTools }) => {
        tools = mountLogTools({
          keptFilter,
          onChange: () => {
            shownFrom = null;
            rail.toNewest();
            draw();
          },
          say: (sentence) => write(slot('heard'), sentence),
        });
      },
      () => {
        loading = null;
        write(slot('log-told'), 'This part of the page could not be loaded. Try again.');
      },
    ));
  let isFilterRead = false;
  /** Whether this tab had a filter on before it was loaded anew: then its tools are wanted before anything is drawn. @param {string | null} endpoint */
  function isFiltered(endpoint) {
    if (isFilterRead || endpoint === null) return false;
    isFilterRead = true;
    return keptFilter.json()?.endpoint === endpoint;
  }

  /** @type {ReturnType<typeof import('../steps/yours.js').mountYours> | 'loading' | null} */
  let yours = null;
  /** Examples can be shown as the reader's own once there is a round to show. */
  function drawYours() {
    if (yours === null && !reading() && known.some(({ strand, blocks }) => strand?.event && strand.delivery && blocks.length > 4)) {
      yours = 'loading';
      import('../steps/yours.js').then(
        ({ mountYours }) => {
          yours = mountYours();
          yours.update(known);
        },
        () => (yours = null),
      );
    } else if (yours !== null && yours !== 'loading') yours.update(reading() ? [] : known);
  }

  /** Opens a row of tools, and shuts the other: together they would leave no room for the log. @param {'filter' | 'more'} name */
  function toggle(name) {
    for (const one of ['filter', 'more']) {
      const panel = part(`log-${one}`);
      panel.hidden = one !== name || !panel.hidden;
      document.querySelector(`[data-do="${one}"]`)?.setAttribute('aria-expanded', String(!panel.hidden));
    }
    rail.settle();
  }

  async function copyCurl(/** @type {HTMLElement} */ button) {
    const seq = blockDialog.shown()?.seq;
    const delivery = session()?.watch.log().deliveries.find((one) => one.seq === seq);
    if (!delivery) return write(slot('curl-said'), 'This delivery is no longer in the log.');
    const { asCurl } = await import('./as-curl.js');
    const { line, notes } = asCurl(delivery.request, session()?.info?.hook_url ?? `${location.origin}/hook/${session()?.keys.endpoint}`);
    await copyFrom(button, line);
    write(slot('curl-said'), ['For bash or zsh.', ...notes].join(' '));
  }

  /** @param {string} view */
  function setView(view) {
    rail.setView(view === 'list' ? 'list' : 'rail');
    const button = /** @type {HTMLElement} */ (document.querySelector('[data-do="view"]'));
    button.textContent = view === 'list' ? 'Side by side' : 'As a list';
  }
  // Until somebody chooses, the width of the window does.
  const isNarrow = matchMedia('(max-width: 600px)');
  const usualView = () => setView(keptView.text() ?? (isNarrow.matches ? 'list' : 'rail'));
  isNarrow.addEventListener('change', usualView);
  usualView();

  return {
    /** @type {Record<string, (button: HTMLElement) => unknown>} */
    actions: {
      newest: () => rail.toNewest(),
      older: () => session() && showOlder(),
      view: () => {
        setView(part('rail').dataset.view === 'list' ? 'rail' : 'list');
        keptView.keep(part('rail').dataset.view ?? '');
      },
      dock: () => dock.toggleDocked(),
      undock: () => dock.toggleDocked(),
      collapse: () => dock.toggleCollapsed(),
      filter: async () => {
        await loadTools();
        draw();
        toggle('filter');
      },
      'clear-filter': () => {
        tools?.clear();
        // Where a filter is set, for both ways to clear it are gone now.
        (part('log-filter').hidden ? /** @type {HTMLElement} */ (document.querySelector('[data-do="filter"]')) : part('filter-source')).focus();
      },
      more: () => toggle('more'),
      'download-log': async () => {
        const now = session();
        await loadTools();
        if (now) tools?.download({ endpoint: now.keys.endpoint, masked: reading(), log: now.watch.log(), events: reading() ? [] : (particle()?.events() ?? []), quiet: reading() ? [] : (particle()?.quiet() ?? []), now: new Date() });
      },
      'copy-curl': copyCurl,
    },
    draw,
    /** All rounds there are. @returns {Round[]} */
    rounds: () => known,
    /** Whether the reader is at the newest, so that old ones may be let go. */
    following: () => rail.atEdge() && shownFrom === null,
    /** What the reader has sent is about to appear, and they will want to see it. */
    open: () => dock.openFirst(),
    /** Another log begins. */
    reset() {
      shownFrom = null;
      room = STEP;
      rail.reset();
    },
    /** @param {boolean} is */
    setStarted: (is) => dock.setStarted(is, reading()),
    /** Nothing is asked. @param {string} words @param {string} problem */
    off: (words, problem) => drawLive('off', words, problem),
    drawState,
  };
}

/**
 * A checkbox that is as it was left. What is kept is only that it is not as it is at first.
 * @param {string} name @param {import('../lib/storage.js').Kept} kept @param {boolean} set how it is when something is kept @param {() => void} [onChange]
 */
function remembered(name, kept, set, onChange = () => {}) {
  const box = /** @type {HTMLInputElement} */ (part(name));
  box.checked = (kept.text() !== null) === set;
  box.addEventListener('change', () => {
    kept.keep(box.checked === set ? 'yes' : null);
    onChange();
  });
  setTimeout(onChange);
  return box;
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
  write(slot('live'), words);
  write(slot('line'), problem);
}
