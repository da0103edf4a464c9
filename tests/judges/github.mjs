// Signs a webhook as GitHub does and verifies what is forwarded, with GitHub's own library. Prints the webhook as JSON, then
// the port.
import { createServer } from 'node:http';
import { Webhooks, createNodeMiddleware } from '@octokit/webhooks';

// The test sends a wrong signature on purpose.
const quiet = () => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const webhooks = new Webhooks({ secret: 'it is ours' });
const body = JSON.stringify({ zen: 'Ünïcode & "quotes"', hook_id: 1 }, null, 2);
const headers = {
  'content-type': 'application/json',
  'user-agent': 'GitHub-Hookshot/1',
  'x-github-delivery': '1',
  'x-github-event': 'ping',
  'x-hub-signature-256': await webhooks.sign(body),
};
const server = createServer(createNodeMiddleware(webhooks, { path: '/github', log }));
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify([{ path: '/github', headers, body }]));
  console.log(server.address().port);
});
