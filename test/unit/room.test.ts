/** The room for payloads in the spool of the high side (egress/work/room.ts). */
import { expect } from 'chai';
import fc from 'fast-check';
import { AssemblyRoom, type Quota, type RoomRules, type Wanted } from '../../egress/work/room.js';
import { objectId } from '../support/ledgers.js';

const [A, B, C, D] = [1, 2, 3, 4];
const wanted = (payload: number, lengthBytes: number, tenant = 'demo', objects = 1): Wanted => ({
  payload: objectId(payload),
  tenant,
  lengthBytes,
  objects,
});
const tenantsOf = (quotas: Record<string, Quota>) => () =>
  Object.entries(quotas).map(([name, quota]) => ({ name, quota }));
const roomOf = (rules: Partial<RoomRules> = {}, freeBytes = () => 1e9, written = new Map<string, number>()) =>
  new AssemblyRoom(
    { spoolMax: 1000, objectsMax: 1e6, minFree: 0, tenants: tenantsOf({ demo: {} }), ...rules },
    { freeBytes, writtenBytes: (payload) => written.get(payload) ?? 0 },
  );

describe('room for payloads on the high side', () => {
  it('lets in what fits to the byte, and nothing beyond it', () => {
    const room = roomOf();
    expect(room.take(wanted(A, 600))).to.equal('taken');
    expect(room.take(wanted(B, 401))).to.equal('room');
    expect(room.has(objectId(B))).to.equal(false);
    expect(room.take(wanted(B, 400))).to.equal('taken');
    expect(room.take(wanted(C, 1))).to.equal('room');
  });

  it('counts a payload once, however often it asks, also when the room is full', () => {
    const room = roomOf();
    for (let i = 0; i < 3; i++) expect(room.take(wanted(A, 600))).to.equal('taken');
    expect(room.take(wanted(B, 400))).to.equal('taken');
    expect(room.take(wanted(A, 600))).to.equal('taken');
    expect([room.usedBytes, room.useOf('demo')]).to.deep.equal([1000, { bytes: 1000, objects: 2 }]);
  });

  it('gives back exactly what was taken, and once only', () => {
    const room = roomOf();
    room.take(wanted(A, 600));
    room.take(wanted(B, 400));
    for (const payload of [A, A, C]) room.give(objectId(payload));
    expect(room.has(objectId(A))).to.equal(false);
    expect(room.take(wanted(C, 601))).to.equal('room');
    expect(room.take(wanted(C, 600))).to.equal('taken');
  });

  it('FAULTS 49: keeps the bytes free on the disk that are to stay free', () => {
    let freeBytes = 1000;
    const room = roomOf({ spoolMax: 1e9, minFree: 300 }, () => freeBytes);
    expect(room.take(wanted(A, 701))).to.equal('room');
    expect(room.take(wanted(A, 700))).to.equal('taken');
    freeBytes = 0;
    expect(room.take(wanted(B, 1))).to.equal('room');
  });

  it('FAULTS 49: what others were promised and have not written yet is not promised again', () => {
    const disk = { freeBytes: 1000 };
    const written = new Map<string, number>();
    const room = roomOf({ spoolMax: 1e9 }, () => disk.freeBytes, written);
    expect(room.take(wanted(A, 700))).to.equal('taken');
    expect(room.take(wanted(B, 400))).to.equal('room');
    expect(room.missingOnDiskBytes(wanted(B, 400))).to.equal(100);
    // Half of the first is written: the disk has less, and owes less.
    written.set(objectId(A), 350);
    disk.freeBytes = 650;
    expect(room.take(wanted(B, 301))).to.equal('room');
    expect(room.take(wanted(B, 300))).to.equal('taken');
    room.give(objectId(A));
    expect(room.take(wanted(C, 351))).to.equal('room');
    expect(room.take(wanted(C, 350))).to.equal('taken');
  });

  it('FAULTS 49: after a restart on a tight disk, a payload need not have room again for what it has written', () => {
    const written = new Map([[objectId(A), 900]]);
    const room = roomOf({ spoolMax: 1e9 }, () => 100, written);
    expect(room.take(wanted(B, 101))).to.equal('room');
    expect(room.take(wanted(A, 1000))).to.equal('taken');
    expect(room.take(wanted(B, 1)), 'the rest of the first is promised').to.equal('room');
  });

  it('says how much must go before a payload fits', () => {
    const room = roomOf();
    expect(room.missingBytes(wanted(A, 1000))).to.equal(0);
    room.take(wanted(A, 600));
    const missing = [400, 401, 1000].map((bytes) => room.missingBytes(wanted(B, bytes)));
    expect(missing).to.deep.equal([0, 1, 600]);
    const limited = roomOf({ tenants: tenantsOf({ demo: { bytes: 700 } }) });
    limited.take(wanted(A, 600));
    expect(limited.missingBytes(wanted(B, 150))).to.equal(50);
  });

  it('FAULTS 60: a quota bounds the bytes and the objects of its tenant, and of no other', () => {
    const quotas: Record<string, Quota> = { town: { bytes: 100, objects: 3 }, demo: {} };
    const room = roomOf({ tenants: tenantsOf(quotas) });
    expect(room.take(wanted(A, 100, 'town'))).to.equal('taken');
    expect(room.take(wanted(B, 1, 'town'))).to.equal('quota');
    expect(room.take(wanted(C, 101, 'demo'))).to.equal('taken');
    room.give(objectId(A));
    expect(room.take(wanted(A, 1, 'town', 2))).to.equal('taken');
    expect(room.take(wanted(B, 1, 'town', 2))).to.equal('quota');
    expect(room.take(wanted(B, 1, 'town', 1))).to.equal('taken');
    quotas.town = { objects: 4 };
    expect(room.take(wanted(D, 1, 'town', 1))).to.equal('taken');
  });

  it('FAULTS 60: however much one tenant announces, what is kept for the others stays theirs', () => {
    const tenants = ['a', 'b', 'c', 'd'];
    const request = fc.record({
      tenant: fc.constantFrom('a', 'b', 'c'),
      bytes: fc.integer({ min: 0, max: 800 }),
      keep: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 200 }), (requests) => {
        const room = roomOf({
          objectsMax: 80,
          tenants: tenantsOf(Object.fromEntries(tenants.map((name) => [name, {}]))),
        });
        requests.forEach(({ tenant, bytes, keep }, i) => {
          room.take(wanted(i + 1, bytes, tenant));
          if (!keep) room.give(objectId(i + 1));
        });
        // An eighth of everything, for a tenant that has nothing yet.
        expect(room.take(wanted(1_000, 125, 'd', 10))).to.equal('taken');
      }),
      { numRuns: 200, seed: 60 },
    );
  });

  it('a tenant that is alone may have what is not kept for others', () => {
    const room = roomOf({ tenants: tenantsOf({ a: {}, b: {} }) });
    expect(room.couldHold(wanted(A, 750, 'a'))).to.equal(true);
    expect(room.couldHold(wanted(A, 751, 'a'))).to.equal(false);
    expect(room.take(wanted(A, 751, 'a'))).to.equal('share');
    expect(room.take(wanted(A, 750, 'a'))).to.equal('taken');
    expect(room.take(wanted(B, 250, 'b'))).to.equal('taken');
  });

  it('an incomplete payload loses its room to its own tenant, or to others beyond what is kept for its own', () => {
    const room = roomOf({ tenants: tenantsOf({ a: {}, b: {} }) });
    room.take(wanted(A, 250, 'a'));
    room.take(wanted(B, 100, 'a'));
    const other = wanted(C, 700, 'b');
    expect([A, B].map((one) => room.mayLose(objectId(one), other, 'room'))).to.deep.equal([false, true]);
    expect(room.mayLose(objectId(B), other, 'quota')).to.equal(false);
    expect(room.mayLose(objectId(A), wanted(C, 700, 'a'), 'quota')).to.equal(true);
    room.give(objectId(B));
    expect(room.mayLose(objectId(A), other, 'share')).to.equal(false);
  });

  it('FAULTS 60: a consignment has room as a whole from its first payload to its last', () => {
    const written = new Map<string, number>();
    const room = roomOf({}, () => 1e9, written);
    const part = (payload: number, id = 'c') => ({
      ...wanted(payload, 100),
      consignment: { id, lengthBytes: 600, objects: 3, payloads: () => [A, B].map(objectId) },
    });
    expect(room.couldHold({ ...part(A), consignment: { ...part(A).consignment, lengthBytes: 1001 } })).to.equal(false);
    expect(room.take(part(A))).to.equal('taken');
    expect(room.useOf('demo')).to.deep.equal({ bytes: 600, objects: 3 });
    expect([room.take(part(C, 'd')), room.missingBytes(part(C, 'd'))]).to.deep.equal(['room', 200]);
    expect(room.take(part(B))).to.equal('taken');
    expect(room.usedBytes).to.equal(600);
    expect([...room.sharing(objectId(A)).payloads]).to.deep.equal([A, B].map(objectId));
    room.give(objectId(A));
    expect([room.usedBytes, room.take(part(C, 'd'))]).to.deep.equal([600, 'room']);
    room.give(objectId(B));
    expect([room.usedBytes, room.take(part(C, 'd'))]).to.deep.equal([0, 'taken']);
  });

  it('FAULTS 49: of a consignment that is on the disk already the disk need hold only the rest', () => {
    const written = new Map([
      [objectId(A), 250],
      [objectId(B), 250],
    ]);
    const room = roomOf({}, () => 100, written);
    const consignment = { id: 'c', lengthBytes: 600, objects: 3, payloads: () => [A, B].map(objectId) };
    expect(room.take({ ...wanted(A, 250), consignment })).to.equal('taken');
    expect(room.take({ ...wanted(B, 250), consignment })).to.equal('taken');
    expect(room.missingOnDiskBytes(wanted(C, 1))).to.equal(1);
  });

  it('knows what could never be held here', () => {
    expect(roomOf().couldHold(wanted(A, 1000))).to.equal(true);
    expect(roomOf().couldHold(wanted(A, 1001))).to.equal(false);
    const limited = roomOf({ tenants: tenantsOf({ demo: { bytes: 10, objects: 2 } }) });
    expect(limited.couldHold(wanted(A, 10, 'demo', 2))).to.equal(true);
    expect(limited.couldHold(wanted(A, 11))).to.equal(false);
    expect(limited.couldHold(wanted(A, 1, 'demo', 3))).to.equal(false);
  });
});
