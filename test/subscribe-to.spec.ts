import path from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

const preamble = `
import 'reflect-metadata';
import { ConnectedSocket, MessageBody, Ack } from '@nestjs/websockets';
import { WebSocketServer } from '@nestjs/websockets';
import { of } from 'rxjs';
import type { Socket as Client } from 'socket.io-client';
import type { ChatNamespace, ChatSocket, ClientEvents, Said, Say, ServerEvents, Whereabouts } from '../src/events.js';
import type { ClusterEmitter } from '../src/index.js';
import { subscribeTo } from '../src/index.js';
const On = subscribeTo<ClientEvents>();
declare const emitter: ClusterEmitter<ServerEvents>;
declare const client: Client<ServerEvents, ClientEvents>;
declare const server: ChatNamespace;
declare const said: Said;
declare const whereabouts: Whereabouts;
`;

const method = (decorated: string): string =>
  `export class Gateway {\n@WebSocketServer() server!: ChatNamespace;\n${decorated}\n}`;

const right: readonly string[] = [
  method(
    `@On('join') join(@ConnectedSocket() _client: ChatSocket, @MessageBody() _room: string): true { return true; }`,
  ),
  method(
    `@On('join') async join(@MessageBody() _room: string, @ConnectedSocket() _client: ChatSocket): Promise<true> { return true; }`,
  ),
  method(
    `@On('say') say(@MessageBody() { room, text }: Say): true { this.server.to(room).emit('said', { ...said, text }); return true; }`,
  ),
  method(`@On('say') say(@MessageBody('room') _room: string): true { return true; }`),
  method(`@On('say') say(@MessageBody() _payload: unknown): void {}`),
  method(
    `@On('say') say(@MessageBody() _say: Say, @Ack() acknowledge: (result: true) => void): void { acknowledge(true); }`,
  ),
  method(`@On('whereami') whereami(@ConnectedSocket() _client: ChatSocket): Whereabouts { return whereabouts; }`),
  method(`@On('whereami') whereami() { return of(whereabouts); }`),
  method(`@On('say') say() { return { event: 'said', data: said }; }`),
  `server.to('lobby').emit('said', said);`,
  `emitter.to('lobby').emit('said', said);`,
  `client.on('said', ({ text }) => text.length); client.emit('join', 'lobby', () => {});`,
];

const wrong: readonly string[] = [
  method(`@On('jion') join(@MessageBody() _room: string): true { return true; }`),
  method(`@On('join') join(@MessageBody() _room: number): true { return true; }`),
  method(
    `@On('join') join(@ConnectedSocket() _client: ChatSocket, @MessageBody() _room: { name: string }): true { return true; }`,
  ),
  method(`@On('join') join(@MessageBody() _room: string): string { return 'joined'; }`),
  method(`@On('join') async join(@MessageBody() _room: string): Promise<string> { return 'joined'; }`),
  method(`@On('say') say(@MessageBody('room') _room: number): true { return true; }`),
  method(`@On('say') say(@MessageBody() _say: { room: string; words: string }): true { return true; }`),
  method(`@On('whereami') whereami(@MessageBody() _payload: string): Whereabouts { return whereabouts; }`),
  method(`@On('say') say() { this.server.emit('siad', said); }`),
  `server.to('lobby').emit('siad', said);`,
  `server.to('lobby').emit('said', { room: 'lobby' });`,
  `emitter.to('lobby').emit('siad', said);`,
  `client.on('siad', () => {});`,
  `client.emit('jion', 'lobby', () => {});`,
];

describe('the event map', () => {
  let errorsOf: (source: string) => readonly string[];

  beforeAll(() => {
    errorsOf = compile([...right, ...wrong]);
  });

  it.each(right)('lets tsc accept %s', (source) => {
    expect(errorsOf(source)).toEqual([]);
  });

  it.each(wrong)('makes tsc refuse %s', (source) => {
    expect(errorsOf(source)).not.toEqual([]);
  });
});

function fileOf(index: number): string {
  return path.resolve('test', `event-map-case-${index}.ts`);
}

/** One program for all, since reading the libraries is what takes time. */
function compile(sources: readonly string[]): (source: string) => readonly string[] {
  const { config } = ts.readConfigFile('tsconfig.json', (file) => ts.sys.readFile(file)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
  const settings = { ...options, noEmit: true, noUnusedLocals: false, noUnusedParameters: false };
  const texts = new Map(sources.map((source, index) => [fileOf(index), `${preamble}${source}\nexport {};\n`]));
  const host = ts.createCompilerHost(settings);
  const [fileExists, readFile] = [host.fileExists.bind(host), host.readFile.bind(host)];
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (file) => texts.has(path.resolve(file)) || fileExists(file);
  host.readFile = (file) => texts.get(path.resolve(file)) ?? readFile(file);
  host.getSourceFile = (file, languageVersion, ...rest) => {
    const text = texts.get(path.resolve(file));
    return text === undefined
      ? getSourceFile(file, languageVersion, ...rest)
      : ts.createSourceFile(file, text, languageVersion, true);
  };
  const program = ts.createProgram([...texts.keys()], settings, host);
  return (source) => {
    const file = program.getSourceFile(fileOf(sources.indexOf(source)))!;
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(({ messageText }) =>
      ts.flattenDiagnosticMessageText(messageText, '\n'),
    );
  };
}
