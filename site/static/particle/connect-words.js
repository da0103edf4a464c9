// @ts-check
// What is said beside the account: who runs the server, which clouds can be connected, what is
// heard. Pure.

/** @typedef {import('./model.js').Offer} Offer */

/** @param {import('./stream.js').StreamState} state */
export function streamWords(state) {
  if (state.kind === 'listening') return { words: 'Listening to events.', failing: false };
  if (state.kind === 'connecting') return { words: 'Connecting to the events …', failing: false };
  if (state.kind === 'waiting')
    return {
      words: `Not listening to events: ${state.why}. Trying again by itself.`,
      failing: true,
    };
  return { words: `Not listening to events: ${state.why}.`, failing: true };
}

/**
 * @param {Pick<Location, 'hostname' | 'host'>} location of the page
 * @param {string} kept how long things are kept
 */
export function serverWords({ hostname, host }, kept) {
  const here = hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]';
  const who = here
    ? 'The server behind the hook URL is the program that you started on this computer.'
    : `The server behind the hook URL is run by whoever gave you the address ${host}; they can ` +
      'read what arrives there.';
  return `${who} ${kept} “Clear” and “Forget endpoint” delete them earlier.`;
}

/** @param {Offer[]} offers */
export function noneWords(offers) {
  if (offers.length === 0)
    return (
      'No Particle account can be connected here: the Particle cloud could not reach this ' +
      'server. “Send a request” sends what Particle would send.'
    );
  if (offers.every(({ demo }) => demo !== null))
    return (
      'Your own Particle account is not offered here, because the Particle cloud could ' +
      'not reach this computer. Start the program with --public-url and the address of a ' +
      'tunnel to offer it.'
    );
  return 'No account? “Send a request”, under your hook URL, sends what Particle would send.';
}
