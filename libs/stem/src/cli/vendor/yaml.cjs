'use strict';
/* The build replaces this module by a bundle of what it loads; see docs/decisions. */
exports.parse = require('yaml').parse;
