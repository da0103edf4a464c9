import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dataRows } from '../static/log/data-rows.js';

const AT = '2026-11-23T11:03:14.102Z';
const round = (seq, data, coreid = 'api') => ({ seq, at: AT, isRemark: false, trace: { event: data === null ? null : { data, coreid }, data: null, coreid: null } });

test('there is a column for each member that was seen, and a row for each event with data', () => {
  const rounds = [round(1, '{"op":"test","id":7}'), round(2, 'hello', 'abc'), round(3, null), round(4, '{"id":8,"soc":-1,"deep":{"a":[1]}}', 'abc')];
  const { columns, rows, leftOut } = dataRows(rounds, new Map([['abc', 'kitchen']]));
  assert.deepEqual(columns, ['id', 'soc', 'deep', 'data', 'op']);
  assert.deepEqual(rows.map(({ number, device, cells }) => [number, device, ...cells]), [
    ['#4', 'kitchen', '8', '-1', '{"a":[1]}', '', ''],
    ['#2', 'kitchen', '', '', '', 'hello', ''],
    ['#1', 'api', '7', '', '', '', 'test'],
  ]);
  assert.deepEqual(leftOut, { rows: 0, columns: 0 });
});

test('the table is bounded, whatever was sent', () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`member${i}`, 'x'.repeat(1_000)]));
  const wide = JSON.stringify(Object.fromEntries(Object.entries(many).map(([name]) => [name, 1])));
  const rounds = [...Array.from({ length: 300 }, (_, i) => round(i, `{"id":${i}}`)), round(300, wide), round(301, JSON.stringify(many)), round(302, '{"__proto__":"\u202e"}')];
  const { columns, rows, leftOut } = dataRows(rounds, new Map());
  assert.equal(rows.length, 200);
  assert.equal(columns.length, 24);
  assert.equal(leftOut.rows, 103);
  assert.ok(leftOut.columns > 70);
  assert.equal(rows[0].cells[0], '⟨U+202E⟩');
  assert.ok(rows.every(({ cells }) => cells.every((cell) => cell.length <= 81)));
});
