'use strict';
/*
 * Written by hand, in CommonJS, for both formats of this library: only here `import()` stays what it
 * is, and only here a file knows where it is.
 */
const { join } = require('node:path');

/** Loads a module of either format. */
exports.importNative = (specifier) => import(specifier);

/** File that threads of isolated tasks run. */
exports.threadEntry = join(__dirname, 'thread-entry.js');
