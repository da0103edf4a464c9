// @ts-check
// Signing in to an account: with a token, or with user name and password, and a one-time code if
// the account has one. Loaded when somebody opens it.

import { own, slots } from '../lib/component.js';
import { setDisabled } from '../lib/disabled.js';
import { write, writeOrHide } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { failureWords } from './cloud.js';
import { serverWords } from './connect-words.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, particle }) {
  const at = slots(root);
  const forms = new Map(
    [...root.querySelectorAll('form')].map((form) => [form.dataset.form, form]),
  );
  const form = (/** @type {string} */ name) => /** @type {HTMLFormElement} */ (forms.get(name));
  const home = at.problem.parentElement;
  /**
   * A sign-in that waits for its one-time code.
   * @type {{mfaToken: string, username: string} | null}
   */
  let pending = null;

  /**
   * Says what went wrong where it went wrong: in the form whose fields it is about, and for those.
   * @param {string} words
   * @param {HTMLFormElement} [where]
   */
  function complain(words, where) {
    for (const input of root.querySelectorAll(`[aria-describedby="${at.problem.id}"]`)) {
      input.removeAttribute('aria-describedby');
      input.removeAttribute('aria-invalid');
    }
    writeOrHide(at.problem, words);
    if (words === '' || !where) return home.append(at.problem);
    const inputs = [...where.querySelectorAll('input')];
    for (const input of inputs) {
      input.setAttribute('aria-describedby', at.problem.id);
      input.setAttribute('aria-invalid', 'true');
    }
    inputs.at(-1)?.closest('label')?.after(at.problem);
    // The field is where it goes on.
    inputs.at(-1)?.focus();
  }
  const showCode = (/** @type {boolean} */ is) => {
    form('code').hidden = !is;
    form('password').hidden = is;
    form('token').hidden = is;
  };

  /**
   * One try at a time, and never a second one by itself.
   * @param {() => Promise<void>} act
   * @param {HTMLFormElement} where
   */
  async function attempt(act, where) {
    if (state.isSigningIn.peek()) return;
    state.isSigningIn.value = true;
    complain('');
    const controls = root.querySelectorAll('button');
    for (const button of controls) setDisabled(button, true);
    let problem = '';
    try {
      await act();
    } catch (error) {
      problem = failureWords(error);
    } finally {
      state.isSigningIn.value = false;
      for (const button of controls) setDisabled(button, false);
    }
    if (problem !== '') complain(problem, where);
  }

  const real = () => particle.offers.peek()?.find(({ demo }) => demo === null);
  /**
   * @param {string} name
   * @param {(offer: import('./model.js').Offer, field: (name: string) => string) => Promise<void>}
   *   act
   */
  const onSubmit = (name, act) =>
    form(name).addEventListener('submit', (event) => {
      event.preventDefault();
      const offer = real();
      const fields = new FormData(form(name));
      const field = (/** @type {string} */ of) => String(fields.get(of));
      if (offer) void attempt(() => act(offer, field), form(name));
    });

  onSubmit('token', async (offer, field) => {
    const ticket = await offer.cloud.useToken(field('token'));
    form('token').reset();
    particle.signIn(offer, ticket);
  });
  onSubmit('password', async (offer, field) => {
    const username = field('username').trim();
    const answer = await offer.cloud.signIn({ username, password: field('password') });
    form('password').reset();
    if ('ticket' in answer) return particle.signIn(offer, answer.ticket);
    pending = { mfaToken: answer.mfaToken, username };
    showCode(true);
    /** @type {HTMLInputElement} */ (form('code').elements.namedItem('code')).focus();
  });
  onSubmit('code', async (offer, field) => {
    if (!pending) return;
    const code = field('code').replaceAll(' ', '');
    const ticket = await offer.cloud.sendCode({ ...pending, code });
    form('code').reset();
    pending = null;
    showCode(false);
    particle.signIn(offer, ticket);
  });

  effect(() => {
    const offers = particle.offers.value ?? [];
    write(at.server, serverWords(location, particle.keptFor()));
    const api = offers.find(({ demo }) => demo === null)?.cloud.api ?? 'https://api.particle.io';
    for (const node of own(root, 'data-api')) write(node, new URL(api).host);
  });

  return {
    again() {
      pending = null;
      complain('');
      showCode(false);
    },
  };
}
