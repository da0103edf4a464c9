import assert from 'node:assert/strict';
import { test } from 'node:test';

import { modeOf, modeWords } from '../static/cards/mode-words.js';
import { reason } from '../static/lib/wants.js';

const all = { started: true, connected: true, hook: 'ours', device: true, offered: true };

test('a button that can not work says what is missing first', () => {
  for (const want of ['start', 'account', 'device']) assert.equal(reason(want, all), null);
  assert.match(reason('device', { ...all, started: false, connected: false }), /Start/);
  assert.match(reason('account', { ...all, connected: false }), /sign in to a Particle cloud at the top/);
  assert.match(reason('account', { ...all, connected: false, offered: false }), /none can be connected here/);
  assert.match(reason('device', { ...all, device: false }), /device/);
  assert.equal(reason('account', { ...all, device: false }), null);
});

test('a webhook that outlives its endpoint can be removed, and one that is not there can not', () => {
  const forgotten = { ...all, started: false };
  assert.equal(reason('webhook', forgotten), null);
  assert.match(reason('account', forgotten), /Start/);
  assert.match(reason('webhook', { ...forgotten, hook: 'absent' }), /no webhook/);
  assert.match(reason('webhook', { ...forgotten, connected: false, hook: 'none' }), /sign in to a Particle cloud at the top/);
  assert.equal(reason('nothing', { ...all, started: false, connected: false, hook: 'none' }), null);
});

test('the mode is what is signed in to, else what is offered', () => {
  const login = (cloud) => ({ cloud, username: 'me' });
  const clouds = [{ id: 'simulated' }, { id: 'particle' }];
  assert.equal(modeOf({ login: null, clouds }), 'simulated');
  assert.equal(modeOf({ login: login('particle'), clouds }), 'account');
  assert.equal(modeOf({ login: login('simulated'), clouds }), 'simulated');
  assert.equal(modeOf({ login: null, clouds: [{ id: 'particle' }] }), 'none');
  assert.deepEqual(modeWords('account', 'me'), ['Particle account', 'me']);
});
