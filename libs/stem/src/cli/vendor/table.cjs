'use strict';
/* The build replaces this module by a bundle of what it loads; see docs/decisions. */
exports.Table = require('cli-table3');
exports.stringWidth = require('string-width');
