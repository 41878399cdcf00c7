import { threeHostsServe } from './balancers.contract.js';

threeHostsServe({ default: 60, 'WebSocket-only': 60, 'polling-only': 30 });
