import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { apiClient } from '../static/lib/api-client.js';
import { browserClock, pause, startPolling } from '../static/log/poll.js';
import { handClock } from './hand-clock.mjs';

/** Questions of an hour in which nothing comes, and of one in which something comes every two minutes. */
const QUIET_HOUR = 210;
const BUSY_HOUR = 600;
const QUIET = { news: false, more: false, pending: false };
function stage(answer = async () => QUIET) {
  const clock = handClock();
  const stop = new AbortController();
  const seen = { asked: 0, flying: 0, mostFlying: 0, states: [], hidden: false };
  const polling = startPolling({
    clock,
    signal: stop.signal,
    random: () => 0.5,
    hidden: () => seen.hidden,
    onState: (state) => seen.states.push(state.kind),
    ask: async (signal) => {
      seen.asked += 1;
      seen.flying += 1;
      seen.mostFlying = Math.max(seen.mostFlying, seen.flying);
      try {
        return await answer(seen.asked, signal, clock);
      } finally {
        seen.flying -= 1;
      }
    },
  });
  return { clock, stop, seen, polling };
}

test('it asks at once, quickly at first, and ever more slowly when nothing happens', async () => {
  const { clock, seen, stop } = stage();
  await clock.forward(0);
  assert.equal(seen.asked, 1);
  await clock.forward(5_000);
  const quick = seen.asked;
  assert.ok(quick >= 6, String(quick));
  await clock.forward(3 * 60 * 60_000);
  seen.asked = 0;
  await clock.forward(10 * 60_000);
  assert.ok(seen.asked <= 13, String(seen.asked));
  stop.abort();
});

test('a reason makes it ask at once, and one that promises something keeps it quick', async () => {
  const { clock, seen, polling, stop } = stage();
  await clock.forward(60 * 60_000);
  seen.asked = 0;
  polling.poke();
  // Not at once if it asked just now: the least gap between two questions comes first.
  await clock.forward(300);
  assert.equal(seen.asked, 1);
  await clock.forward(5_000);
  assert.equal(seen.asked, 1, 'a bare reason changes no pace');
  polling.poke({ expecting: true });
  await clock.forward(5_000);
  assert.ok(seen.asked >= 6, String(seen.asked));
  stop.abort();
});

/** The questions of an hour in which something arrives so often; the event stream tells of each, and again of its answer. */
async function questionsOfAnHour(everyMs) {
  let came = 0;
  let told = 0;
  const { clock, seen, polling, stop } = stage(async () => {
    const news = came > told;
    told = came;
    return { ...QUIET, news };
  });
  for (let ms = 0; ms < 3_600_000; ms += everyMs) {
    polling.poke({ expecting: true });
    await clock.forward(100);
    came += 1;
    await clock.forward(400);
    polling.poke({ expecting: true });
    await clock.forward(Math.min(everyMs, 3_600_000 - ms) - 500);
  }
  stop.abort();
  return seen.asked;
}

test('a server that is not paid by the question is asked more often', () => {
  assert.equal(pause({ quietMs: 300_000, failures: 0, longestMs: 2_000 }, 0.5), 2_000);
  assert.ok(pause({ quietMs: 300_000, failures: 6, longestMs: 2_000 }, 0.5) > 2_000);
});

test('what an hour costs: the questions that the AWS home’s README counts with', async () => {
  assert.equal(await questionsOfAnHour(Infinity), QUIET_HOUR);
  assert.equal(await questionsOfAnHour(120_000), BUSY_HOUR);
});

test('a reason that comes while a question is under way is asked about afterwards', async () => {
  let answer = () => {};
  const { clock, seen, polling, stop } = stage((asked) => (asked === 1 ? new Promise((resolve) => (answer = () => resolve(QUIET))) : Promise.resolve(QUIET)));
  await clock.forward(10);
  polling.poke();
  polling.poke();
  answer();
  await clock.forward(300);
  assert.equal(seen.asked, 2);
  assert.equal(seen.mostFlying, 1);
  stop.abort();
});

test('news makes it quick again, and more to fetch is fetched without a pause', async () => {
  const { clock, seen, stop } = stage(async (asked) => (asked < 5 ? { ...QUIET, news: true, more: true } : QUIET));
  await clock.forward(1_500);
  assert.ok(seen.asked >= 5, String(seen.asked));
  stop.abort();
});

test('while hidden it asks nothing, and at once when it is seen again', async () => {
  const { clock, seen, polling, stop } = stage();
  await clock.forward(1_000);
  seen.hidden = true;
  await clock.forward(2_000);
  seen.asked = 0;
  await clock.forward(24 * 60 * 60_000);
  assert.equal(seen.asked, 0);
  assert.equal(seen.states.at(-1), 'resting');
  seen.hidden = false;
  polling.poke();
  await clock.forward(0);
  assert.equal(seen.asked, 1);
  stop.abort();
});

test('it backs off when it fails, says so, and recovers by itself', async () => {
  const { clock, seen, stop } = stage(async (asked) => {
    if (asked <= 6) throw new Error('down');
    return QUIET;
  });
  await clock.forward(5_000);
  assert.ok(seen.asked <= 4, String(seen.asked));
  await clock.forward(120_000);
  assert.deepEqual(seen.states.slice(0, 7), [...Array(6).fill('failing'), 'live']);
  stop.abort();
});

test('a problem that is final ends it', async () => {
  const { clock, seen, polling } = stage(async () => {
    throw Object.assign(new Error('gone'), { final: true });
  });
  await clock.forward(60_000);
  await polling.ended;
  assert.equal(seen.asked, 1);
  assert.deepEqual(seen.states, ['ended']);
});

test('once stopped it is silent, whatever still comes', async () => {
  const { clock, seen, polling, stop } = stage();
  await clock.forward(1_000);
  stop.abort();
  polling.poke();
  seen.asked = 0;
  await clock.forward(60_000);
  await polling.ended;
  assert.equal(seen.asked, 0);
});

test('pauses: jitter stays within a fifth, and the server’s own wish counts up to a minute', () => {
  const quiet = { quietMs: 0, failures: 0 };
  assert.ok(pause(quiet, 0) >= 400 && pause(quiet, 1) <= 601);
  assert.ok(pause({ quietMs: 10 ** 9, failures: 0 }, 1) <= 72_001);
  assert.ok(pause({ quietMs: 10 ** 9, failures: 0, pending: true }, 1) <= 1_201);
  assert.ok(pause({ quietMs: 0, failures: 1, retryAfterS: 7 }, 0) >= 7_000);
  assert.ok(pause({ quietMs: 0, failures: 1, retryAfterS: 3_600 }, 1) <= 60_000);
  assert.ok(pause({ quietMs: 0, failures: 40 }, 1) <= 60_000);
});

test('a signal keeps nothing of the questions and waits that it outlived', async () => {
  const { signal } = new AbortController();
  const client = apiClient({ key: 'own_key', fetch: async () => Response.json({}) });
  for (let i = 0; i < 20; i += 1) {
    await client.log({ last: 1 }, signal);
    await browserClock.wait(1, signal);
  }
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
});

test('a signal that is aborted ends its question, with the reason, and its wait', async () => {
  const stop = new AbortController();
  const fetch = (_path, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const question = apiClient({ key: 'own_key', fetch }).log({ last: 1 }, stop.signal);
  const waits = [browserClock.wait(60_000, stop.signal), browserClock.wait(Infinity, stop.signal)];
  const reason = new Error('the endpoint is no longer looked at');
  stop.abort(reason);
  await assert.rejects(question, reason);
  await Promise.all(waits);
  assert.deepEqual(getEventListeners(stop.signal, 'abort'), []);
});
