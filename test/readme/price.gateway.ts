import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Namespace, Socket } from 'socket.io';

@WebSocketGateway({ namespace: '/prices' })
export class PriceGateway {
  @WebSocketServer()
  private readonly server!: Namespace;

  @SubscribeMessage('watch')
  async watch(@ConnectedSocket() client: Socket, @MessageBody() symbol: string): Promise<{ watching: string }> {
    await client.join(symbol);
    return { watching: symbol };
  }

  /** Reaches whoever watches the symbol, on every worker of every host. */
  publish(symbol: string, price: number): void {
    this.server.to(symbol).emit('price', { symbol, price });
  }
}
