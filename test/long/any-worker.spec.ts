import { anyWorkerServes } from '../e2e/sessions/any-worker.contract.js';

anyWorkerServes({ default: 500, 'WebSocket-only': 500, 'polling-only': 200 });
