// A document for tests of what is drawn: the templates of blocks and rows, and components mounted without a page.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { parseHTML } = createRequire(new URL('../../tests/browser/package.json', import.meta.url))('linkedom');
/** A template without what the generator fills in. */
const template = (path) =>
  readFileSync(new URL(`../templates/${path}.html`, import.meta.url), 'utf8').replace(/\{[{%#][^]*?[}%#]\}/g, '');

const named = ['block', 'row', 'round'].map((name) => `<template id="${name}-template">${template(`log/${name}`).trim()}</template>`);
const { window } = parseHTML(`<!doctype html><html><body>${named.join('')}</body></html>`);
globalThis.document = window.document;
globalThis.Option = function Option(text = '', value = text) {
  const option = document.createElement('option');
  option.textContent = text;
  option.value = value;
  return option;
};

/** The element of a component, as its template has it. @param {string} name */
export function elementOf(name) {
  const holder = document.createElement('div');
  holder.innerHTML = template(name);
  document.body.append(holder);
  return holder.firstElementChild;
}

/** How many nodes are in a node. */
export function nodesIn(node) {
  let count = 1;
  for (const child of node.childNodes) count += nodesIn(child);
  return count;
}
