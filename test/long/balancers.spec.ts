import { threeHostsServe } from '../e2e/sessions/balancers.contract.js';

threeHostsServe({ default: 500, 'WebSocket-only': 500, 'polling-only': 200 });
