export { transcode } from '../transcode.js';
