// @ts-check
// What is said of a webhook that is not as this page makes it, and what is asked before anything of
// somebody else's changes. Pure; loaded when there is such a webhook.

/**
 * @typedef {import('./hook.js').HookState} HookState
 * @typedef {{words: string, label: string, act: 'look' | 'setUp' | 'takeOver' | 'putBack',
 *   canDecline?: boolean}} Question `act`: of hook.js, if the answer is yes
 */

/**
 * @param {HookState} hook @param {string} event
 * @param {boolean} isForgotten whether the endpoint is
 * @param {string} declined the one that was left alone on purpose, by `nameOf`
 * @returns {Question | null}
 */
export function questionOf(hook, event, isForgotten, declined) {
  if (hook.kind === 'failed')
    return { words: hook.problem.message, label: 'Try again', act: 'look' };
  // What leads nowhere is not made, taken over or changed.
  if (isForgotten) return null;
  if (hook.kind === 'absent') {
    return hook.wasOurs
      ? { words: GONE, label: 'Make it again', act: 'setUp' }
      : {
          words: `The page can make it: one webhook named “${event}”.`,
          label: 'Make the webhook',
          act: 'setUp',
        };
  }
  if (hook.kind === 'elsewhere') return elsewhereQuestion(hook, declined);
  if (hook.kind === 'ours' && hook.differs.length > 0)
    return { words: CHANGED, label: 'Put back', act: 'putBack' };
  return null;
}

/** What was declined, so that it is not asked about again. @param {HookState} hook */
export const nameOf = (hook) =>
  hook.kind === 'elsewhere' ? `${hook.hook.id}|${hook.hook.url}` : '';

/** @param {HookState & {kind: 'elsewhere'}} hook @param {string} declined @returns {Question} */
function elsewhereQuestion({ kind, hook, wasOurs, ...around }, declined) {
  const act = 'takeOver';
  if (declined === nameOf({ kind, hook, wasOurs, ...around })) {
    return {
      words: 'It was left as it is, so events do not come here. ',
      label: 'Take it over after all',
      act,
    };
  }
  const date = new Date(hook.created_at);
  const isDated = typeof hook.created_at === 'string' && !Number.isNaN(date.getTime());
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  const since = isDated ? `, made on ${day}` : '';
  const words =
    `It leads to ${String(hook.url).slice(0, 300)}${since}. ` + `${wasOurs ? TAKEN : FOREIGN}`;
  return { words, label: wasOurs ? 'Take back' : 'Take it over', act, canDecline: true };
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
export function overlapWords(overlapping) {
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

/** @param {HookState} hook @param {string} event @param {boolean} isForgotten */
export function stateWords(hook, event, isForgotten) {
  if (hook.kind === 'failed') return 'That did not work.';
  if (hook.kind === 'ours')
    return isForgotten ? LEFT : 'This webhook is in your account, but it was changed.';
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
