// @ts-check
// The tasks in the text: which are done and what happened, which are optional, and how far the
// reader is. What is done is decided in rules.js.

import { slot, write } from '../lib/dom.js';
import { effect, untracked } from '../lib/signal.js';
import { inBrowser } from '../lib/storage.js';
import { optional, stepsDone } from './rules.js';
import { stepsStorage } from './storage.js';

/**
 * @typedef {import('./rules.js').World} World
 * @typedef {{id: string, needs: import('./rules.js').Needs, line: HTMLElement, section: string,
 *   words: string}} Task
 */

/** @param {HTMLElement} root @param {import('../page.js').Page} page */
export function mountTasks(root, { state, world }) {
  const storage = stepsStorage(inBrowser('webhook-tutorial/steps'));
  const lines = /** @type {HTMLElement[]} */ ([...root.querySelectorAll('.task-line')]);
  /** @type {Task[]} */
  const tasks = lines.map((line) => {
    const words = /** @type {HTMLElement} */ (line.querySelector('.task-words'));
    const { task: id = '', needs } = line.dataset;
    const section = line.closest('.page-section')?.id ?? '';
    const task = { id, line, section, words: words.textContent ?? '' };
    const heard = document.createElement('span');
    heard.className = 'only-heard';
    heard.dataset.slot = 'task-state';
    words.prepend(heard);
    return { ...task, needs: /** @type {import('./rules.js').Needs} */ (needs) };
  });
  /** Whose steps these are; they stay on screen after it was forgotten. @type {string | null} */
  let endpoint = null;
  let kept = storage.get('');

  // Nothing is done any more, and what happened until then does not count.
  effect(() => {
    const since = state.resetAt.value;
    if (since === 0) return;
    kept = { done: {}, since };
    untracked(() => (state.template.value = null));
    if (endpoint !== null) storage.set(endpoint, kept);
  });

  effect(() => {
    void state.resetAt.value;
    if (state.reading.value) return;
    const now = world.value;
    const mine = now.endpoint ?? now.forgotten;
    const isOther = mine !== endpoint;
    if (isOther) kept = storage.get((endpoint = mine) ?? '');
    const before = kept.done;
    const done = mine === null ? {} : stepsDone(counted(now, kept.since), before);
    if (mine !== null && done !== before) storage.set(mine, (kept = { ...kept, done }));
    const progress = draw(tasks, done, now);
    untracked(() => {
      state.progress.value = mine === null ? null : progress;
      const fresh = tasks.filter(({ id }) => done[id] !== undefined && before[id] === undefined);
      if (isOther || fresh.length === 0) return;
      const sentences = fresh.map(({ words, id }) => `${words} ${done[id]}`).join(' ');
      state.announcement.value = `Done: ${sentences} ${progress.count} of ${progress.of}.`;
    });
  });
}

/**
 * @param {Task[]} tasks
 * @param {import('./rules.js').Done} done
 * @param {World} world
 * @returns {import('../state.js').Progress}
 */
function draw(tasks, done, world) {
  /** @type {Map<string, {count: number, of: number}>} */
  const bySection = new Map();
  const total = { count: 0, of: 0 };
  /** @type {Task | null} */
  let next = null;
  let number = 0;
  for (const task of tasks) {
    const outcome = done[task.id];
    const why = optional(task.id, task.needs, world);
    const state = outcome !== undefined ? 'done' : why !== null ? 'optional' : 'open';
    task.line.dataset.state = state;
    write(slot(task.line, 'task-said'), outcome ?? why ?? 'Not yet.');
    write(slot(task.line, 'task-state'), STATES.get(state) ?? '');
    if (why !== null) continue;
    const section = bySection.get(task.section) ?? { count: 0, of: 0 };
    bySection.set(task.section, section);
    for (const sum of [total, section]) {
      sum.of += 1;
      if (outcome !== undefined) sum.count += 1;
    }
    if (outcome === undefined && next === null) [next, number] = [task, total.of];
  }
  return { ...total, next, number, bySection };
}

const STATES = new Map([
  ['done', 'Done: '],
  ['optional', 'Optional task: '],
  ['open', 'Task: '],
]);

/**
 * What happened before the reader began again does not count.
 * @param {World} world
 * @param {number} since
 * @returns {World}
 */
function counted(world, since) {
  if (since === 0) return world;
  const { flashed } = world;
  return {
    ...world,
    rounds: world.rounds.filter(({ trace }) => {
      const receivedAt = trace?.delivery ? Date.parse(trace.delivery.received_at) : 0;
      return (trace?.event?.seen ?? receivedAt) >= since;
    }),
    flashed: flashed && flashed.at >= since ? flashed : null,
  };
}
