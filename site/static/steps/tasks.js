// @ts-check
// The tasks in the text: which are done and what happened, which are optional, and how far the
// reader is. What is done is decided in rules.js.

import { element, slot, write } from '../lib/dom.js';
import { effect, untracked } from '../lib/signal.js';
import { inBrowser } from '../lib/storage.js';
import { hintLines } from './hint-lines.js';
import { counted, optional, stepsDone } from './rules.js';
import { stepsStorage } from './storage.js';
import { TRIGGERS } from './triggers.js';

/**
 * @typedef {import('./rules.js').World} World
 * @typedef {{id: string, needs: import('./rules.js').Needs, line: HTMLElement, section: string,
 *   words: string}} Task
 */

/**
 * @param {HTMLElement} root
 * @param {import('../page.js').Page} page
 * @returns {import('../lib/component.js').Actions}
 */
export function mountTasks(root, page) {
  const { state, world } = page;
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
    const triggers = TRIGGERS.get(id);
    if (triggers) line.insertBefore(triggerRow(triggers, page), slot(line, 'task-said'));
    return { ...task, needs: /** @type {import('./rules.js').Needs} */ (needs) };
  });
  /** Whose steps these are; they stay on screen after it was forgotten. @type {string | null} */
  let endpoint = null;
  /** @type {import('./storage.js').Kept | null} */
  let kept = null;
  const hints = hintLines(tasks, () => state.log.peek().lastSeq);
  /** The task that flashes. @type {HTMLElement | null} */
  let flashing = null;
  /** The endpoint that was forgotten before the tasks were started over. @type {string | null} */
  let forgottenBefore = null;
  // Nothing is done any more, and what happened until then does not count.
  effect(() => {
    const since = state.resetAt.value;
    if (since === 0) return;
    untracked(() => {
      kept = { done: {}, since, after: state.log.value.lastSeq };
      forgottenBefore = state.forgotten.value?.endpoint ?? null;
      hints.forget();
      for (const { line } of tasks)
        line.querySelector('[data-slot=task-answer]')?.replaceChildren();
      state.template.value = null;
    });
    if (endpoint !== null && kept) storage.set(endpoint, kept);
  });

  effect(() => {
    void state.resetAt.value;
    if (state.reading.value) return;
    const now = world.value;
    const mine = now.endpoint ?? now.forgotten;
    const isOther = mine !== endpoint;
    if (isOther) {
      [endpoint, kept] = [mine, mine === null ? null : storage.get(mine)];
      untracked(hints.forget);
    }
    // The tasks appear: what arrived before does not count.
    const after = state.info.value?.last_seq;
    if (mine !== null && kept === null && after !== undefined)
      storage.set(mine, (kept = { done: {}, since: Date.now(), after }));
    const before = kept?.done ?? {};
    const judged = kept === null ? { ...now, rounds: [] } : counted(now, kept);
    if (judged.forgotten === forgottenBefore) judged.forgotten = null;
    if ((judged.deviceEventAt ?? 0) < (kept?.since ?? 0)) judged.deviceEventAt = null;
    const done = kept === null ? {} : stepsDone(judged, before);
    if (mine !== null && kept && done !== before) storage.set(mine, (kept = { ...kept, done }));
    const progress = draw(tasks, done, now);
    hints.show(judged, progress.next?.id ?? '');
    untracked(() => {
      state.progress.value = mine === null ? null : progress;
      const fresh = tasks.filter(({ id }) => done[id] !== undefined && before[id] === undefined);
      if (isOther || fresh.length === 0) return;
      const sentences = fresh.map(({ words, id }) => `${words} ${done[id]}`).join(' ');
      state.announcement.value = `Done: ${sentences} ${progress.count} of ${progress.of}.`;
    });
  });

  // A flash is shown where the firmware is, which may be far away.
  effect(() => {
    const words = state.flashWords.value;
    if (flashing) write(slot(flashing, 'task-answer'), words);
  });

  return {
    async try(control) {
      const line = /** @type {HTMLElement} */ (control.closest('.task-line'));
      const id = line.dataset.task ?? '';
      hints.try(id);
      const say = (/** @type {string} */ words) => write(slot(line, 'task-answer'), words);
      const trigger = TRIGGERS.get(id)?.[Number(control.dataset.trigger)];
      if (trigger?.flashes) flashing = line;
      say(String((await trigger?.act(page, say, line)) ?? ''));
    },
  };
}

/**
 * @param {import('./triggers.js').Trigger[]} triggers of a task; those of the same modes want the
 *   same
 * @param {import('../page.js').Page} page
 */
function triggerRow(triggers, page) {
  const groups = new Map();
  triggers.forEach(({ label, want, modes = '' }, i) => {
    const name = typeof label === 'string' ? label : label(page);
    const button = element('button', 'button-plain', name);
    button.setAttribute('type', 'button');
    button.dataset.action = 'try';
    button.dataset.trigger = String(i);
    if (groups.has(modes)) return groups.get(modes).append(button);
    const row = element('div', 'task-buttons', button);
    row.dataset.wants = want;
    groups.set(modes, row);
  });
  // What a row wants is said beside it, and hidden with it.
  const rows = [...groups].map(([modes, row]) => {
    const part = element('div', '', row);
    if (modes !== '') part.dataset.only = modes;
    return part;
  });
  const answer = element('span', 'send-answer');
  answer.dataset.slot = 'task-answer';
  answer.role = 'status';
  return element('div', 'task-do', ...rows, answer);
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
