/** The first packet of an SRT handshake, by which a caller asks a listener for a cookie. */
import { randomInt } from 'node:crypto';

const handshakeBytes = 64;
const version4 = 4;
/** In the induction phase this field says "I am SRT, not bare UDT". */
const induction = 2;
const maxPacketBytes = 1500;
const windowPackets = 8192;

/** A control packet (type 0) with a handshake of version 4, which every SRT listener answers with its cookie. */
export function srtInduction(): Buffer {
  const packet = Buffer.alloc(handshakeBytes);
  packet.writeUInt16BE(0x8000, 0);
  const fields = 16;
  packet.writeUInt32BE(version4, fields);
  packet.writeUInt16BE(induction, fields + 6);
  packet.writeUInt32BE(randomInt(2 ** 31), fields + 8);
  packet.writeUInt32BE(maxPacketBytes, fields + 12);
  packet.writeUInt32BE(windowPackets, fields + 16);
  packet.writeUInt32BE(1, fields + 20);
  packet.writeUInt32BE(randomInt(1, 2 ** 30), fields + 24);
  return packet;
}
