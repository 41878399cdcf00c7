import { Turn } from './turn.js';

/** All WebSockets of a process share its turns. */
export const processTurn = new Turn();
