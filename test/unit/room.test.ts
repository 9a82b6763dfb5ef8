/** The room for payloads in the spool of the high side (egress/room.ts). */
import { expect } from 'chai';
import { AssemblyRoom } from '../../egress/room.js';
import { objectId } from '../support/ledgers.js';

const [A, B, C] = [objectId(1), objectId(2), objectId(3)];

describe('room for payloads on the high side', () => {
  it('lets in what fits to the byte, and nothing beyond it', () => {
    const room = new AssemblyRoom({ spoolMax: 1000, minFree: 0 }, () => 1e9);
    expect(room.take(A, 600)).to.equal(true);
    expect(room.take(B, 401)).to.equal(false);
    expect(room.has(B)).to.equal(false);
    expect(room.take(B, 400)).to.equal(true);
    expect(room.take(C, 1)).to.equal(false);
  });

  it('counts a payload once, however often it asks, also when the room is full', () => {
    const room = new AssemblyRoom({ spoolMax: 1000, minFree: 0 }, () => 1e9);
    for (let i = 0; i < 3; i++) expect(room.take(A, 600)).to.equal(true);
    expect(room.take(B, 400)).to.equal(true);
    expect(room.take(A, 600)).to.equal(true);
  });

  it('gives back exactly what was taken, and once only', () => {
    const room = new AssemblyRoom({ spoolMax: 1000, minFree: 0 }, () => 1e9);
    room.take(A, 600);
    room.take(B, 400);
    room.give(A);
    room.give(A);
    room.give(C);
    expect(room.has(A)).to.equal(false);
    expect(room.take(C, 601)).to.equal(false);
    expect(room.take(C, 600)).to.equal(true);
  });

  it('FAULTS 49: keeps the bytes free on the disk that are to stay free', () => {
    let freeBytes = 1000;
    const room = new AssemblyRoom({ spoolMax: 1e9, minFree: 300 }, () => freeBytes);
    expect(room.take(A, 701)).to.equal(false);
    expect(room.take(A, 700)).to.equal(true);
    freeBytes = 0;
    expect(room.take(B, 1)).to.equal(false);
  });

  it('says how much must go before a payload fits', () => {
    const room = new AssemblyRoom({ spoolMax: 1000, minFree: 0 }, () => 0);
    expect(room.missingBytes(1000)).to.equal(0);
    const roomy = new AssemblyRoom({ spoolMax: 1000, minFree: 0 }, () => 1e9);
    roomy.take(A, 600);
    expect([roomy.missingBytes(400), roomy.missingBytes(401), roomy.missingBytes(1000)]).to.deep.equal([0, 1, 600]);
  });

  it('knows what could never be held here', () => {
    const room = new AssemblyRoom({ spoolMax: 1000, minFree: 0 }, () => 0);
    expect(room.couldHold(1000)).to.equal(true);
    expect(room.couldHold(1001)).to.equal(false);
  });
});
