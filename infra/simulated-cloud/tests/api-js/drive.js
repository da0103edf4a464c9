// Particle's own client does what a learner, the tutorial's page and the command line do, and writes down what it was given.
// Started by the test beside it with the cloud's address and the demo account; prints one JSON object.
'use strict';

const Particle = require('particle-api-js');

const [baseUrl, username, password, otp, hookUrl, deviceId, hookText] = process.argv.slice(2);
const particle = new Particle({ baseUrl });
const seen = {};

/** Keeps what a call gave, or how it failed. */
async function note(name, promise) {
	try {
		const answer = await promise;
		if (Buffer.isBuffer(answer)) {
			seen[name] = { bytes: answer.toString() };
			return answer;
		}
		const { statusCode, body } = answer;
		seen[name] = { statusCode, body };
		return body;
	} catch (error) {
		const { statusCode, errorDescription, shortErrorDescription, body } = error;
		if (!statusCode) {
			throw error;
		}
		delete body?.response;
		seen[name] = { failed: true, statusCode, errorDescription: errorDescription?.replaceAll(baseUrl, ''), shortErrorDescription, body };
		return body;
	}
}

/** The next events of a stream. */
function collect(stream, count) {
	return new Promise((resolve) => {
		const events = [];
		stream.on('event', function listen(event) {
			if (events.push(event) === count) {
				stream.removeListener('event', listen);
				resolve(events);
			}
		});
	});
}

async function main() {
	await note('wrong password', particle.login({ username, password: 'wrong' }));
	const first = await note('password', particle.login({ username, password }));
	await note('wrong code', particle.sendOtp({ mfaToken: first.mfa_token, otp: '000000' }));
	const { access_token: auth } = await note('code', particle.sendOtp({ mfaToken: first.mfa_token, otp }));
	await note('user', particle.getUserInfo({ auth }));
	await note('wrong token', particle.getUserInfo({ auth: 'wrong' }));

	await note('devices', particle.listDevices({ auth }));
	await note('device', particle.getDevice({ deviceId: 'virtual-boron', auth }));
	await note('rename', particle.renameDevice({ deviceId, name: 'kitchen', auth }));
	await note('signal', particle.signalDevice({ deviceId, signal: true, auth }));
	await note('notes', particle.setDeviceNotes({ deviceId, notes: 'by the window', auth }));
	await note('function', particle.callFunction({ deviceId, name: 'led', argument: 'on', auth }));
	await note('variable', particle.getVariable({ deviceId, name: 'temp', auth }));

	const { event, integration_type: _, ...settings } = JSON.parse(hookText);
	const made = await note('create integration', particle.createIntegration({ event, settings: { integration_type: 'Webhook', ...settings, url: hookUrl }, auth }));
	const hook = await note('create webhook', particle.createWebhook({ event: 'other', url: hookUrl, device: deviceId, hook: { method: 'PUT', responseEvent: 'r' }, auth }));
	await note('list integrations', particle.listIntegrations({ auth }));
	await note('list webhooks', particle.listWebhooks({ auth }));
	await note('edit integration', particle.editIntegration({ integrationId: made.id, event, settings: { integration_type: 'Webhook', ...settings, url: hookUrl, name: 'edited' }, auth }));
	await note('edit without event', particle.editIntegration({ integrationId: made.id, event: '', settings: { url: hookUrl }, auth }));
	await note('delete webhook', particle.deleteWebhook({ hookId: hook.id, auth }));
	await note('delete again', particle.deleteWebhook({ hookId: hook.id, auth }));
	await note('product hooks', particle.listIntegrations({ product: 'simulated-product', auth }));

	const mine = await particle.getEventStream({ deviceId: 'mine', auth });
	const narrow = await particle.getEventStream({ deviceId: 'mine', name: 'api/hook-response', auth });
	const ofDevice = await particle.getEventStream({ deviceId, auth });
	const round = collect(mine, 3);
	const response = collect(narrow, 1);
	await note('publish', particle.publishEvent({ name: event, data: '{"op":"test","id":1652008511}', isPrivate: true, auth }));
	seen.round = await round;
	seen['narrow stream'] = await response;
	seen['wrong stream'] = await particle.getEventStream({ deviceId: 'mine', auth: 'wrong' }).then(
		() => 'opened',
		({ statusCode, errorDescription }) => ({ statusCode, errorDescription: errorDescription.replaceAll(baseUrl, '') })
	);

	const steps = collect(ofDevice, 9);
	const source = Buffer.from('void setup() {}\n');
	await note('flash', particle.flashDevice({ deviceId, files: { 'blink.cpp': source }, targetVersion: '6.2.1', auth }));
	seen['flash events'] = (await steps).map(({ name, data, coreid }) => ({ name, data, coreid }));
	await note('flash that does not compile', particle.flashDevice({ deviceId, files: { 'bad.cpp': Buffer.from('does not compile') }, auth }));
	const compiled = await note('compile', particle.compileCode({ files: { 'blink.cpp': source }, platformId: 13, auth }));
	await note('binary', particle.downloadFirmwareBinary({ binaryId: compiled.binary_id, auth }));
	await note('build targets', particle.listBuildTargets({ auth }));
	await note('versions', particle.listDeviceOsVersions({ platformId: 13, perPage: 100, auth }));

	for (const stream of [mine, narrow, ofDevice]) {
		stream.abort();
	}
	await note('delete integration', particle.deleteIntegration({ integrationId: made.id, auth }));
	await note('sign out', particle.deleteCurrentAccessToken({ auth }));
	await note('after sign out', particle.listDevices({ auth }));
}

main().then(
	() => {
		// Ids and tokens differ from run to run; that they are there, and of the right form, is what is compared.
		const text = JSON.stringify(seen, null, 2)
			.replaceAll(hookUrl, '<hook url>').replaceAll(baseUrl, '<cloud>').replaceAll(deviceId, '<device>')
			.replaceAll(/\b[0-9a-f]{40}\b/g, '<token>').replaceAll(/\b[0-9a-f]{24}\b/g, '<id>');
		// The client's idle timers outlive its streams by 15 s; nothing is left to wait for.
		process.stdout.write(`${text}\n`, () => process.exit());
	},
	(error) => {
		console.error(error);
		process.exitCode = 1;
	}
);
