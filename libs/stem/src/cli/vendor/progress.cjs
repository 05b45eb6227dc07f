'use strict';
/* The build replaces this module by a bundle of what it loads; see docs/decisions. */
exports.SingleBar = require('cli-progress').SingleBar;
