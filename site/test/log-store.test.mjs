import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ranges, refusedWords, runs, summary, withPage } from '../static/log/merge.js';
import { EMPTY_LOG } from '../static/state.js';
import { dice } from './particle-world.mjs';

const delivery = (seq) => ({ seq });

/** A log as the server has it, and its pages as the API cuts them. */
function server(last, missing, first = 1) {
  const isMissing = new Set(missing);
  const page = (from, to) => {
    const seqs = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
    return {
      endpoint: 'e',
      deliveries: seqs.filter((seq) => !isMissing.has(seq)).map(delivery),
      cursor: String(Math.max(to, from - 1)),
      older: from > first ? `before ${from}` : undefined,
      first_seq: first,
      last_seq: last,
      missing: seqs.filter((seq) => isMissing.has(seq)),
      restarted: false,
    };
  };
  return { page };
}

const seqs = (log) => log.deliveries.map(({ seq }) => seq);

test('however pages overlap and cross, the log is the same', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = dice(seed).below;
    const last = 1 + random(60);
    const missing = Array.from({ length: random(8) }, () => 1 + random(last));
    const { page } = server(last, missing);
    const start = 1 + random(last);
    const middle = start + random(last - start + 1);
    let log = withPage(EMPTY_LOG, page(start, middle), 'newest');
    // Pages on both sides, cut anywhere, some of them given twice or overlapping; those of one side come in their order.
    const after = [];
    for (let at = middle + 1; at <= last; ) {
      const to = Math.min(last, at + random(9));
      after.push(page(at, to));
      if (random(3) === 0) after.push(page(at, to));
      at = to + 1;
    }
    const before = [];
    for (let at = start - 1; at >= 1; ) {
      const from = Math.max(1, at - random(9));
      before.push(page(from, Math.min(last, at + random(3))));
      at = from - 1;
    }
    while (after.length + before.length > 0) {
      const fromAfter = before.length === 0 || (after.length > 0 && random(2) === 0);
      log = fromAfter ? withPage(log, after.shift(), 'after') : withPage(log, before.shift(), 'before');
    }
    const expected = Array.from({ length: last }, (_, i) => i + 1).filter((seq) => !missing.includes(seq));
    assert.deepEqual(seqs(log), expected, `seed ${seed}`);
    assert.deepEqual(log.missing, [...new Set(missing)].sort((a, b) => a - b), `seed ${seed}`);
    assert.equal(log.older, null, `seed ${seed}`);
    assert.equal(log.cursor, String(last), `seed ${seed}`);
  }
});

test('a delivery that is there keeps its identity', () => {
  const { page } = server(3, []);
  const one = withPage(EMPTY_LOG, page(1, 2), 'newest');
  const two = withPage(one, page(2, 3), 'after');
  assert.equal(two.deliveries[1], one.deliveries[1]);
  assert.deepEqual(seqs(two), [1, 2, 3]);
});

test('after a clear nothing older stays, nothing is called missing, and the numbering goes on', () => {
  let log = withPage(EMPTY_LOG, server(5, [2]).page(1, 5), 'newest');
  log = withPage(log, { ...server(5, [], 6).page(6, 5), cursor: 'c' }, 'after');
  assert.deepEqual(seqs(log), []);
  assert.deepEqual(log.missing, []);
  assert.equal(log.older, null);
  assert.equal(summary(log).join(''), 'empty; the next is #6');
  log = withPage(log, server(6, [], 6).page(6, 6), 'after');
  assert.deepEqual(seqs(log), [6]);
});

test('a page that was asked for before a clear brings nothing back', () => {
  let log = withPage(EMPTY_LOG, server(9, []).page(6, 9), 'newest');
  log = withPage(log, server(9, [], 10).page(10, 9), 'after');
  log = withPage(log, server(9, []).page(3, 5), 'before');
  assert.deepEqual(seqs(log), []);
});

test('a restarted log begins anew', () => {
  const log = withPage(EMPTY_LOG, server(50, []).page(20, 50), 'newest');
  const anew = withPage(log, { ...server(2, []).page(1, 2), restarted: true }, 'after');
  assert.deepEqual(seqs(anew), [1, 2]);
  assert.equal(anew.lastSeq, 2);
  assert.equal(anew.older, null);
});

test('an empty page moves the cursor and nothing else', () => {
  const log = withPage(EMPTY_LOG, server(2, []).page(1, 2), 'newest');
  const same = withPage(log, { ...server(2, []).page(3, 2), cursor: 'later' }, 'after');
  assert.deepEqual(seqs(same), [1, 2]);
  assert.equal(same.cursor, 'later');
});

test('the head line says how many there are and what is missing', () => {
  const of = (last, missing, from = 1) => summary(withPage(EMPTY_LOG, server(last, missing).page(from, last), 'newest')).join('');
  assert.equal(of(0, []), 'no deliveries yet');
  assert.equal(of(1, []), '1 delivery, no gaps');
  assert.equal(of(12, []), '12 deliveries, no gaps');
  assert.equal(of(12, [7, 8, 10]), '9 deliveries, #7–#8, #10 held none');
  assert.equal(of(9000, [], 8971), '9,000 deliveries, newest 30 loaded, no gaps');
});

test('numbers are said in runs', () => {
  assert.deepEqual(runs([1, 2, 4]), [[1, 2], [4, 4]]);
  assert.equal(ranges([3, 5, 6, 7]), '#3, #5–#7');
});

test('what was refused while the page looked on is said, and only that', () => {
  const { page } = server(5);
  const refused = (count) => ({ ...page(1, 5), deliveries: [], refused: count });
  let log = withPage(EMPTY_LOG, { ...page(1, 5), refused: 7 }, 'newest');
  assert.equal(refusedWords(log), '');
  assert.equal(withPage(log, refused(7), 'after'), log, 'nothing is drawn again');
  log = withPage(log, refused(8), 'after');
  assert.equal(refusedWords(log), '1 webhook was refused: more than this endpoint’s share.');
  assert.equal(seqs(log).length, 5);
  // The newest are read again after a burst, which is when it matters.
  log = withPage(log, { ...page(1, 5), refused: 1_019 }, 'newest');
  assert.equal(refusedWords(log), '1,012 webhooks were refused: more than this endpoint’s share.');
  log = withPage(log, { ...page(1, 5), restarted: true }, 'after');
  assert.equal(refusedWords(log), '');
});
