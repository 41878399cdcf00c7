import { Turn } from './turn.js';

/** All WebSockets of a process share its turns. */
export const processTurn = new Turn();

// Whoever sends a last message and calls `process.exit` has no other turn.
process.on('exit', () => processTurn.end());
