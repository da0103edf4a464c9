import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isKnown, learn, NOTHING_KNOWN } from '../static/steps/clean-up-known.js';
import { left } from '../static/steps/clean-up-rules.js';

const MINUTE = 60_000;
const START = 1_000_000_000;
/** An endpoint with a webhook and a device that published a minute ago. */
const busy = {
  mode: 'account',
  endpoint: 'mine',
  forgotten: null,
  prefix: 'WebhookTutorial01',
  login: { cloud: 'particle', username: 'me' },
  hook: { kind: 'ours' },
  devices: [{ id: 'e00fce68cccccccccccccccc' }],
  deviceEventAt: START - MINUTE,
  listeningSince: START - 10 * MINUTE,
  now: START,
};
const signedOut = { login: null, hook: { kind: 'none' }, devices: null, listeningSince: null };

/** What the card says after the page has looked at each of these worlds in turn. */
function after(...worlds) {
  let known = NOTHING_KNOWN;
  let world = busy;
  for (const change of worlds) {
    world = { ...world, ...change };
    known = learn(known, world);
    // As a reload would read it.
    known = JSON.parse(JSON.stringify(known));
    assert.ok(isKnown(known));
  }
  return left(known, world);
}
const states = (rows) => rows.map(({ isClean }) => isClean);
const words = (rows, name) => rows.find((row) => row.name === name).words;

/** The three things, and that the page is not there to see more once somebody signs out. */
const REMOVE = { hook: { kind: 'absent' } };
const STOP = { now: START + 5 * MINUTE };
const FORGET = { endpoint: null, forgotten: 'mine' };

test('whatever the order, all is clean at the end, with or without an account that is still connected', () => {
  assert.deepEqual(states(after({})), [false, false, false]);
  for (const order of [[REMOVE, STOP, FORGET], [REMOVE, FORGET, STOP], [STOP, REMOVE, FORGET], [STOP, FORGET, REMOVE], [FORGET, REMOVE, STOP], [FORGET, STOP, REMOVE]]) {
    assert.deepEqual(states(after({}, ...order)), [true, true, true]);
    assert.deepEqual(states(after({}, ...order, signedOut)), [true, true, true], 'signed out at the end');
  }
  assert.deepEqual(states(after({}, REMOVE, STOP, signedOut, FORGET)), [true, true, true], 'signed out before Forget');
  assert.deepEqual(states(after({}, FORGET, signedOut)), [false, null, true], 'signed out with the webhook left');
});

test('the log that was cleared takes no event of a device away', () => {
  const rows = after({}, { deviceEventAt: null });
  assert.equal(rows[1].isClean, false);
  assert.match(rows[1].words, /^Last event at \d\d:\d\d:\d\d;/);
});

test('without any event nobody knows before two minutes were listened to', () => {
  const never = { deviceEventAt: null, listeningSince: START - MINUTE };
  const [, { isClean, words: said }] = after(never);
  assert.equal(isClean, null);
  assert.match(said, /^No event so far. This page has listened since [\d:]{8} and needs two minutes to tell\.$/);
  assert.equal(after(never, { now: START + MINUTE })[1].isClean, true);
  assert.equal(after({ ...never, devices: [] })[1].isClean, true);
});

test('a device that publishes again is no longer silent, and one that was silent is after a reload', () => {
  const silent = { now: START + 5 * MINUTE };
  const again = { now: START + 6 * MINUTE, deviceEventAt: START + 6 * MINUTE };
  assert.equal(after({}, silent, again)[1].isClean, false);
  const reload = { deviceEventAt: null, listeningSince: START + 6 * MINUTE, now: START + 6 * MINUTE };
  assert.deepEqual(after({}, silent, reload)[1], { name: 'device', isClean: true, words: 'It was silent for two minutes when this page listened.' });
  assert.match(after({}, { deviceEventAt: null, listeningSince: START, now: START + MINUTE })[1].words, /^Last event at [\d:]{8}. This page has listened since [\d:]{8} and needs/);
  assert.equal(after({}, silent, again, { ...signedOut, now: START + 7 * MINUTE })[1].isClean, null);
});

test('without an account there is nothing in one, unless one was connected', () => {
  const without = { ...signedOut, mode: 'none', deviceEventAt: null };
  assert.deepEqual(states(after(without)), [true, true, false]);
  assert.deepEqual(states(after(without, FORGET)), [true, true, true]);
  assert.deepEqual(states(after({}, without)), [false, null, false]);
  assert.equal(after({ ...without, mode: 'simulated' })[1].isClean, null);
});

test('a webhook that outlives its endpoint is said to', () => {
  assert.match(words(after({}, FORGET), 'hook'), /404: remove it/);
  assert.match(words(after({}, FORGET, signedOut), 'hook'), /Connect again to remove it/);
  assert.equal(after({ hook: { kind: 'elsewhere' } })[0].isClean, null);
});
