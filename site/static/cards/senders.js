// @ts-check
// Who may call the hook URL: pages of other sites or not, and with which credential.

import { failure } from '../lib/api-client.js';
import { slots } from '../lib/component.js';
import { write, writeOrHide } from '../lib/dom.js';
import { computed, effect } from '../lib/signal.js';

/** @typedef {import('../lib/api-client.js').Settings} Settings */

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint }) {
  const at = slots(root);
  const form = /** @type {HTMLFormElement} */ (at.form);
  const field = (/** @type {string} */ name) =>
    /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  /** What the server said last, and after which delivery. */
  const set = computed(() => {
    const info = state.info.value;
    return info?.settings ? { settings: info.settings, after: info.last_seq } : null;
  });
  let isBusy = false;

  function drawFields() {
    const scheme = field('scheme').value;
    at.user.hidden = scheme !== 'basic';
    at.secret.hidden = at.refuse.hidden = at.note.hidden = scheme === '';
    write(at['secret-label'], scheme === 'basic' ? 'Password' : 'Token');
  }

  effect(() => {
    const settings = set.value?.settings;
    field('cors').checked = settings?.cors ?? false;
    field('scheme').value = settings?.expect?.scheme ?? '';
    drawFields();
  });

  effect(() => {
    root.hidden = state.keys.value !== null && state.keys.value.owner === null;
    const { settings, after } = set.value ?? { settings: null, after: 0 };
    // A preflight that was answered has no credential, and does not count.
    const came = state.log.value.deliveries.filter(({ seq, verified }) => verified && seq > after);
    write(at.now, settings ? settingsWords(settings, came.length) : '');
  });

  async function send() {
    if (isBusy) return;
    isBusy = true;
    writeOrHide(at.problem, '');
    try {
      // What was not changed here may have been changed elsewhere.
      const cors = field('cors').checked;
      const isChanged = cors !== (set.peek()?.settings.cors ?? false);
      await endpoint.changeSettings({ ...(isChanged && { cors }), ...expected() });
      field('secret').value = '';
    } catch (error) {
      writeOrHide(at.problem, failure(/** @type {Error} */ (error)));
    } finally {
      isBusy = false;
    }
  }

  /** The credential in the form. One that is set already and not typed again stays. */
  function expected() {
    const [scheme, user, secret] = ['scheme', 'user', 'secret'].map((name) => field(name).value);
    const refuse = Number(field('refuse').value);
    if (scheme === '') return set.peek()?.settings.expect ? { expect: null } : {};
    if (secret + user === '' && scheme === set.peek()?.settings.expect?.scheme) return {};
    return scheme === 'basic'
      ? { expect: { scheme, user, password: secret, refuse } }
      : { expect: { scheme, token: secret, refuse } };
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send();
  });
  field('scheme').addEventListener('change', drawFields);

  return {};
}

/**
 * @param {Settings} settings
 * @param {number} came deliveries since then
 */
function settingsWords({ cors, expect }, came) {
  const pages = cors
    ? 'Pages of other sites may call and read the answer.'
    : 'Pages of other sites can’t read the answer, and the browser stops most of what they send.';
  if (expect === null) return `${pages} No credential is expected.`;
  const kind = expect.scheme === 'basic' ? 'A user and password are' : 'A bearer token is';
  const left = Math.max(0, expect.refuse_left - came);
  const refused =
    left === 0
      ? ' Whoever lacks it is recorded and answered as usual.'
      : ` Of the next ${left === 1 ? 'delivery' : `${left} deliveries`}, those without it get 401.`;
  return `${pages} ${kind} expected.${refused}`;
}
