/** What every thread of isolated tasks runs. The thread pool calls the export with each job. */
import { serveThread } from '../../worker/isolation/thread.js';
import { bootThreadApp } from './boot-thread-app.js';

export default serveThread(bootThreadApp);
