// @ts-check
// The webhook in the account: every field of it, its buttons, and the questions before anything of somebody else's changes.
// Only DOM and its wiring; what is known about the webhook comes from hook.js.

import { copyOf, part, slot } from '../lib/dom.js';
import { asTemplate, fields, settingsFor } from './webhook.js';

/** @typedef {import('./hook.js').HookState} HookState */
/** @typedef {ReturnType<typeof import('./hook.js').hookKeeper>} Keeper */

/** A webhook of somebody's own shares nothing with this one; then the rest says no more. */
const MAX_DIFFERENCES = 8;

/**
 * @param {HTMLElement} card
 * @param {{keeper: Keeper, form: import('./webhook.js').Settings}} with_ `form`: webhook.json
 */
export function mountWebhookCard(card, { keeper, form }) {
  const { event } = form;
  const yes = /** @type {HTMLButtonElement} */ (card.querySelector('[data-do="webhook-yes"]'));
  const no = /** @type {HTMLButtonElement} */ (card.querySelector('[data-do="webhook-no"]'));
  let act = () => {};
  /** What was left alone on purpose, so that it is not asked about again. */
  let declined = '';
  let shown = { consoleAt: '', isForgotten: false };

  const ask = (/** @type {string} */ words, /** @type {string} */ label, /** @type {() => void} */ then, canDecline = false) => {
    part('webhook-question').hidden = false;
    slot('webhook-question').textContent = words;
    yes.textContent = label;
    no.hidden = !canDecline;
    act = then;
  };

  return {
    /** @type {Record<string, () => unknown>} */
    actions: {
      'webhook-yes': () => act(),
      'webhook-no': () => {
        const state = keeper.state();
        if (state.kind === 'elsewhere') declined = `${state.hook.id}|${state.hook.url}`;
        update(state, shown);
      },
    },
    /** The JSON as shown, to be copied. */
    json: () => slot('webhook-json').textContent ?? '',
    say: (/** @type {string} */ words) => (slot('webhook-said').textContent = words),
    update,
  };

  /** @param {HookState} state @param {{consoleAt: string, isForgotten: boolean}} view `consoleAt`: where the console shows it */
  function update(state, view) {
    shown = view;
    const { consoleAt, isForgotten } = view;
    // Before anybody is signed in it shows what will be made.
    const isShown = state.kind === 'ours' || state.kind === 'none';
    part('webhook-question').hidden = true;
    part('webhook-there').hidden = !isShown;
    const said = slot('webhook-state');
    const words = isForgotten && state.kind === 'ours' ? 'This webhook is still in your account. Its URL is forgotten, so every event that triggers it gets 404: remove it.' : wordsFor(state);
    if (said.textContent !== words) said.textContent = words;
    said.hidden = words === '';
    card.querySelector('[data-do="remove-webhook"]')?.toggleAttribute('hidden', state.kind !== 'ours');
    // What leads nowhere is not made, taken over or mended.
    if (state.kind === 'absent' && !isForgotten) {
      ask(state.wasOurs ? 'Events are published as before, but nothing is sent here.' : `The page can make it: one webhook named “${event}”.`, state.wasOurs ? 'Make it again' : 'Make the webhook', () => void keeper.setUp());
    }
    if (state.kind === 'elsewhere' && !isForgotten) {
      const { url, created_at } = state.hook;
      const since = typeof created_at === 'string' && !Number.isNaN(Date.parse(created_at)) ? `, made on ${new Date(created_at).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })}` : '';
      if (declined !== `${state.hook.id}|${url}`) {
        ask(`It leads to ${String(url).slice(0, 300)}${since}. ${state.wasOurs ? 'Somebody changed it since; perhaps you, in another browser.' : 'It may be yours from an earlier time, or somebody else’s who shares the account. If you take it over, it no longer leads there.'}`, state.wasOurs ? 'Take back' : 'Take it over', () => void keeper.takeOver(), true);
      } else ask('It was left as it is, so events do not come here. ', 'Take it over after all', () => void keeper.takeOver());
    }
    const differs = state.kind === 'ours' && !isForgotten ? state.differs : [];
    if (differs.length > 0) ask('It is not as this page made it. Somebody changed it since; perhaps you.', 'Put back', () => void keeper.putBack());
    const list = part('webhook-differs');
    list.hidden = differs.length === 0;
    list.replaceChildren(
      ...differs.slice(0, MAX_DIFFERENCES).map((words) => {
        const item = document.createElement('li');
        item.textContent = words;
        return item;
      }),
    );
    if (state.kind === 'failed') ask(state.problem.message, 'Try again', () => void keeper.look());
    if (isShown) {
      drawSettings(keeper.settings() ?? settingsFor(form, 'your hook URL'));
      const link = /** @type {HTMLAnchorElement} */ (part('webhook-console'));
      link.hidden = consoleAt === '';
      if (consoleAt !== '') link.href = consoleAt;
    }
    const overlapping = 'overlapping' in state ? state.overlapping : [];
    const overlap = slot('webhook-overlap');
    overlap.hidden = overlapping.length === 0;
    const who = overlapping.length === 1 ? 'Another webhook fires' : `${overlapping.length} other webhooks fire`;
    const which = overlapping.slice(0, 5).map(({ event: name, url }) => `“${String(name).slice(0, 64)}”${url ? `, to ${String(url).slice(0, 120)}` : ''}`);
    overlap.textContent = overlapping.length === 0 ? '' : `${who} for some of the same events: ${which.join('; ')}. One event is then sent more than once.`;
  }

  /** @param {import('./webhook.js').Settings} settings */
  function drawSettings(settings) {
    const json = asTemplate(settings);
    if (slot('webhook-json').textContent === json) return;
    slot('webhook-json').textContent = json;
    slot('webhook-fields').replaceChildren(
      ...fields(settings).map(([name, value]) => {
        const row = copyOf('webhook-field-template');
        slot('name', row).textContent = name;
        slot('value', row).textContent = value;
        return row;
      }),
    );
  }

  /** @param {HookState} state */
  function wordsFor(state) {
    if (state.kind === 'asking') return 'Asking the cloud …';
    if (state.kind === 'ours' && state.differs.length > 0) return 'This webhook is in your account, but it was changed.';
    if (state.kind === 'ours') return `This webhook is in your account. Every event whose name begins with “${event}” triggers it.`;
    if (state.kind === 'elsewhere') return state.wasOurs ? `The webhook “${event}” no longer leads here.` : `There is a webhook named “${event}” in the account already.`;
    if (state.kind === 'absent') return state.wasOurs ? `The webhook “${event}” is no longer in your account.` : `There is no webhook named “${event}” in the account.`;
    if (state.kind === 'failed') return 'That did not work.';
    return '';
  }
}
