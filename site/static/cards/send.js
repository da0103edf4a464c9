// @ts-check
// Sending something to the hook URL: as a line for a terminal, or from this page.

import { shellLine } from '../lib/shell-line.js';

const MAX_SHOWN = 200;

/** What somebody sends first. */
export const HELLO = JSON.stringify({
  event: 'WebhookTutorial01',
  data: JSON.stringify({ op: 'hello', id: 1 }),
});

/**
 * @param {import('../lib/shell-line.js').Shell} shell
 * @param {string} url
 * @param {string} body JSON
 */
export const sendLine = (shell, url, body) =>
  shellLine(shell, { method: 'POST', url, headers: [['Content-Type', 'application/json']], body });

/**
 * Where this page sends to: to the hook's own host if that is below the page's, as in a deployment
 * with a domain, and else by this origin's path, because a page may talk to no other host.
 * @param {string} hookUrl @param {string} endpoint
 */
function target(hookUrl, endpoint) {
  const below = `.hook.${location.hostname}`;
  const isBelow = URL.canParse(hookUrl) && new URL(hookUrl).hostname.endsWith(below);
  return isBelow ? hookUrl : `/hook/${endpoint}`;
}

/**
 * Sends a request, and gives back in words what came of it.
 * @param {Pick<import('../page.js').Page, 'state' | 'expect' | 'expectRound'>} page
 * @param {RequestInit | Promise<RequestInit>} request
 * @param {string} [below] what follows the hook URL
 */
export async function sendFromPage({ state, expect, expectRound }, request, below = '') {
  const keys = state.keys.peek();
  if (!keys) return '';
  const url = target(state.info.peek()?.hook_url ?? '', keys.endpoint) + below;
  /** @type {RequestInit} */
  const options = { method: 'POST', ...(await request), credentials: 'omit', redirect: 'manual' };
  try {
    // What a browser refuses to send is told from a server that can't be reached.
    new Request(url, options);
  } catch {
    return 'Not sent: a browser accepts only Latin-1 characters in header values.';
  }
  expectRound();
  try {
    const answer = await fetch(url, options);
    return `Answered ${answer.status}: ${(await answer.text()).slice(0, MAX_SHOWN)}`;
  } catch {
    return 'Not sent: the server can’t be reached.';
  } finally {
    expect();
  }
}
