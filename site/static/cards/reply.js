// @ts-check
// What the server answers to the next deliveries, set by the learner, and what a device gets back of it. Only DOM and its wiring.

import { failure } from '../lib/api-client.js';
import { part, slot, write } from '../lib/dom.js';
import { PRESETS, comesBack, costWords, isUsual, maxTimes, settingWords, usedUp } from './reply-setting.js';

/**
 * @typedef {import('./reply-setting.js').Setting} Setting
 * @typedef {import('../lib/api-client.js').EndpointInfo} EndpointInfo
 * @typedef {ReturnType<typeof import('../lib/api-client.js').apiClient>} Client
 * @typedef {{client: Client, info: EndpointInfo | null, owner: boolean, uses: {seq: number, n: number, of: number, by: string}[]}} View `uses`: deliveries
 *   that were answered by a setting, and what each was
 */

/** @param {{onSet: () => void}} with_ `onSet`: another answer is set, and other tabs may want to know */
export function mountReplyCard({ onSet }) {
  const card = part('reply');
  const form = /** @type {HTMLFormElement} */ (part('reply-form'));
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  /** @type {View | null} */
  let view = null;
  /** What the server said last, and from which delivery on it counts. @type {{setting: import('../lib/api-client.js').SetReply, after: number} | null} */
  let set = null;
  /** @type {EndpointInfo | null} */
  let learnedFrom = null;
  let busy = false;

  const limits = () => ({ max_delay_ms: view?.info?.limits.max_delay_ms ?? 0 });

  /** What the form says. @returns {Setting} */
  function chosen() {
    const preset = PRESETS[field('preset').value](limits());
    const own = /** @type {HTMLDetailsElement} */ (part('reply-own')).open;
    /** @type {Setting} */
    const setting = own ? { ...(preset.headers && { headers: preset.headers }), ...owned() } : { ...preset };
    if (!isUsual(setting)) setting.times = Number(field('times').value);
    return setting;
  }

  /** The fields of one's own, where something is in them. @returns {Setting} */
  function owned() {
    const delay = Number(field('delay').value);
    return {
      status: Number(field('status').value),
      ...(field('body-kind').value !== 'usual' && { body: field('body').value, content_type: field('content_type').value }),
      ...(delay > 0 && { delay_ms: Math.round(delay * 1000) }),
    };
  }

  /** Puts the preset into the fields of one's own, so that they begin with it. */
  function takePreset() {
    const setting = PRESETS[field('preset').value](limits());
    field('status').value = String(setting.status);
    field('body-kind').value = setting.body === undefined ? 'usual' : 'own';
    field('body').value = setting.body ?? '';
    field('content_type').value = setting.content_type ?? 'application/json';
    field('delay').value = String((setting.delay_ms ?? 0) / 1000);
    const most = maxTimes(setting);
    if (Number(field('times').value) > most) field('times').value = String(most);
  }

  function draw() {
    const setting = chosen();
    const host = view?.info ? new URL(view.info.hook_url).hostname : 'your server';
    const back = comesBack(setting, host);
    write(slot('reply-back'), back.words);
    write(slot('reply-cost'), costWords(back));
    slot('reply-parts').replaceChildren(
      ...back.events.slice(0, 8).map((words) => Object.assign(document.createElement('li'), { textContent: words })),
      ...(back.events.length > 8 ? [Object.assign(document.createElement('li'), { textContent: `… and ${back.events.length - 8} more` })] : []),
    );
    part('reply-times').hidden = isUsual(setting);
    field('times').max = String(maxTimes(setting));
    part('reply-body').hidden = field('body-kind').value === 'usual';
    const slow = /** @type {HTMLOptionElement} */ (field('preset').querySelector('option[value="slow"]'));
    const most = limits().max_delay_ms;
    slow.disabled = view?.info !== null && view !== null && most === 0;
    slow.textContent = slow.disabled ? 'late (this server does not hold answers back)' : `late, after ${Math.min(25_000, most || 25_000) / 1000} s`;
    field('delay').max = String(most / 1000);
    part('reply-delay').hidden = most === 0;
    drawNow();
  }

  function drawNow() {
    const now = slot('reply-now');
    if (!view?.info) return write(now, '');
    const restore = part('reply-restore');
    const uses = set === null ? [] : view.uses.filter(({ seq }) => seq > (set?.after ?? 0));
    const left = set && usedUp(set.setting, uses);
    const last = uses.at(-1);
    const by = last ? `#${last.seq}${last.by === '' ? '' : `, ${last.by}`}` : '';
    const isOver = left?.left === 0;
    restore.hidden = set === null || isOver;
    if (set === null) return write(now, 'The server answers as usual: 200 and {"ok":true,"id":…}.');
    const words = settingWords(set.setting);
    if (left === null) return write(now, `The server answers ${words}, until you change it.`);
    if (isOver) return write(now, `${words} was used ${left.of === 1 ? 'once' : `${left.of} times`}${by === '' ? '' : `, ${left.of === 1 ? '' : 'the last time '}by ${by}`}. The server answers as usual again.`);
    write(now, `The server answers the next ${left.left === 1 ? 'delivery' : `${left.left} deliveries`} with ${words}.${by === '' ? '' : ` Last used by ${by}.`}`);
  }

  /** @param {string} words @param {string} [name] of the field it is about */
  function complain(words, name = '') {
    for (const control of form.elements) {
      if (control.getAttribute('aria-describedby') === 'reply-problem') control.removeAttribute('aria-describedby');
      control.removeAttribute('aria-invalid');
    }
    const problem = slot('reply-problem');
    write(problem, words);
    problem.hidden = words === '';
    if (words === '') return;
    const control = /** @type {HTMLElement | null} */ (form.elements.namedItem({ delay_ms: 'delay', headers: 'preset' }[name] ?? name));
    if (!(control instanceof HTMLElement)) return form.append(problem);
    const details = control.closest('details');
    if (details) details.open = true;
    control.setAttribute('aria-invalid', 'true');
    control.setAttribute('aria-describedby', 'reply-problem');
    // At the field, where the eye is.
    (control.closest('label') ?? control).after(problem);
    control.focus();
  }

  /** @param {() => Promise<void>} act */
  async function attempt(act) {
    if (busy) return;
    busy = true;
    complain('');
    try {
      await act();
      onSet();
    } catch (error) {
      const problem = /** @type {import('../lib/api-client.js').ApiProblem} */ (error);
      complain(failure(problem), problem.field);
    } finally {
      busy = false;
      drawNow();
    }
  }

  const after = () => Math.max(view?.info?.last_seq ?? 0, ...(view?.uses.map(({ seq }) => seq) ?? []));

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const setting = chosen();
    void attempt(async () => {
      if (!view) return;
      if (isUsual(setting)) {
        await view.client.restoreReply();
        set = null;
      } else set = { setting: await view.client.setReply(setting), after: after() };
    });
  });
  field('preset').addEventListener('change', () => {
    takePreset();
    complain('');
  });
  form.addEventListener('input', draw);
  part('reply-own').addEventListener('toggle', draw);
  takePreset();

  return {
    /** @type {Record<string, () => unknown>} */
    actions: {
      'reply-restore': () =>
        attempt(async () => {
          await view?.client.restoreReply();
          set = null;
        }),
    },
    /** @param {View | null} next */
    update(next) {
      view = next;
      card.hidden = next !== null && !next.owner;
      if (next?.info !== learnedFrom) {
        learnedFrom = next?.info ?? null;
        set = learnedFrom?.reply ? { setting: learnedFrom.reply, after: learnedFrom.last_seq } : null;
        draw();
      } else drawNow();
    },
  };
}
