import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { TaskProcess } from '../../support/task-process.js';
import type { Contestant } from './contestants.js';
import type { NodeTasks } from './node-process.js';

const longestWaitMs = 30_000;

/** Workers of one kind, each a process, with one Redis between them. */
export class Cluster {
  private constructor(
    readonly workers: readonly TaskProcess<NodeTasks>[],
    private readonly ports: readonly number[],
  ) {}

  static async start(contestant: Contestant, redisUrl: string, size: number): Promise<Cluster> {
    const file = path.join(import.meta.dirname, 'node-process.js');
    const workers = Array.from({ length: size }, () => TaskProcess.start<NodeTasks>(file));
    const ports = await Promise.all(workers.map((worker) => worker.run('start', { contestant, redisUrl })));
    return new Cluster(workers, ports);
  }

  /** Connects a client to a worker, and has it join a room. */
  async member(worker: number, room: string): Promise<Member> {
    const socket = io(`http://127.0.0.1:${this.ports.at(worker)}`, { transports: ['websocket'], forceNew: true });
    await once(socket as never, 'connect');
    const member = new Member(socket);
    await socket.emitWithAck('join', room);
    // The official adapters do not wait for the room's subscription.
    await elapsed(200);
    return member;
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }
}

/** A client that keeps what it has received. */
export class Member {
  private readonly sequences: number[] = [];

  constructor(private readonly socket: Socket) {
    socket.on('news', (sequence: number) => this.sequences.push(sequence));
  }

  /**
   * Resolves once that many have come.
   *
   * @throws Error when they are not each of them, once, in order.
   */
  async received(messages: number): Promise<void> {
    const until = performance.now() + longestWaitMs;
    while (this.sequences.length < messages && performance.now() < until) await elapsed(10);
    const got = this.sequences.splice(0);
    if (got.length === messages && got.every((sequence, index) => sequence === index)) return;
    throw new Error(`Of ${messages} messages to its room a member got ${got.length}, or not in order: no figure.`);
  }

  disconnect(): void {
    this.socket.disconnect();
  }
}
