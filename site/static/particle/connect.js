// @ts-check
// Connecting a cloud. Start signs in to the simulated one on the tutorial; signing in to an account
// starts.

import { mountLate, slots } from '../lib/component.js';
import { write, writeOrHide } from '../lib/dom.js';
import { effect, untracked } from '../lib/signal.js';
import { failureWords } from './cloud.js';
import { noneWords } from './connect-words.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state, particle } = page;
  const at = slots(root);
  const simulated = () => particle.offers.value?.find(({ demo }) => demo !== null);

  /** One try at a time, and never a second one by itself. */
  async function useSimulated() {
    const offer = simulated();
    if (!offer?.demo || state.isSigningIn.peek()) return;
    state.isSigningIn.value = true;
    let problem = '';
    try {
      const answer = await offer.cloud.signIn(offer.demo);
      if ('ticket' in answer) particle.signIn(offer, answer.ticket);
      else problem = 'The simulated account asks for a one-time code; this button can’t give one.';
    } catch (error) {
      problem = failureWords(error);
    }
    state.isSigningIn.value = false;
    writeOrHide(at.problem, problem);
  }
  let started = 0;
  effect(() => {
    const { value: starts } = state.starts;
    if (starts === started || particle.offers.value === null || !state.isTutorial.value) return;
    started = starts;
    if (simulated() && particle.connection.peek() === null) untracked(() => void useSimulated());
  });

  // The ways to sign in to an account are loaded when somebody looks at them.
  const loadWays = () => at.account.open && void mountLate(root, page);
  at.account.addEventListener('toggle', loadWays);
  loadWays();

  effect(() => {
    const mine = particle.mine.value;
    const now = particle.connection.value;
    const offers = particle.offers.value ?? [];
    const isReal = offers.some(({ demo }) => demo === null);
    at.card.hidden = now !== null || state.reading.value;
    at.simulated.hidden = mine === null || state.isSigningIn.value || !simulated();
    // Where a simulated cloud is offered too, this is not of that mode alone.
    at.account.dataset.only = isReal ? 'simulated account none' : 'account none';
    at.ways.hidden = !isReal;
    const isUnreadable = state.config.value === null;
    write(at.none, isUnreadable ? UNREADABLE : particle.offers.value ? noneWords(offers) : '');
    const forgotten = mine?.isForgotten && !now ? FORGOTTEN : '';
    writeOrHide(at.why, state.signedOutWhy.value || forgotten);
  });

  return { simulated: useSimulated };
}

const UNREADABLE =
  'Which clouds can be connected here could not be read. Reload the page to try again.';
const FORGOTTEN =
  'The endpoint is forgotten. Connect only to look after what is left in the account; nothing ' +
  'is made.';
