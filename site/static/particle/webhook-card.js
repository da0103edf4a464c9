// @ts-check
// The webhook in the account: its settings by the console's words and as JSON, its buttons, and the
// questions before anything of somebody else's changes.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { element, listItems, write, writeOrHide } from '../lib/dom.js';
import { computed, effect, signal } from '../lib/signal.js';
import { consoleFields, settingsOf } from './console-fields.js';
import { asTemplate, consoleUrl, settingsFor } from './webhook.js';

/** A webhook of somebody's own shares nothing with this one; then the rest says no more. */
const MAX_DIFFERENCES = 8;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, particle, expectRound }) {
  const at = slots(root);
  const { event, form, webhook } = particle;
  const declined = signal('');
  /** What is said of any other webhook than the usual one. */
  const rest = signal(/** @type {typeof import('./webhook-questions.js') | null} */ (null));
  /** @type {import('./webhook-questions.js').Question | null} */
  let question = null;
  let presses = 0;

  const isForgotten = () => particle.mine.value?.isForgotten ?? false;
  /** Whether it is as this page makes it, or about to be. */
  const isUsual = computed(() => {
    const hook = state.webhook.value;
    if (hook.kind === 'none' || hook.kind === 'asking') return true;
    if (hook.kind !== 'ours' || isForgotten()) return false;
    return hook.differs.length + hook.overlapping.length === 0;
  });
  effect(() => {
    if (isUsual.value || rest.value) return;
    import('./webhook-questions.js').then(
      (module) => (rest.value = module),
      // Offline; it is tried again when something changes.
      () => {},
    );
  });

  effect(() => {
    const hook = state.webhook.value;
    const now = particle.connection.value;
    const more = isUsual.value ? null : rest.value;
    // Before anybody is signed in it shows what will be made.
    at.webhook.hidden = hook.kind !== 'ours' && hook.kind !== 'none';
    const isWell = hook.kind === 'ours' && hook.differs.length === 0 && !isForgotten();
    const words = isWell
      ? `This webhook is in your account. Every event whose name begins with “${event}” triggers it.`
      : hook.kind === 'asking'
        ? 'Asking the cloud …'
        : (more?.stateWords(hook, event, isForgotten()) ?? '');
    writeOrHide(at.state, words);
    at.remove.hidden = at.edit.hidden = hook.kind !== 'ours';

    question = more?.questionOf(hook, event, isForgotten(), declined.value) ?? null;
    at.question.hidden = question === null;
    write(at['question-words'], question?.words ?? '');
    write(at.yes, question?.label ?? '');
    at.no.hidden = !question?.canDecline;
    const differs = hook.kind === 'ours' && !isForgotten() ? hook.differs : [];
    at.differs.hidden = differs.length === 0;
    at.differs.replaceChildren(...listItems(differs.slice(0, MAX_DIFFERENCES)));

    const console = now && hook.kind === 'ours' ? consoleUrl(now.offer.console, hook.id) : '';
    at.console.hidden = console === '';
    if (console !== '') at.console.href = console;
    const overlapping = 'overlapping' in hook ? hook.overlapping : [];
    writeOrHide(at.overlap, more?.overlapWords(overlapping) ?? '');
  });

  /** Its settings in the account; before it is there, those that it is to have. */
  const settings = computed(() => {
    const hook = state.webhook.value;
    const wanted = settingsFor(form, particle.mine.value?.url ?? 'your hook URL');
    const live = hook.kind === 'ours' && hook.leading.find(({ id }) => id === hook.id);
    return live ? settingsOf(live, wanted) : wanted;
  });
  effect(() => {
    write(at.json, asTemplate(settings.value));
    at.fields.replaceChildren(
      ...consoleFields(settings.value).map(([name, value]) =>
        element('div', '', element('dt', '', name), element('dd', '', value)),
      ),
    );
  });

  return {
    yes: () => question && webhook[question.act](),
    no: () => (declined.value = rest.peek()?.nameOf(state.webhook.peek()) ?? ''),
    async test() {
      const count = (presses += 1);
      expectRound();
      const problem = await particle.publish(event, particle.testData());
      const words =
        count === 1 ? 'Published. The round appears in the log.' : `Published ${count} times.`;
      write(at.status, problem ?? words);
    },
    copy: (button) => copyFrom(button, at.json.textContent),
    edit: () => (state.editedWebhook.value = settings.peek()),
    remove: () => (state.dialog.value = { name: 'remove-webhook' }),
  };
}
