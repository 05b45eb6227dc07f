import { WorkerControl } from './worker-control.js';

/** Looks at workers and governs them: `stem.workers`. */
export class Workers extends WorkerControl {}
