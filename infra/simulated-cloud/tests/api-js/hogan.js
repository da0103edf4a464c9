// Renders the table of template cases with hogan.js itself and says where the table claims something else.
'use strict';

const fs = require('fs');
const path = require('path');
const Hogan = require('hogan.js');

const cases = JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'template-cases.json'), 'utf8'));
const wrong = cases
	.map((one) => ({ ...one, rendered: Hogan.compile(one.template).render(one.context) }))
	.filter((one) => one.rendered !== one.expect);
for (const one of wrong) {
	console.error(`${one.name}: hogan renders ${JSON.stringify(one.rendered)}, the table expects ${JSON.stringify(one.expect)}`);
}
console.log(`${cases.length} cases`);
process.exitCode = wrong.length === 0 && cases.length > 60 ? 0 : 1;
