import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAll, labelOf, matching, matchingBlocks, sources, summaryWords } from '../static/log/matching.js';
import { NO_FILTER } from '../static/state.js';
import { rounds } from '../static/log/rounds.js';
import { DEVICES, world } from './particle-world.mjs';

const CONTEXT = { prefix: 'WebhookTutorial01', names: new Map([[DEVICES[0], 'kitchen'], [DEVICES[1], 'kitchen'], [DEVICES[2], 'garden']]), timeZone: 'UTC' };
const GAPS = { missing: [3], unreadable: [5], quiet: [{ from: Date.parse('2026-11-23T11:00:05Z'), to: Date.parse('2026-11-23T11:00:06Z') }] };
const all = () => {
  const { deliveries, events } = world(7, { count: 40 });
  return rounds(deliveries.filter(({ seq }) => ![3, 5].includes(seq)), events, GAPS, CONTEXT);
};
const isRemark = (round) => round.isRemark;

test('devices are offered by name, and by the end of the ID where a name comes twice', () => {
  const found = sources(all());
  const label = (source) => found.find((one) => one.source === source)?.label;
  assert.equal(label('api'), 'API and Test button');
  assert.equal(label(DEVICES[0]), `kitchen …${DEVICES[0].slice(-6)}`);
  assert.equal(label(DEVICES[1]), `kitchen …${DEVICES[1].slice(-6)}`);
  assert.equal(label(DEVICES[2]), 'garden');
});

test('a name that objects have by themselves is only a name', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.equal(labelOf(name), name);
    const round = { ...all()[0], isRemark: false, who: name, trace: { coreid: name } };
    assert.deepEqual(sources([round]), [{ source: name, label: name }]);
    assert.deepEqual(matching([round], { text: '', source: name, kind: '', only: false }), [round]);
  }
});

test('a filter lets through what it says, and every remark', () => {
  const list = all();
  const remarks = list.filter(isRemark);
  assert.ok(remarks.length >= 3, 'a missing number, an unreadable one, a time when nobody listened');
  for (const { source } of sources(list)) {
    for (const kind of ['', 'api', 'device', 'internal', 'received', 'parsed', 'response', 'error']) {
      const found = matching(list, { text: '', source, kind, only: false });
      const fits = (round) =>
        (round.trace.event?.coreid ?? round.trace.coreid ?? round.trace.alone?.coreid ?? '') === source &&
        (kind === '' || round.blocks.some((block) => block.kind === kind));
      const expected = list.filter((round) => !isRemark(round) && fits(round));
      assert.deepEqual(found, expected.length === 0 ? [] : list.filter((round) => isRemark(round) || expected.includes(round)));
    }
  }
});

test('without a filter everything is there, in its order and as the same objects', () => {
  const list = all();
  assert.ok(isAll(NO_FILTER));
  assert.equal(matching(list, NO_FILTER), list);
});

test('only some blocks are those of one kind', () => {
  const filter = { text: '', source: null, kind: 'response', only: true };
  for (const round of matching(all(), filter)) assert.ok(matchingBlocks(round, filter).every(({ kind }) => kind === 'response'));
});

test('what is listed is said in words', () => {
  const round = (key) => ({ key, isRemark: false });
  const rounds = (count) => Array.from({ length: count }, (_, i) => round(i));
  const words = (shown, of, since, chosen, isPart) => {
    const list = rounds(of);
    return summaryWords([...list, { key: 'gap', isRemark: true }], list.slice(0, shown), new Set(list.slice(of - since).map(({ key }) => key)), chosen, isPart);
  };
  assert.equal(words(3, 40, 0, ['kitchen'], false), 'Showing 3 of 40 rounds: kitchen.');
  assert.equal(words(1, 2, 1, ['kitchen', 'with hook-error'], true), 'Showing 1 of 2 rounds that are loaded: kitchen, with hook-error. 1 new round does not match.');
  assert.equal(words(0, 1, 1, ['kitchen', 'with hook-error'], true), 'The one round that is loaded does not match: kitchen, with hook-error.');
  assert.equal(words(0, 6, 2, ['kitchen'], false), 'None of the 6 rounds here matches: kitchen.');
  assert.equal(words(0, 0, 0, ['kitchen'], false), 'No round here yet to choose from: kitchen.');
  assert.equal(words(1, 9, 4, ['x'], true), 'Showing 1 of 9 rounds that are loaded: x. 4 new rounds do not match.');
});
