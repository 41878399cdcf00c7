import { anyWorkerServes } from './any-worker.contract.js';

anyWorkerServes({ default: 100, 'WebSocket-only': 100, 'polling-only': 40 });
