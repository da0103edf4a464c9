// The rules for the page's scripts and their tests, besides what TypeScript checks:
//   tests/browser/node_modules/.bin/eslint -c tests/browser/eslint.config.mjs site/static site/test
import js from '@eslint/js';

/**
 * Names of headers, fields, events and devices are strangers' text. In an object literal `constructor` and `__proto__` are
 * there by themselves, so what is looked up by a name that is computed is a Map.
 */
const lookupsUseMaps = {
  meta: { type: 'problem', messages: { map: 'Look names up in a Map: an object has names of its own.' } },
  create(context) {
    const isLiteral = (node) => {
      if (node.type === 'ObjectExpression') return true;
      if (node.type !== 'Identifier') return false;
      let scope = context.sourceCode.getScope(node);
      while (scope && !scope.set.has(node.name)) scope = scope.upper;
      const [definition] = scope?.set.get(node.name)?.defs ?? [];
      return definition?.node.init?.type === 'ObjectExpression';
    };
    return {
      MemberExpression(node) {
        if (node.computed && node.property.type !== 'Literal' && isLiteral(node.object)) {
          context.report({ node, messageId: 'map' });
        }
      },
      'BinaryExpression[operator="in"]'(node) {
        if (node.left.type !== 'Literal' && isLiteral(node.right)) context.report({ node, messageId: 'map' });
      },
    };
  },
};

const browser = [
  'AbortController', 'AbortSignal', 'Blob', 'BroadcastChannel', 'CSS', 'CSSStyleSheet', 'DecompressionStream', 'FormData', 'HTMLElement', 'IntersectionObserver',
  'Option', 'ReadableStream', 'Request', 'ResizeObserver', 'TextDecoder', 'TextEncoder', 'URL', 'URLSearchParams', 'addEventListener', 'atob', 'btoa', 'clearTimeout',
  'console', 'crypto', 'document', 'fetch', 'history', 'indexedDB', 'innerHeight', 'innerWidth', 'localStorage', 'location', 'matchMedia',
  'navigator', 'performance', 'queueMicrotask', 'reportError', 'requestAnimationFrame', 'scrollBy', 'sessionStorage', 'setInterval',
  'setTimeout', 'structuredClone', 'File', 'IDBKeyRange', 'Event', 'setImmediate',
];

export default [
  js.configs.recommended,
  {
    languageOptions: { globals: Object.fromEntries(browser.map((name) => [name, 'readonly'])) },
    plugins: { page: { rules: { 'lookups-use-maps': lookupsUseMaps } } },
    rules: {
      'page/lookups-use-maps': 'error',
      'max-len': ['error', { code: 100, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      'no-control-regex': 'off',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-unused-expressions': ['error', { allowShortCircuit: true, allowTernary: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'TemplateElement[value.raw=/\\n/]', message: 'A line of a text that looks like a comment would not be sent: write \\n.' },
        { selector: 'CallExpression > SpreadElement > CallExpression[callee.property.name=/^(split|matchAll)$/]', message: 'A call has room for so many arguments only.' },
        { selector: 'MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML)$/]', message: 'What comes from outside goes in as text.' },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'prefer-const': 'error',
    },
  },
  { files: ['site/test/**'], rules: { 'page/lookups-use-maps': 'off', 'max-len': 'off', 'no-restricted-syntax': 'off', 'no-undef': 'off', 'no-unused-expressions': 'off' } },
];
