// @ts-check
// Connecting an account: what it will do in plain words, the ways to sign in, and who is signed in.

import { own, slots } from '../lib/component.js';
import { setDisabled } from '../lib/disabled.js';
import { write, writeOrHide } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { CloudProblem } from './cloud.js';
import { noneWords, serverWords, streamWords } from './connect-words.js';

/** @typedef {import('./cloud.js').Device} Device */

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
  let isBusy = false;

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
   * @param {HTMLFormElement} [where]
   */
  async function attempt(act, where) {
    if (isBusy) return;
    isBusy = true;
    complain('');
    const controls = at.open.querySelectorAll('button');
    for (const button of controls) setDisabled(button, true);
    let problem = '';
    try {
      await act();
    } catch (error) {
      problem =
        error instanceof CloudProblem ? error.message : 'Something went wrong in this page.';
    } finally {
      isBusy = false;
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
    const mine = particle.mine.value;
    const now = particle.connection.value;
    const offers = particle.offers.value ?? [];
    at.card.hidden = mine === null;
    at.before.hidden = mine !== null;
    at.open.hidden = now !== null;
    at.done.hidden = now === null;
    at.plan.hidden = offers.length === 0 || Boolean(mine?.isForgotten);
    at.simulated.hidden = !offers.some(({ demo }) => demo !== null);
    at.account.hidden = !offers.some(({ demo }) => demo === null);
    writeOrHide(
      at.none,
      state.config.value === null ? UNREADABLE : particle.offers.value ? noneWords(offers) : '',
    );
    write(at.server, serverWords(location, particle.keptFor()));
    const forgotten = mine?.isForgotten && !now ? FORGOTTEN : '';
    writeOrHide(at.why, state.signedOutWhy.value || forgotten);
    const api = offers.find(({ demo }) => demo === null)?.cloud.api ?? 'https://api.particle.io';
    for (const node of own(root, 'data-api')) write(node, new URL(api).host);
  });
  effect(() => {
    const now = particle.connection.value;
    if (!now) return;
    const stream = streamWords(state.stream.value);
    const devices = state.devices.value;
    at.done.dataset.state = stream.failing ? 'failing' : 'well';
    write(
      at.who,
      `Connected to ${now.offer.name}${now.username === '' ? '' : ` as ${now.username}`}.`,
    );
    write(at.devices, devices === null ? '' : devicesLine(devices));
    write(at.stream, stream.words);
  });

  return {
    simulated: () =>
      attempt(async () => {
        const offer = particle.offers.peek()?.find(({ demo }) => demo !== null);
        if (!offer?.demo) return;
        const answer = await offer.cloud.signIn(offer.demo);
        if ('ticket' in answer) particle.signIn(offer, answer.ticket);
        else
          complain('The simulated account asks for a one-time code; this button can’t give one.');
      }),
    again() {
      pending = null;
      complain('');
      showCode(false);
    },
    'sign-out': () => particle.signOut(),
  };
}

const UNREADABLE =
  'Which clouds can be connected here could not be read. Reload the page to try again.';
const FORGOTTEN =
  'The endpoint is forgotten. Connect only to look after what is left in the account; nothing ' +
  'is made.';

/** @param {Device[]} devices */
function devicesLine(devices) {
  if (devices.length === 0) {
    return 'No devices in this account: everything up to the device works without one.';
  }
  const named = devices
    .slice(0, 3)
    .map(({ name, id, online }) => `${name ?? id} (${online ? 'online' : 'offline'})`);
  const more = devices.length > 3 ? ` and ${devices.length - 3} more` : '';
  return `${devices.length === 1 ? 'Device' : 'Devices'}: ${named.join(', ')}${more}.`;
}
