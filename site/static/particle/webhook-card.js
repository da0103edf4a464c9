// @ts-check
// The webhook in the account: every field of it, its buttons, and the questions before anything of
// somebody else's changes.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { element, listItems, write, writeOrHide } from '../lib/dom.js';
import { effect, signal } from '../lib/signal.js';
import { asTemplate, consoleUrl, fields, settingsFor } from './webhook.js';

/**
 * @typedef {import('./hook.js').HookState} HookState
 * @typedef {{words: string, label: string, act: () => unknown, canDecline?: boolean}} Question
 */

/** A webhook of somebody's own shares nothing with this one; then the rest says no more. */
const MAX_DIFFERENCES = 8;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, particle, expectRound }) {
  const at = slots(root);
  const { event, form, webhook } = particle;
  /** What was left alone on purpose, so that it is not asked about again. */
  const declined = signal('');
  /** @type {Question | null} */
  let question = null;
  let presses = 0;

  effect(() => {
    const hook = state.webhook.value;
    const now = particle.connection.value;
    const isForgotten = particle.mine.value?.isForgotten ?? false;
    // Before anybody is signed in it shows what will be made.
    const isShown = hook.kind === 'ours' || hook.kind === 'none';
    at.webhook.hidden = !isShown;
    const isLeft = isForgotten && hook.kind === 'ours';
    writeOrHide(at.state, isLeft ? LEFT : stateWords(hook, event));
    at.remove.hidden = hook.kind !== 'ours';

    question = questionFor(hook, isForgotten);
    at.question.hidden = question === null;
    write(at['question-words'], question?.words ?? '');
    write(at.yes, question?.label ?? '');
    at.no.hidden = !question?.canDecline;
    const differs = hook.kind === 'ours' && !isForgotten ? hook.differs : [];
    at.differs.hidden = differs.length === 0;
    at.differs.replaceChildren(...listItems(differs.slice(0, MAX_DIFFERENCES)));

    const console = now && hook.kind === 'ours' ? consoleUrl(now.offer.console, hook.id) : '';
    at.console.hidden = console === '';
    if (console !== '') at.console.href = console;
    writeOrHide(at.overlap, overlapWords('overlapping' in hook ? hook.overlapping : []));
  });

  effect(() => {
    const settings = settingsFor(form, particle.mine.value?.url ?? 'your hook URL');
    write(at.json, asTemplate(settings));
    at.fields.replaceChildren(
      ...fields(settings).map(([name, value]) =>
        element('div', '', element('dt', '', name), element('dd', '', value)),
      ),
    );
  });

  /** @param {HookState} hook @param {boolean} isForgotten @returns {Question | null} */
  function questionFor(hook, isForgotten) {
    if (hook.kind === 'failed') {
      return { words: hook.problem.message, label: 'Try again', act: webhook.look };
    }
    // What leads nowhere is not made, taken over or changed.
    if (isForgotten) return null;
    if (hook.kind === 'absent') {
      return hook.wasOurs
        ? { words: GONE, label: 'Make it again', act: webhook.setUp }
        : {
            words: `The page can make it: one webhook named “${event}”.`,
            label: 'Make the webhook',
            act: webhook.setUp,
          };
    }
    if (hook.kind === 'elsewhere') return elsewhereQuestion(hook);
    if (hook.kind === 'ours' && hook.differs.length > 0) {
      return { words: CHANGED, label: 'Put back', act: webhook.putBack };
    }
    return null;
  }

  /** @param {HookState & {kind: 'elsewhere'}} hook @returns {Question} */
  function elsewhereQuestion({ hook, wasOurs }) {
    const act = webhook.takeOver;
    if (declined.value === `${hook.id}|${hook.url}`) {
      return {
        words: 'It was left as it is, so events do not come here. ',
        label: 'Take it over after all',
        act,
      };
    }
    const date = new Date(hook.created_at);
    const isDated = typeof hook.created_at === 'string' && !Number.isNaN(date.getTime());
    const day = date.toLocaleDateString('en-GB', {
      day: 'numeric',
      month: 'long',
      year: 'numeric',
    });
    const since = isDated ? `, made on ${day}` : '';
    const words =
      `It leads to ${String(hook.url).slice(0, 300)}${since}. ` + `${wasOurs ? TAKEN : FOREIGN}`;
    return { words, label: wasOurs ? 'Take back' : 'Take it over', act, canDecline: true };
  }

  return {
    yes: () => question?.act(),
    no() {
      const hook = state.webhook.peek();
      if (hook.kind === 'elsewhere') declined.value = `${hook.hook.id}|${hook.hook.url}`;
    },
    async test() {
      const count = (presses += 1);
      expectRound();
      const problem = await particle.publish(event, particle.testData());
      const words =
        count === 1 ? 'Published. The round appears in the log.' : `Published ${count} times.`;
      write(at.status, problem ?? words);
    },
    copy: (button) => copyFrom(button, at.json.textContent),
    remove: () => (state.dialog.value = { name: 'remove-webhook' }),
  };
}

const LEFT =
  'This webhook is still in your account. Its URL is forgotten, so every event that triggers ' +
  'it gets 404: remove it.';
const GONE = 'Events are published as before, but nothing is sent here.';
const CHANGED = 'It is not as this page made it. Somebody changed it since; perhaps you.';
const TAKEN = 'Somebody changed it since; perhaps you, in another browser.';
const FOREIGN =
  'It may be yours from an earlier time, or somebody else’s who shares the account. If you ' +
  'take it over, it no longer leads there.';

/** @param {import('./cloud.js').Integration[]} overlapping */
function overlapWords(overlapping) {
  if (overlapping.length === 0) return '';
  const who =
    overlapping.length === 1
      ? 'Another webhook fires'
      : `${overlapping.length} other webhooks fire`;
  const which = overlapping
    .slice(0, 5)
    .map(
      ({ event, url }) =>
        `“${String(event).slice(0, 64)}”${url ? `, to ${String(url).slice(0, 120)}` : ''}`,
    );
  return (
    `${who} for some of the same events: ${which.join('; ')}. One event is then sent more ` +
    'than once.'
  );
}

/** @param {HookState} hook @param {string} event */
function stateWords(hook, event) {
  if (hook.kind === 'asking') return 'Asking the cloud …';
  if (hook.kind === 'failed') return 'That did not work.';
  if (hook.kind === 'ours') {
    return hook.differs.length > 0
      ? 'This webhook is in your account, but it was changed.'
      : `This webhook is in your account. Every event whose name begins with “${event}” ` +
          'triggers it.';
  }
  if (hook.kind === 'elsewhere') {
    return hook.wasOurs
      ? `The webhook “${event}” no longer leads here.`
      : `There is a webhook named “${event}” in the account already.`;
  }
  if (hook.kind === 'absent') {
    return hook.wasOurs
      ? `The webhook “${event}” is no longer in your account.`
      : `There is no webhook named “${event}” in the account.`;
  }
  return '';
}
