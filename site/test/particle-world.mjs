// A small world to test rounds in: devices publish, a cloud calls a server, and everybody's clock is wrong in its own way.
// It knows what really belongs together, which the page has to find out.

/** Numbers that look random and are the same each time. @param {number} seed */
export function dice(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    below: (most) => Math.floor(next() * most),
    pick: (list) => list[Math.floor(next() * list.length)],
    shuffled(list) {
      const copy = [...list];
      for (let i = copy.length - 1; i > 0; i -= 1) {
        const j = Math.floor(next() * (i + 1));
        [copy[i], copy[j]] = [copy[j], copy[i]];
      }
      return copy;
    },
  };
}

export const DEVICES = ['e00fce68ece1d3d21a73dcc9', 'e00fce68aaaaaaaaaaaaaaaa', 'e00fce68bbbbbbbbbbbbbbbb'];
const START = Date.parse('2026-11-23T11:00:00.000Z');
const iso = (ms) => new Date(ms).toISOString();

export const delivery = (seq, { receivedAt, body, status = 200, response = '', delay = 0, type = 'application/json', headers = [] }) => ({
  seq,
  received_at: iso(receivedAt),
  took_ms: 3,
  request: {
    method: 'POST', path: '/', query: '', source: '203.0.113.7', headers: [['content-type', type], ...headers], added: [],
    body, body_encoding: 'utf-8', body_bytes: Buffer.byteLength(body), body_sha256: 'x'.repeat(64), truncated: false,
  },
  response: { status, headers: [['content-type', 'application/json']], body: response, delay_ms: delay },
});

/**
 * @param {number} seed
 * @param {{count?: number, spreadMs?: number, serverOff?: number, browserOff?: number, lossy?: boolean, long?: boolean}} [options]
 */
export function world(seed, { count = 12, spreadMs = 3_000, serverOff = 0, browserOff = 0, lossy = false, long = false } = {}) {
  const die = dice(seed);
  const triggers = Array.from({ length: count }, (_, i) => ({
    i,
    at: START + die.below(spreadMs * count),
    coreid: ['api', ...DEVICES][die.below(4)],
    fires: die.below(8) !== 0,
  })).sort((a, b) => a.at - b.at);
  const raw = [];
  const deliveries = [];
  const truth = new Map();
  const publish = (at, name, data, coreid, owner, part = 0) => raw.push({ at, name, data, coreid, owner, part });
  const arrivals = [];
  for (const { i, at, coreid, fires } of triggers) {
    const name = fires ? 'WebhookTutorial01' : 'webhooktutorial01';
    const data = JSON.stringify({ op: coreid === 'api' ? 'test' : 'periodic', id: 1000 + i });
    publish(at, name, data, coreid, i);
    if (!fires) continue;
    const sent = at + 2 + die.below(20);
    publish(sent, `hook-sent/${name}`, null, 'particle-internal', i);
    const received = sent + 1 + die.below(200);
    const fails = die.below(6) === 0;
    const filler = long && die.below(2) === 0 ? 'x'.repeat(600 + die.below(900)) : '';
    const response = fails ? '{"ok":false}' : JSON.stringify({ ok: true, id: 1000 + i, ...(filler ? { filler } : {}) });
    arrivals.push({ received, i, body: JSON.stringify({ event: name, data, coreid, published_at: iso(at) }), status: fails ? 500 : 200, response });
    const answered = received + 1 + die.below(40);
    if (fails) publish(answered, `${coreid}/hook-error/${name}/0`, 'error status 500 from example.org', 'particle-internal', i);
    else {
      const parts = response.match(/[^]{1,512}/g) ?? [];
      parts.forEach((part, k) => publish(answered + k, `${coreid}/hook-response/${name}/${k}`, part, 'particle-internal', i, k));
    }
  }
  arrivals.sort((a, b) => a.received - b.received || a.i - b.i);
  arrivals.forEach(({ received, i, ...rest }, n) => {
    deliveries.push(delivery(n + 1, { receivedAt: received + serverOff, ...rest }));
    truth.set(`#${n + 1}`, i);
  });
  raw.sort((a, b) => a.at - b.at);
  const counts = new Map();
  const events = raw.map(({ at, name, data, coreid, owner }, nth) => {
    const content = `${iso(at)}|${coreid}|${name}|${data}`;
    const k = counts.get(content) ?? 0;
    counts.set(content, k + 1);
    const id = `${content}|${k}`;
    truth.set(id, owner);
    return { id, name, data, published_at: iso(at), at, coreid, seen: at + 15 + browserOff, nth, guesses: [] };
  });
  const keep = lossy ? events.filter(() => die.below(5) !== 0) : events;
  return { deliveries, events: keep, truth, triggers };
}
