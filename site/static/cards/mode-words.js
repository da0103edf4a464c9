// @ts-check
// In which of three ways the page works, and how that is said. Pure.

/**
 * @typedef {'simulated' | 'account' | 'none'} Mode `simulated`: the simulated cloud of this
 *   computer. `account`: a Particle
 *   account is signed in. `none`: the page itself sends what Particle would
 */

/**
 * @param {{login: {cloud: string, username: string} | null, clouds: {id: string}[]}} world
 *   `clouds`: those that can reach the hook
 * @returns {Mode}
 */
export function modeOf({ login, clouds }) {
  if (login) return login.cloud === 'simulated' ? 'simulated' : 'account';
  return clouds.some(({ id }) => id === 'simulated') ? 'simulated' : 'none';
}

/**
 * The mode in a word, and in a few more.
 * @param {Mode} mode
 * @param {string} [username]
 * @returns {[string, string]}
 */
export function modeWords(mode, username = '') {
  if (mode === 'account') return ['Particle account', username || 'connected'];
  if (mode === 'simulated') return ['Simulated', 'nothing leaves this computer'];
  return ['No account', 'anything may send, and this page too'];
}
