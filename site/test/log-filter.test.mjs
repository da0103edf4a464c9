import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL, filtered, isAll, matches, sources, words } from '../static/log/matching.js';
import { rounds } from '../static/log/rounds.js';
import { DEVICES, world } from './particle-world.mjs';

const CONTEXT = { prefix: 'WebhookTutorial01', names: new Map([[DEVICES[0], 'kitchen'], [DEVICES[1], 'kitchen'], [DEVICES[2], 'garden']]), timeZone: 'UTC' };
const GAPS = { missing: [3], unreadable: [5], quiet: [{ from: Date.parse('2026-11-23T11:00:05Z'), to: Date.parse('2026-11-23T11:00:06Z') }] };
const all = () => {
  const { deliveries, events } = world(7, { count: 40 });
  return rounds(deliveries.filter(({ seq }) => ![3, 5].includes(seq)), events, GAPS, CONTEXT);
};
const isRemark = ({ blocks }) => blocks.length === 0;

test('devices are offered by name, and by the end of the ID where a name comes twice', () => {
  const found = sources(all());
  const label = (source) => found.find((one) => one.source === source)?.label;
  assert.equal(label('api'), 'API and Test button');
  assert.equal(label(DEVICES[0]), `kitchen …${DEVICES[0].slice(-6)}`);
  assert.equal(label(DEVICES[1]), `kitchen …${DEVICES[1].slice(-6)}`);
  assert.equal(label(DEVICES[2]), 'garden');
});

test('a filter lets through what it says, and every remark', () => {
  const list = all();
  const remarks = list.filter(isRemark);
  assert.ok(remarks.length >= 3, 'a missing number, an unreadable one, a time when nobody listened');
  for (const { source } of sources(list)) {
    for (const kind of ['', 'api', 'device', 'internal', 'received', 'parsed', 'response', 'error']) {
      const found = filtered(list, { source, kind, only: false }, null);
      assert.deepEqual(found.rounds.filter(isRemark), remarks, 'a filter hides no remark');
      for (const round of found.rounds.filter((one) => !isRemark(one))) {
        assert.equal(round.strand.event?.coreid ?? round.strand.coreid ?? round.strand.alone?.coreid ?? '', source);
        if (kind) assert.ok(round.blocks.some((block) => block.kind === kind));
      }
      const rest = list.filter((round) => !found.rounds.includes(round));
      assert.ok(rest.every((round) => !matches(round, { source, kind, only: false })));
      assert.equal(found.of, list.length - remarks.length);
      assert.equal(found.shown + found.since, found.of, 'all that is left out is counted, since none was there before');
    }
  }
});

test('without a filter everything is there, in its order and as the same objects', () => {
  const list = all();
  assert.ok(isAll(ALL));
  assert.deepEqual(filtered(list, ALL, null).rounds, list);
});

test('only some blocks: the same object each time, no time from a block that is not there', () => {
  const list = all();
  const filter = { source: null, kind: 'response', only: true };
  const once = filtered(list, filter, null).rounds;
  const again = filtered(list, filter, null).rounds;
  assert.ok(once.every((round, i) => round === again[i]));
  for (const { blocks } of once) assert.ok(blocks.every(({ kind, hop }) => kind === 'response' && hop === ''));
});

test('what came since and does not match is counted', () => {
  const list = all();
  const last = list[list.length - 7].key;
  const filter = { source: null, kind: 'error', only: false };
  const expected = list.slice(-6).filter((round) => !isRemark(round) && !matches(round, filter)).length;
  assert.ok(expected > 0);
  assert.equal(filtered(list, filter, last).since, expected);
  assert.equal(filtered(list.slice(20), filter, last).since, expected, 'what is loaded from the past is not new');
  assert.equal(filtered(list, filter, 'gone').since, 0);
});

test('what is shown is said in words', () => {
  assert.equal(words({ shown: 3, of: 40, since: 0 }, ['kitchen'], false), 'Showing 3 of 40 rounds: kitchen.');
  assert.equal(words({ shown: 1, of: 2, since: 1 }, ['kitchen', 'with hook-error'], true), 'Showing 1 of 2 rounds that are loaded: kitchen, with hook-error. 1 new round does not match.');
  assert.equal(words({ shown: 0, of: 1, since: 1 }, ['kitchen', 'with hook-error'], true), 'The one round that is loaded does not match: kitchen, with hook-error.');
  assert.equal(words({ shown: 0, of: 6, since: 2 }, ['kitchen'], false), 'None of the 6 rounds here matches: kitchen.');
  assert.equal(words({ shown: 0, of: 0, since: 0 }, ['kitchen'], false), 'No round here yet to choose from: kitchen.');
  assert.equal(words({ shown: 1, of: 9, since: 4 }, ['x'], true), 'Showing 1 of 9 rounds that are loaded: x. 4 new rounds do not match.');
});
