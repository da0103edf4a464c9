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
 * Sends a request, and gives back in words what came of it. By this origin's own path: the hook may
 * have a host name of its own, which a page may not talk to.
 * @param {Pick<import('../page.js').Page, 'state' | 'expect' | 'expectRound'>} page
 * @param {RequestInit} request
 */
export async function sendFromPage({ state, expect, expectRound }, request) {
  const keys = state.keys.peek();
  if (!keys) return '';
  expectRound();
  try {
    const answer = await fetch(`/hook/${keys.endpoint}`, {
      method: 'POST',
      ...request,
      credentials: 'omit',
    });
    return `Answered ${answer.status}: ${(await answer.text()).slice(0, MAX_SHOWN)}`;
  } catch {
    return 'Not sent: the server can’t be reached.';
  } finally {
    expect();
  }
}
