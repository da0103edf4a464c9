// @ts-check
// The tasks in the text: which are done and what happened, which are optional, and how far the
// reader is. What is done is decided in rules.js.

import { hasCome } from '../lib/clock.js';
import { element, slot, write } from '../lib/dom.js';
import { effect, signal, untracked } from '../lib/signal.js';
import { inBrowser } from '../lib/storage.js';
import { optional, stepsDone } from './rules.js';
import { stepsStorage } from './storage.js';
import { TRIGGERS } from './triggers.js';

/** A hint comes so long after a task became the next one, and so long after it was tried. */
const HINT_AFTER_MS = 45_000;
const HINT_AFTER_TRY_MS = 5_000;

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
    const trigger = TRIGGERS.get(id);
    if (trigger) line.insertBefore(triggerRow(trigger), slot(line, 'task-said'));
    line.append(hintLine());
    return { ...task, needs: /** @type {import('./rules.js').Needs} */ (needs) };
  });
  /** Whose steps these are; they stay on screen after it was forgotten. @type {string | null} */
  let endpoint = null;
  /** @type {import('./storage.js').Kept | null} */
  let kept = null;
  /** When each task was last tried. */
  const tried = signal(/** @type {ReadonlyMap<string, number>} */ (new Map()));
  const hints = signal(/** @type {typeof import('./task-hints.js') | null} */ (null));
  /** The task that is next, since when, and the newest round at that time. */
  let next = { id: '', at: 0, round: '' };

  // Nothing is done any more, and what happened until then does not count.
  effect(() => {
    const since = state.resetAt.value;
    if (since === 0) return;
    untracked(() => {
      kept = { done: {}, since, after: state.log.value.lastSeq };
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
    if (isOther) [endpoint, kept] = [mine, mine === null ? null : storage.get(mine)];
    // The tasks appear: what arrived before does not count.
    const after = state.info.value?.last_seq;
    if (mine !== null && kept === null && after !== undefined)
      storage.set(mine, (kept = { done: {}, since: Date.now(), after }));
    const before = kept?.done ?? {};
    const judged = kept === null ? { ...now, rounds: [] } : counted(now, kept);
    const done = kept === null ? {} : stepsDone(judged, before);
    if (mine !== null && kept && done !== before) storage.set(mine, (kept = { ...kept, done }));
    const progress = draw(tasks, done, now);
    showHints(judged, progress.next?.id ?? '');
    untracked(() => {
      state.progress.value = mine === null ? null : progress;
      const fresh = tasks.filter(({ id }) => done[id] !== undefined && before[id] === undefined);
      if (isOther || fresh.length === 0) return;
      const sentences = fresh.map(({ words, id }) => `${words} ${done[id]}`).join(' ');
      state.announcement.value = `Done: ${sentences} ${progress.count} of ${progress.of}.`;
    });
  });

  /** @param {World} judged @param {string} nextId */
  function showHints(judged, nextId) {
    const round = judged.rounds.at(-1)?.key ?? '';
    if (nextId !== next.id) next = { id: nextId, at: Date.now(), round };
    // Something happened, and it was not what the task asks for.
    else if (round !== next.round) {
      next.round = round;
      next.at = Math.min(next.at, Date.now() - HINT_AFTER_MS + HINT_AFTER_TRY_MS);
    }
    for (const { id, needs, line } of tasks) {
      const triedAt = tried.value.get(id) ?? Infinity;
      const isDue =
        line.dataset.state === 'open' &&
        judged.endpoint !== null &&
        (hasCome(triedAt + HINT_AFTER_TRY_MS) ||
          (id === next.id && hasCome(next.at + HINT_AFTER_MS)));
      if (isDue && hints.value === null) void loadHints();
      write(slot(line, 'task-hint'), (isDue && hints.value?.hintOf(id, needs, judged)) || '');
    }
  }
  const loadHints = () =>
    import('./task-hints.js').then(
      (module) => void (hints.value = module),
      // Offline; it is tried again when something changes.
      () => {},
    );

  return {
    async try(control) {
      const line = /** @type {HTMLElement} */ (control.closest('.task-line'));
      const id = line.dataset.task ?? '';
      tried.value = new Map(tried.peek()).set(id, Date.now());
      write(slot(line, 'task-answer'), String((await TRIGGERS.get(id)?.act(page)) ?? ''));
    },
  };
}

/** @param {import('./triggers.js').Trigger} trigger */
function triggerRow({ label, want, modes }) {
  const button = element('button', 'button-plain', label);
  button.setAttribute('type', 'button');
  button.dataset.action = 'try';
  const answer = element('span', 'send-answer');
  answer.dataset.slot = 'task-answer';
  answer.role = 'status';
  const row = element('div', 'task-do', button, answer);
  row.dataset.wants = want;
  if (modes) row.dataset.only = modes;
  return row;
}

function hintLine() {
  const line = element('span', 'task-hint');
  line.dataset.slot = 'task-hint';
  line.role = 'status';
  return line;
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
 * What happened before the tasks appeared, or before the reader began again, does not count. A
 * delivery is judged by its number, for the server has a clock of its own.
 * @param {World} world
 * @param {import('./storage.js').Kept} kept
 * @returns {World}
 */
export function counted(world, { since, after }) {
  const { flashed } = world;
  return {
    ...world,
    rounds: world.rounds.filter(({ trace }) =>
      trace?.delivery ? trace.delivery.seq > after : (trace?.event?.seen ?? 0) >= since,
    ),
    flashed: flashed && flashed.at >= since ? flashed : null,
  };
}
