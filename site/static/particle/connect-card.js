// @ts-check
// Connecting an account: what it will do in plain words, the ways to sign in, and who is signed in. Only DOM and its wiring.

import { part, slot } from '../lib/dom.js';
import { setOff } from '../lib/wants.js';
import { CloudProblem } from './cloud.js';

/**
 * @typedef {import('./account.js').AccountState} AccountState
 * @typedef {import('./cloud.js').Device} Device
 * @typedef {{id: string, name: string, cloud: ReturnType<typeof import('./cloud.js').cloud>, console: string,
 *   demo: {username: string, password: string} | null}} Offer a cloud that can reach the hook URL
 */

/**
 * @param {HTMLElement} card
 * @param {{offers: () => Offer[], onTicket: (offer: Offer, ticket: import('./cloud.js').Ticket) => void}} with_
 */
export function mountConnectCard(card, { offers, onTicket }) {
  const form = (/** @type {string} */ name) => /** @type {HTMLFormElement} */ (card.querySelector(`[data-form="${name}"]`));
  /** A sign-in that waits for its code. @type {{mfaToken: string, username: string} | null} */
  let round = null;
  let busy = false;

  const problem = slot('connect-problem');
  const home = /** @type {HTMLElement} */ (problem.parentElement);
  /** Says what went wrong where it went wrong: in the form whose fields it is about, and for those. @param {string} words @param {HTMLFormElement} [where] */
  const say = (words, where) => {
    for (const input of card.querySelectorAll('[aria-describedby="connect-problem"]')) {
      input.removeAttribute('aria-describedby');
      input.removeAttribute('aria-invalid');
    }
    problem.hidden = words === '';
    if (words !== '' && where) {
      const inputs = where.querySelectorAll('input');
      for (const input of inputs) {
        input.setAttribute('aria-describedby', problem.id);
        input.setAttribute('aria-invalid', 'true');
      }
      inputs[inputs.length - 1].closest('label')?.after(problem);
    } else home.append(problem);
    problem.textContent = words;
  };
  const showCode = (/** @type {boolean} */ is) => {
    form('code').hidden = !is;
    form('password').hidden = is;
    form('token').hidden = is;
  };
  const real = () => offers().find(({ demo }) => demo === null);

  /** One try at a time, and never a second one by itself. @param {() => Promise<void>} act @param {HTMLFormElement} [where] */
  const attempt = async (act, where) => {
    if (busy) return;
    busy = true;
    let went = '';
    say('');
    const controls = /** @type {NodeListOf<HTMLButtonElement>} */ (card.querySelectorAll('[data-part="connect-open"] button'));
    for (const button of controls) setOff(button, true);
    try {
      await act();
    } catch (error) {
      went = error instanceof CloudProblem ? error.message : 'Something went wrong in this page.';
      say(went, where);
    } finally {
      busy = false;
      for (const button of controls) setOff(button, false);
    }
    // The field is where it goes on.
    if (went !== '' && where) where.querySelectorAll('input')[where.querySelectorAll('input').length - 1].focus();
  };

  /** @param {string} name @param {(fields: FormData) => Promise<void>} act */
  const onSubmit = (name, act) =>
    form(name).addEventListener('submit', (event) => {
      event.preventDefault();
      void attempt(() => act(new FormData(form(name))), form(name));
    });

  onSubmit('token', async (fields) => {
    const offer = real();
    if (!offer) return;
    const ticket = await offer.cloud.useToken(String(fields.get('token')));
    form('token').reset();
    onTicket(offer, ticket);
  });
  onSubmit('password', async (fields) => {
    const offer = real();
    if (!offer) return;
    const username = String(fields.get('username')).trim();
    const answer = await offer.cloud.signIn({ username, password: String(fields.get('password')) });
    form('password').reset();
    if ('ticket' in answer) return onTicket(offer, answer.ticket);
    round = { mfaToken: answer.mfaToken, username };
    showCode(true);
    /** @type {HTMLInputElement} */ (form('code').elements.namedItem('code')).focus();
  });
  onSubmit('code', async (fields) => {
    const offer = real();
    if (!offer || !round) return;
    const ticket = await offer.cloud.sendCode({ ...round, code: String(fields.get('code')).replaceAll(' ', '') });
    form('code').reset();
    round = null;
    showCode(false);
    onTicket(offer, ticket);
  });

  return {
    /** @type {Record<string, () => unknown>} */
    actions: {
      'connect-simulated': () =>
        attempt(async () => {
          const offer = offers().find(({ demo }) => demo !== null);
          if (!offer?.demo) return;
          const answer = await offer.cloud.signIn(offer.demo);
          if ('ticket' in answer) onTicket(offer, answer.ticket);
          else say('The simulated account asks for a one-time code; this button can’t give one.');
        }),
      'connect-again': () => {
        round = null;
        say('');
        showCode(false);
      },
    },
    /**
     * @param {{state: AccountState, offer: Offer | null, devices: Device[] | null, stream: {words: string, failing: boolean}, server: string,
     *   why: string, none: string, makesHook: boolean}} view `why`: why somebody is signed out who was not. `makesHook`: connecting makes the webhook. `none`: what to say if no cloud can reach the hook
     */
    update({ state, offer, devices, stream, server, why, none, makesHook }) {
      const isIn = state.kind === 'in';
      const list = offers();
      part('connect-open').hidden = isIn;
      part('connect-done').hidden = !isIn;
      part('connect-done').dataset.state = stream.failing ? 'failing' : 'well';
      part('connect-plan').hidden = list.length === 0 || !makesHook;
      part('connect-simulated').hidden = !list.some(({ demo }) => demo !== null);
      part('connect-account').hidden = !list.some(({ demo }) => demo === null);
      slot('connect-none').textContent = none;
      slot('connect-none').hidden = none === '';
      slot('connect-server').textContent = server;
      slot('connect-why').textContent = why;
      slot('connect-why').hidden = why === '';
      for (const node of card.querySelectorAll('[data-slot="connect-api"]')) node.textContent = new URL(real()?.cloud.api ?? 'https://api.particle.io').host;
      if (!isIn) return;
      slot('connect-who').textContent = `Connected to ${offer?.name ?? 'the cloud'}${state.ticket.username === '' ? '' : ` as ${state.ticket.username}`}.`;
      slot('connect-devices').textContent = devices === null ? '' : devicesLine(devices);
      if (slot('connect-stream').textContent !== stream.words) slot('connect-stream').textContent = stream.words;
    },
  };
}

/** @param {Device[]} devices */
function devicesLine(devices) {
  if (devices.length === 0) return 'No devices in this account: everything up to the device works without one.';
  const named = devices.slice(0, 3).map(({ name, id, online }) => `${name ?? id} (${online ? 'online' : 'offline'})`);
  const more = devices.length > 3 ? ` and ${devices.length - 3} more` : '';
  return `${devices.length === 1 ? 'Device' : 'Devices'}: ${named.join(', ')}${more}.`;
}
