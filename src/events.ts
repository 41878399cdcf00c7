import type { Namespace, Socket } from 'socket.io';
import type { Refusal } from './refusal.js';

/** Sent once to a client of the default namespace, when it has connected. */
export interface Welcome {
  /** The slot of the worker that serves the client, 1…N. */
  readonly worker: number;
  /** The name of the worker's host. */
  readonly host: string;
  readonly message: string;
}

/** What must happen once: every client gets each beat exactly once, however many workers there are. */
export interface Heartbeat {
  /** Strictly rising. */
  readonly sequence: number;
  /** When the primary sent it, in milliseconds since 1970. */
  readonly sentAt: number;
}

export interface Say {
  readonly room: string;
  readonly text: string;
}

export interface Said extends Say {
  /** The id of the client that said it. */
  readonly from: string;
}

export interface Whereabouts {
  readonly worker: number;
  readonly host: string;
  readonly id: string;
  /** `websocket` or `polling`. */
  readonly transport: string;
}

export interface Notification {
  readonly title: string;
  readonly body?: string | undefined;
}

export type Acknowledge<T> = (result: T | Refusal) => void;

/** What the server says in the default namespace. Gateways, emitter and clients all speak this. */
export interface ServerEvents {
  welcome: (welcome: Welcome) => void;
  heartbeat: (beat: Heartbeat) => void;
  said: (message: Said) => void;
  exception: (refusal: Refusal) => void;
}

/** What a client can say in the default namespace. */
export interface ClientEvents {
  join: (room: string, acknowledge: Acknowledge<true>) => void;
  leave: (room: string, acknowledge: Acknowledge<true>) => void;
  say: (message: Say, acknowledge: Acknowledge<true>) => void;
  whereami: (acknowledge: Acknowledge<Whereabouts>) => void;
}

/** What the server says in `/notifications`. */
export interface NotificationServerEvents {
  notification: (notification: Notification) => void;
  exception: (refusal: Refusal) => void;
}

/** What a client can say in `/notifications`. */
export interface NotificationClientEvents {
  subscribe: (user: string, acknowledge: Acknowledge<true>) => void;
  unsubscribe: (user: string, acknowledge: Acknowledge<true>) => void;
}

export type ChatNamespace = Namespace<ClientEvents, ServerEvents>;
export type ChatSocket = Socket<ClientEvents, ServerEvents>;
export type NotificationSocket = Socket<NotificationClientEvents, NotificationServerEvents>;
