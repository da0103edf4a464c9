// @ts-check
// What the server answers to the next deliveries, set by the learner, and what a device gets back
// of it.

import { failure } from '../lib/api-client.js';
import { slots } from '../lib/component.js';
import { listItems, write, writeOrHide } from '../lib/dom.js';
import { computed, effect, signal, untracked } from '../lib/signal.js';
import {
  PRESETS,
  comesBack,
  costWords,
  isCounted,
  isUsual,
  maxTimes,
  needsSecret,
  settingWords,
  usedUp,
  usesOf,
} from './reply-setting.js';

/**
 * @typedef {import('./reply-setting.js').Setting} Setting
 * @typedef {{setting: import('../lib/api-client.js').SetReply, after: number}} SetAt `after`: from
 *   which delivery on it counts
 */

const MAX_PARTS = 8;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint, rounds }) {
  const at = slots(root);
  const form = /** @type {HTMLFormElement} */ (at.form);
  const field = (/** @type {string} */ name) =>
    /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  // The uses left that the server reports are those after its newest delivery.
  const set = computed(() => {
    const info = state.info.value;
    return info?.reply ? { setting: info.reply, after: info.last_seq } : null;
  });
  const limits = computed(() => ({ max_delay_ms: state.info.value?.limits.max_delay_ms ?? 0 }));
  const uses = computed(() => usesOf(state.log.value.deliveries, rounds.value));
  /** Grows with every change of the form. */
  const edits = signal(0);
  let isBusy = false;

  const option = () =>
    /** @type {HTMLSelectElement} */ (/** @type {unknown} */ (field('preset'))).selectedOptions[0];
  /** @returns {Setting} */
  const preset = () => {
    const { reply } = option().dataset;
    return reply === undefined ? PRESETS[option().value](limits.value) : JSON.parse(reply);
  };

  /** What the form says. @returns {Setting} */
  function chosen() {
    const { headers } = preset();
    /** @type {Setting} */
    const setting = at.own.open
      ? { ...(headers && { headers }), ...ownSetting() }
      : { ...preset() };
    if (needsSecret(setting)) setting.secret = field('secret').value;
    const times = field('times').value;
    if (!isUsual(setting) && (isCounted(setting) || times !== '')) setting.times = Number(times);
    return setting;
  }

  /** The fields of an answer of one's own, where something is in them. @returns {Setting} */
  function ownSetting() {
    const delay = Number(field('delay').value);
    const hasBody = field('body-kind').value !== 'usual';
    return {
      status: Number(field('status').value),
      ...(hasBody && { body: field('body').value, content_type: field('content_type').value }),
      ...(delay > 0 && { delay_ms: Math.round(delay * 1000) }),
    };
  }

  /** Puts the preset into the fields of an answer of one's own, so that they begin with it. */
  function takePreset() {
    const setting = preset();
    field('status').value = String(setting.status);
    field('body-kind').value = setting.body === undefined ? 'usual' : 'own';
    field('body').value = setting.body ?? '';
    field('content_type').value = setting.content_type ?? 'application/json';
    field('delay').value = String((setting.delay_ms ?? 0) / 1000);
    const most = maxTimes(setting);
    const times = Number(field('times').value);
    field('times').value = option().dataset.reply ? '' : String(Math.min(times || 1, most));
    field('secret').value = '';
  }

  effect(() => {
    void edits.value;
    const setting = chosen();
    const url = state.info.value?.hook_url;
    const back = comesBack(setting, url ? new URL(url).hostname : 'your server');
    write(at.back, back.words);
    write(at.cost, costWords(back));
    const more = back.events.length - MAX_PARTS;
    const parts = back.events.slice(0, MAX_PARTS);
    at.parts.replaceChildren(...listItems(more > 0 ? [...parts, `… and ${more} more`] : parts));
    at.times.hidden = isUsual(setting);
    write(
      at['times-label'],
      isCounted(setting) ? 'Number of deliveries' : 'Number of deliveries (empty: all)',
    );
    at.counts.hidden = !isUsual(setting) && setting.times === undefined;
    const { secret = '', note = '' } = option().dataset;
    at.secret.hidden = at['secret-note'].hidden = !needsSecret(setting);
    write(at['secret-label'], secret || 'Secret');
    writeOrHide(at.note, note);
    field('times').max = String(maxTimes(setting));
    at.body.hidden = field('body-kind').value === 'usual';
    const most = limits.value.max_delay_ms;
    at.slow.disabled = state.info.value !== null && most === 0;
    at.slow.textContent = at.slow.disabled
      ? 'late (this server does not hold answers back)'
      : `late, after ${Math.min(25_000, most || 25_000) / 1000} s`;
    field('delay').max = String(most / 1000);
    at.delay.hidden = most === 0;
  });

  effect(() => {
    root.hidden = state.keys.value !== null && state.keys.value.owner === null;
    const [words, isSet] = state.info.value ? answerWords(set.value, uses.value) : ['', false];
    write(at.now, words);
    at.restore.hidden = !isSet;
  });

  /** @param {string} words @param {string} [name] of the field it is about */
  function complain(words, name = '') {
    for (const control of form.elements) {
      if (control.getAttribute('aria-describedby') === at.problem.id) {
        control.removeAttribute('aria-describedby');
      }
      control.removeAttribute('aria-invalid');
    }
    writeOrHide(at.problem, words);
    if (words === '') return;
    const control = form.elements.namedItem(FIELDS.get(name) ?? name);
    if (!(control instanceof HTMLElement)) return form.append(at.problem);
    const details = control.closest('details');
    if (details) details.open = true;
    control.setAttribute('aria-invalid', 'true');
    control.setAttribute('aria-describedby', at.problem.id);
    // At the field, where the eye is.
    (control.closest('label') ?? control).after(at.problem);
    control.focus();
  }

  /** @param {Setting | null} setting null for the usual answer */
  async function send(setting) {
    if (isBusy) return;
    isBusy = true;
    complain('');
    try {
      await endpoint.setReply(setting);
    } catch (error) {
      const problem = /** @type {import('../lib/api-client.js').ApiProblem} */ (error);
      complain(failure(problem), problem.field);
    } finally {
      isBusy = false;
    }
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const setting = chosen();
    void send(isUsual(setting) ? null : setting);
  });
  field('preset').addEventListener('change', () => {
    takePreset();
    complain('');
  });
  const edit = () => (edits.value += 1);
  for (const name of ['input', 'change']) form.addEventListener(name, edit);
  at.own.addEventListener('toggle', edit);
  untracked(takePreset);

  return { restore: () => send(null) };
}

/** The field of the form for a field of the setting, where they have different names. */
const FIELDS = new Map([
  ['delay_ms', 'delay'],
  ['headers', 'preset'],
]);

/**
 * What the server answers now, and whether that is a setting.
 * @param {SetAt | null} set @param {{seq: number, n: number, of: number, by: string}[]} all
 *   deliveries answered by a setting
 * @returns {[string, boolean]}
 */
function answerWords(set, all) {
  if (set === null) return ['The server answers as usual: 200 and {"ok":true,"id":…}.', false];
  const uses = all.filter(({ seq }) => seq > set.after);
  const left = usedUp(set.setting, uses);
  const last = uses.at(-1);
  const by = last ? `#${last.seq}${last.by === '' ? '' : `, ${last.by}`}` : '';
  const words = settingWords(set.setting);
  if (left === null) return [`The server answers ${words}, until you change it.`, true];
  if (left.left === 0) {
    const often = left.of === 1 ? 'once' : `${left.of} times`;
    const who = by === '' ? '' : `, ${left.of === 1 ? '' : 'the last time '}by ${by}`;
    return [`${words} was used ${often}${who}. The server answers as usual again.`, false];
  }
  const next = left.left === 1 ? 'delivery' : `${left.left} deliveries`;
  const lastUse = by === '' ? '' : ` Last used by ${by}.`;
  return [`The server answers the next ${next} with ${words}.${lastUse}`, true];
}
