// Which devices can be flashed and why the others can't, the request as Particle documents it, and what a flash is at each
// moment of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isVersion, replaces, versionsFor, whyNot } from '../static/device/flashable.js';
import { flashRun } from '../static/device/flash-run.js';
import { cloud, CloudProblem } from '../static/particle/cloud.js';
import { handClock, settled } from './hand-clock.mjs';

const ID = 'e00fce68ece1d3d21a73dcc9';
const BORON = {
  id: ID, name: 'desk', online: true, platform_id: 13, product_id: 13, system_firmware_version: '6.2.1', last_app: 'blink', firmware_version: null,
  development: null, claimed: true, last_handshake_at: '2026-11-23T11:00:00.000Z',
};

test('a device that can’t be flashed says why, and one that can says nothing', () => {
  for (const [change, expected] of [
    [{}, /^$/],
    [{ online: false }, /offline/],
    [{ platform_id: 6 }, /Gen 2 \(Photon\)/],
    [{ platform_id: 10, online: false }, /Gen 2/],
    [{ platform_id: 14 }, /not written for its hardware \(platform 14\)/],
    [{ platform_id: null }, /unknown hardware/],
    [{ product_id: 30301, development: false }, /product 30301 and is not marked as a development device/],
    [{ product_id: 30301, development: null }, /can’t see whether/],
    [{ product_id: 30301, development: true }, /^$/],
    [{ claimed: false }, /not claimed.*would not fire/],
  ]) {
    assert.match(whyNot({ ...BORON, ...change }), expected, JSON.stringify(change));
  }
});

test('what is replaced is named, and that it can’t be undone', () => {
  assert.equal(replaces(BORON, 'webhook-tutorial.cpp', false), 'This replaces “blink” on desk with webhook-tutorial.cpp. It can’t be undone automatically: to go back, flash the other firmware again.');
  assert.match(replaces({ ...BORON, last_app: null, name: null, product_id: 30301, firmware_version: 7 }, 'x.cpp', false), new RegExp(`^This replaces its present firmware, .*, version 7 of product 30301, on ${ID} with`));
  assert.match(replaces({ ...BORON, platform_id: 26 }, 'x.cpp', true), /with the firmware as you changed it\. .*reports its location/);
  const again = replaces({ ...BORON, last_app: 'x.cpp' }, 'x.cpp', false);
  assert.equal(again, 'desk already has a x.cpp. Flashing replaces it, with any changes that were made to it.');
});

test('versions to compile for are the platform’s own releases, newest first', () => {
  const targets = [
    { version: '6.2.1', platforms: [12, 13], prereleases: [] },
    { version: '6.10.0', platforms: [13], prereleases: [] },
    { version: '6.3.0-rc.1', platforms: [13], prereleases: [13] },
    { version: '5.8.0', platforms: [32], prereleases: [] },
    { version: 'latest', platforms: [13] },
    null,
  ];
  assert.deepEqual(versionsFor({ targets }, 13), ['6.10.0', '6.2.1']);
  assert.deepEqual(versionsFor({ targets }, 12), ['6.2.1']);
  assert.deepEqual(versionsFor(null, 13), []);
  assert.equal(isVersion('latest'), false);
  assert.equal(isVersion('6.3.0-rc.1'), true);
});

/** A cloud that gives these answers; what it was sent. */
function recorded(...answers) {
  const calls = [];
  const fetch = async (url, init) => {
    calls.push({ url, ...init });
    const [status, body] = answers.shift();
    return new Response(JSON.stringify(body), { status });
  };
  return { calls, client: cloud({ fetch, api: 'https://api.particle.io', name: 'The Particle cloud' }) };
}
const FILE = { name: 'webhook-tutorial.cpp', text: 'void setup() {}\n', version: '6.2.1' };

test('a flash is one multipart request, with the source under a name that says that it is source', async () => {
  const { calls, client } = recorded([200, { ok: true, id: ID, status: 'Update started' }]);
  assert.deepEqual(await client.flash('t', ID, FILE), { errors: null });
  const [{ url, method, headers, body }] = calls;
  assert.deepEqual([method, url, headers], ['PUT', `https://api.particle.io/v1/devices/${ID}`, { authorization: 'Bearer t' }]);
  assert.deepEqual([...body.keys()], ['file', 'build_target_version']);
  assert.equal(body.get('file').name, 'webhook-tutorial.cpp');
  assert.equal(await body.get('file').text(), FILE.text);
  assert.equal(body.get('build_target_version'), '6.2.1');
});

test('compile errors come as the compiler wrote them, whatever the status; other refusals are no compile errors', async () => {
  const said = 'webhook-tutorial.cpp:3:1: error: expected \';\'\n  3 | }\nmake: *** [x.o] Error 1';
  for (const status of [200, 400]) {
    for (const output of ['App code was invalid', 'Compiler timed out or encountered an error']) {
      const { client } = recorded([status, { ok: false, errors: [said], output, stdout: '' }]);
      assert.deepEqual(await client.flash('t', ID, FILE), { errors: said });
    }
  }
  for (const answer of [[404, { ok: false, error: 'Device is not connected.', errors: ['Device is not connected.'] }], [200, { ok: false, errors: ['Device is not connected.'] }]]) {
    await assert.rejects(recorded(answer).client.flash('t', ID, FILE), (error) => error instanceof CloudProblem && /not connected/.test(error.message));
  }
});

/** A flash under a clock that moves when the test says so. */
function begun({ answer = async () => ({ errors: null }), looks = [] } = {}) {
  const clock = handClock();
  const run = flashRun({ cloud: { flash: answer, device: async () => ({ ...BORON, ...looks.shift() }) }, token: 't', device: BORON, name: 'x.cpp', text: '', version: '6.2.1', clock, onChange: () => {} });
  const hear = (name, data, coreid = ID) => run.hear({ name, data, coreid });
  return { run, settle: settled, hear, pass: (ms) => clock.forward(ms) };
}

test('a flash is done only when the device is back online', async () => {
  const { run, settle, hear } = begun();
  assert.deepEqual(run.state().steps, ['compiling']);
  await settle();
  assert.deepEqual(run.state().steps, ['compiling', 'sent']);
  hear('spark/status', 'online');
  hear('spark/flash/status', 'success ', 'e00fce68000000000000dead');
  assert.deepEqual(run.state().steps, ['compiling', 'sent'], 'neither an earlier connection nor another device counts');
  hear('spark/flash/status', 'started ');
  hear('spark/flash/status', 'success ');
  assert.equal(run.state().kind, 'going');
  hear('spark/status', 'offline');
  assert.equal(run.state().kind, 'going');
  hear('spark/status', 'online');
  assert.deepEqual(run.state(), { kind: 'back', steps: ['compiling', 'sent', 'delivered', 'back'] });
  await run.done;
});

test('an online event that was missed is made up for by a look at the device', async () => {
  const { run, settle, hear, pass } = begun({ looks: [{}, { last_handshake_at: '2026-11-23T11:09:00.000Z', online: false }, { last_handshake_at: '2026-11-23T11:09:00.000Z' }] });
  await settle();
  hear('spark/flash/status', 'success ');
  await pass(5_000);
  assert.equal(run.state().kind, 'going', 'the connection of before is no new one');
  await pass(5_000);
  assert.equal(run.state().kind, 'going');
  await pass(5_000);
  assert.equal(run.state().kind, 'back');
});

test('failures end it, silence is told and then given up', async () => {
  const failed = begun();
  await failed.settle();
  failed.hear('spark/flash/status', 'failed');
  assert.match(failed.run.state().words, /failed/);
  failed.hear('spark/status', 'online');
  assert.equal(failed.run.state().kind, 'stopped');

  const refused = begun({ answer: async () => Promise.reject(new CloudProblem('gone', 'Not found: x.', 404)) });
  await refused.settle();
  assert.equal(refused.run.state().words, 'Nothing was flashed. Not found: x.');

  const broken = begun({ answer: async () => ({ errors: 'x.cpp:1: error' }) });
  await broken.settle();
  assert.deepEqual(broken.run.state(), { kind: 'errors', text: 'x.cpp:1: error' });

  const late = begun({ answer: async () => Promise.reject(new CloudProblem('late', 'late', 0)) });
  await late.settle();
  assert.equal(late.run.state().kind, 'going', 'a late answer is no answer');
  await late.pass(70_000);
  assert.equal(late.run.state().slow, true);
  late.hear('spark/flash/status', 'started ');
  assert.equal(late.run.state().slow, false);
  await late.pass(16 * 60_000);
  assert.match(late.run.state().words, /15 minutes/);
  await late.run.done;
});
