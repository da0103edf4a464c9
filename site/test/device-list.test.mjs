// The devices are those of whoever is signed in now, and each stranger among them is asked about once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudProblem } from '../static/particle/cloud.js';
import { deviceList } from '../static/particle/device-list.js';

/** An account whose answers come when they are given. */
function stage() {
  const asked = [];
  const refused = [];
  let token = null;
  const cloud = { devices: (of) => new Promise((give, fail) => asked.push({ of, give, fail })) };
  const list = deviceList({ connected: () => token && { cloud, token }, onChange: () => {}, onRefused: (of) => refused.push(of) });
  return {
    asked,
    refused,
    list,
    signIn(next) {
      token = next;
      return list.learn();
    },
  };
}
const device = (id, name = null) => ({ id, name, online: false });
const status = (coreid, data) => ({ coreid, data });

test('it is asked once for each sign-in, and what comes for an earlier one is not taken', async () => {
  const { asked, list, signIn } = stage();
  const first = signIn('a');
  await list.learn();
  const second = signIn('b');
  assert.deepEqual(asked.map(({ of }) => of), ['a', 'b']);
  asked[1].give([device('2', 'of b')]);
  await second;
  asked[0].give([device('1', 'of a')]);
  await first;
  assert.deepEqual([list.all().map(({ id }) => id), [...list.names()]], [['2'], [['2', 'of b']]]);
  await signIn(null);
  assert.deepEqual([list.all(), list.names().size], [null, 0]);
});

test('a device that is heard of and not listed is asked about once; one that is listed is online as it says', async () => {
  const { asked, list, signIn } = stage();
  const learned = signIn('a');
  asked[0].give([device('1')]);
  await learned;
  list.hear(status('1', ' online '));
  list.hear(status('1', 'something else'));
  assert.equal(list.all()[0].online, true);
  list.hear(status('1', 'offline'));
  assert.equal(list.all()[0].online, false);
  list.hear(status('2', 'online'));
  list.hear(status('2', 'offline'));
  assert.equal(asked.length, 2);
  assert.deepEqual(list.all().map(({ id }) => id), ['1'], 'what is known stays until the answer is there');
});

test('a token that is no longer taken is said to whoever keeps it, and nothing else that goes wrong', async () => {
  const { asked, refused, list, signIn } = stage();
  const learned = signIn('a');
  asked[0].fail(new CloudProblem('expired', 'over', 401));
  await learned;
  const again = list.learnAgain();
  asked[1].fail(new CloudProblem('offline', 'away', 0));
  await again;
  assert.deepEqual(refused, ['a']);
});
