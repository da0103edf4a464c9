// @ts-check
// The tasks on the page: which are done and what was said of it, which are optional, and how far the reader is, in the
// contents and in the top bar. Only DOM; what is done is decided in steps.js.

import { part, slot, write } from '../lib/dom.js';
import { stepsStorage } from './storage.js';
import { optional, stepsDone } from './rules.js';
import { inBrowser } from '../lib/storage.js';

/**
 * @typedef {import('./rules.js').World} World
 * @typedef {import('./rules.js').Done} Done
 * @typedef {{id: string, needs: import('./rules.js').Needs, line: HTMLElement, section: string, words: string}} Task
 */

/** @param {{heard: (sentence: string) => void}} with_ `heard`: says something to those who listen */
export function mountSteps({ heard }) {
  const place = stepsStorage(inBrowser('webhook-tutorial/steps'));
  /** @type {Task[]} */
  const tasks = [...document.querySelectorAll('.task-line')].map((node) => {
    const line = /** @type {HTMLElement} */ (node);
    const state = document.createElement('span');
    state.className = 'only-heard';
    state.dataset.slot = 'task-state';
    line.querySelector('.task-words')?.prepend(state);
    return {
      id: line.dataset.task ?? '',
      needs: /** @type {import('./rules.js').Needs} */ (line.dataset.needs),
      line,
      section: line.closest('.page-section')?.id ?? '',
      words: line.querySelector('.task-words')?.textContent ?? '',
    };
  });
  const links = /** @type {HTMLAnchorElement[]} */ ([...part('contents').querySelectorAll('li > a')]);
  const counts = new Map(
    links.map((link) => {
      const count = document.createElement('span');
      count.className = 'side-count';
      link.append(count);
      return [link.hash.slice(1), count];
    }),
  );
  /** Whose steps these are; they stay on screen after it was forgotten. @type {string | null} */
  let endpoint = null;
  /** @type {import('./storage.js').Kept} */
  let kept = { done: {}, since: 0 };
  /** @type {World | null} */
  let world = null;

  /** @param {Done} before */
  function draw(before) {
    const { done } = kept;
    let of = 0;
    let count = 0;
    /** @type {Task | null} */
    let next = null;
    /** @type {Map<string, [number, number]>} */
    const bySection = new Map();
    for (const task of tasks) {
      const said = done[task.id];
      const why = world ? optional(task.id, task.needs, world) : null;
      const state = said !== undefined ? 'done' : why !== null ? 'optional' : 'open';
      task.line.dataset.state = state;
      write(slot('task-said', task.line), said ?? why ?? 'Not yet.');
      write(slot('task-state', task.line), state === 'done' ? 'Done: ' : state === 'optional' ? 'Optional task: ' : 'Task: ');
      if (why !== null) continue;
      of += 1;
      if (said !== undefined) count += 1;
      else next ??= task;
      const [sectionDone, sectionOf] = bySection.get(task.section) ?? [0, 0];
      bySection.set(task.section, [sectionDone + (said === undefined ? 0 : 1), sectionOf + 1]);
    }
    for (const [section, node] of counts) {
      const [sectionDone, sectionOf] = bySection.get(section) ?? [0, 0];
      const isDone = sectionOf > 0 && sectionDone === sectionOf;
      node.dataset.state = isDone ? 'done' : 'open';
      node.hidden = sectionOf === 0 || endpoint === null;
      write(node, isDone ? '✓' : `${sectionDone}/${sectionOf}`);
      node.title = `${sectionDone} of ${sectionOf} ${sectionOf === 1 ? 'task' : 'tasks'} done`;
      node.ariaLabel = node.title;
      node.role = 'img';
    }
    part('steps-reset').hidden = endpoint === null || count === 0;
    write(slot('steps-count'), endpoint === null ? 'Contents' : `${count} of ${of}`);
    write(slot('steps-next'), endpoint === null ? '' : next ? `, next: ${next.words}` : ', all done');
    const fresh = tasks.filter(({ id }) => done[id] !== undefined && before[id] === undefined);
    if (fresh.length > 0) heard(`Done: ${fresh.map(({ words, id }) => `${words} ${done[id]}`).join(' ')} ${count} of ${of}.`);
  }

  /** What happened before the reader began anew does not count. @param {World} seen */
  const counted = (seen) =>
    kept.since === 0
      ? seen
      : {
          ...seen,
          rounds: seen.rounds.filter(({ strand }) => (strand?.event?.seen ?? (strand?.delivery ? Date.parse(strand.delivery.received_at) : 0)) >= kept.since),
          flashed: seen.flashed && seen.flashed.at >= kept.since ? seen.flashed : null,
        };

  return {
    /** @param {World} seen */
    update(seen) {
      world = seen;
      const mine = seen.endpoint ?? seen.forgotten;
      const before = kept.done;
      let isOther = false;
      if (mine !== endpoint) {
        endpoint = mine;
        kept = mine === null ? { done: {}, since: 0 } : place.get(mine);
        isOther = true;
      }
      const done = mine === null ? {} : stepsDone(counted(seen), kept.done);
      if (mine !== null && done !== kept.done) {
        kept = { ...kept, done };
        place.set(mine, kept);
      }
      draw(isOther ? kept.done : before);
    },
    /** Nothing is done any more, and what happened until now does not count. */
    reset() {
      if (endpoint === null) return;
      kept = { done: {}, since: Date.now() };
      place.set(endpoint, kept);
      if (world) this.update({ ...world });
    },
    done: () => kept.done,
  };
}
