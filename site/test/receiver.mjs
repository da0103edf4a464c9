// A server that keeps what came, as it came.

import { createServer } from 'node:http';
import { after, before } from 'node:test';

/** Runs one for the tests of a file: its hook URL, once they run, and what came, the newest last. */
export function receiver() {
  const found = { hook: '', came: [] };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers, rawHeaders: raw } = request;
      found.came.push({ method, url, headers, raw, body: Buffer.concat(chunks) });
      response.end('ok');
    });
  });
  before(async () => {
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    found.hook = `http://127.0.0.1:${server.address().port}/hook/b7nihh2yefj2lxoxyqgcjpq6pi`;
  });
  after(() => server.close());
  return found;
}
