export { StemCliModule } from './stem-cli.module.js';
