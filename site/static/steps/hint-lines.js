// @ts-check
// When a task that stays open gets a hint. What the hint says is in task-hints.js, which is loaded
// when one is due.

import { hasCome } from '../lib/clock.js';
import { element, write } from '../lib/dom.js';
import { signal } from '../lib/signal.js';
import { counted, isPeriodic } from './rules.js';

/** A hint comes so long after the next task was first in view, and so long after it was tried. */
const AFTER_MS = 45_000;
const AFTER_TRY_MS = 5_000;

/**
 * @param {import('./tasks.js').Task[]} tasks
 * @param {() => number} lastSeq the number of the newest delivery
 */
export function hintLines(tasks, lastSeq) {
  const places = new Map(
    tasks.map(({ id, line }) => {
      const place = element('span', 'task-hint');
      place.role = 'status';
      line.append(place);
      return [id, place];
    }),
  );
  /** When each task was last tried. */
  const tried = signal(/** @type {ReadonlyMap<string, number>} */ (new Map()));
  const hints = signal(/** @type {typeof import('./task-hints.js') | null} */ (null));
  /**
   * Since when a task was the next one or was tried: what happened before is not about it.
   * @type {Map<string, {since: number, after: number}>}
   */
  const begun = new Map();
  /** The task that is next, and the newest round that may be a try at it. */
  let next = { id: '', round: '' };
  const lookedAt = signal(Infinity);
  const view = new IntersectionObserver((seen) => {
    if (seen.some(({ isIntersecting }) => isIntersecting))
      lookedAt.value = Math.min(lookedAt.peek(), Date.now());
  });

  /** @param {string} id of a task */
  function begin(id) {
    if (!begun.has(id)) begun.set(id, { since: Date.now(), after: lastSeq() });
  }

  /** @param {import('./rules.js').World} world @param {string} nextId */
  function follow({ rounds }, nextId) {
    const round = rounds.findLast((one) => !isPeriodic(one))?.key ?? '';
    if (nextId !== next.id) {
      next = { id: nextId, round };
      begin(nextId);
      lookedAt.value = Infinity;
      view.disconnect();
      const line = tasks.find(({ id }) => id === nextId)?.line;
      if (line) view.observe(line);
    } else if (round !== next.round) {
      // Something happened, and it was not what the task asks for.
      next.round = round;
      lookedAt.value = Math.min(lookedAt.peek(), Date.now() - AFTER_MS + AFTER_TRY_MS);
    }
  }

  const load = () =>
    import('./task-hints.js').then(
      (module) => void (hints.value = module),
      // Offline; it is tried again when something changes.
      () => {},
    );

  return {
    /** @param {import('./rules.js').World} world @param {string} nextId the task that is next */
    show(world, nextId) {
      follow(world, nextId);
      for (const { id, needs, line } of tasks) {
        const start = begun.get(id);
        const isDue =
          start !== undefined &&
          line.dataset.state === 'open' &&
          world.endpoint !== null &&
          (hasCome((tried.value.get(id) ?? Infinity) + AFTER_TRY_MS) ||
            (id === nextId && hasCome(lookedAt.value + AFTER_MS)));
        if (isDue && hints.value === null) void load();
        const hint = isDue && hints.value?.hintOf(id, needs, counted(world, start));
        write(/** @type {HTMLElement} */ (places.get(id)), hint || '');
      }
    },
    /** Somebody tries a task. @param {string} id */
    try(id) {
      begin(id);
      tried.value = new Map(tried.peek()).set(id, Date.now());
    },
    /** The tasks begin again. */
    forget() {
      begun.clear();
      tried.value = new Map();
      next = { id: '', round: '' };
    },
  };
}
