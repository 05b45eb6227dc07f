export { StemHealthIndicator, type StemIndicatorOptions } from './stem-health-indicator.js';
