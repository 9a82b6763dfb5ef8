/** The small transfer of the golden vectors, and values for tests of what is signed. */
import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import type { Consignment, Heartbeat, Manifest, Manifests } from '../../shared/wire/statements.js';
import type { ReferenceConsignment, ReferenceHeartbeat, ReferenceManifests } from './wire-reference.js';

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** 00 01 02 ... 0f, as in the authors' vectors of SipHash. */
export const LINK_KEY = Uint8Array.from({ length: 16 }, (_, i) => i);

const PKCS8_PREFIX = '302e020100300506032b657004220420';
/** An Ed25519 private key from its seed of 32 bytes. */
export const signingKey = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([Buffer.from(PKCS8_PREFIX, 'hex'), seed]), format: 'der', type: 'pkcs8' });

/** RFC 8032, section 7.1, TEST 1. Anybody has it: for tests alone. */
export const SEED = unhex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
export const PUBLIC_KEY = unhex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
/** RFC 8032, section 7.1, TEST 2: a key of somebody else. */
export const OTHER_SEED = unhex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');

export const KEY_ID = sha256(PUBLIC_KEY).slice(0, 16);

// ---------------------------------------------------------------- one transfer of two objects

export const HELLO = new TextEncoder().encode('Hello, high side.\n');
/** No two symbols of it begin alike. */
export const NUMBERS = Uint8Array.from({ length: 1082 }, (_, i) => 7 * i + 13 * (i >> 8) + 3);
export const PAYLOAD = Uint8Array.from([...HELLO, ...NUMBERS]);
export const SYMBOL_BYTES = 512;
export const BLOCK_SYMBOLS = 2;

export const MANIFESTS_SAMPLE: ReferenceManifests = {
  history: '00112233445566778899aabbccddeeff',
  coding: {
    object: '0123456789abcdef',
    length: PAYLOAD.length,
    symbol_size: SYMBOL_BYTES,
    block_symbols: BLOCK_SYMBOLS,
    block_digests: [sha256(PAYLOAD.subarray(0, 1024)), sha256(PAYLOAD.subarray(1024))],
  },
  filters: [
    { name: 'type', version: '1', config_digest: sha256(new TextEncoder().encode('{}')) },
    { name: 'archive', version: '2.1', config_digest: sha256(new TextEncoder().encode('{"depth":3}')) },
  ],
  manifests: [
    {
      transfer: 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf',
      sequence: 8,
      tenant: 'alpha',
      path: hex(new TextEncoder().encode('letters/hello.txt')),
      offset: 0,
      size: HELLO.length,
      mtime_ns: '1767225600123456789',
      sha256: sha256(HELLO),
      type: 'text/plain',
      label: 'unclassified',
      submitter: 'alpha',
      consignment: 'c0c1c2c3c4c5c6c7c8c9cacbcccdcecf',
      verdicts: [
        { filter: 0, outcome: 1, digest: '' },
        { filter: 1, outcome: 1, digest: '' },
      ],
    },
    {
      transfer: 'b0b1b2b3b4b5b6b7b8b9babbbcbdbebf',
      sequence: 9,
      tenant: 'alpha',
      path: hex(new TextEncoder().encode('données/größe.bin')),
      offset: HELLO.length,
      size: NUMBERS.length,
      mtime_ns: '-1000000001',
      sha256: sha256(NUMBERS),
      type: 'application/octet-stream',
      label: 'unclassified',
      submitter: 'alpha',
      consignment: '',
      verdicts: [
        { filter: 0, outcome: 1, digest: '' },
        // This filter saw other bytes than the object's own.
        { filter: 1, outcome: 1, digest: sha256(HELLO) },
      ],
    },
  ],
  sealed_ms: 1_767_225_600_000,
  key_id: KEY_ID,
};

/** The same as a gateway sends it: type v1 has room for the id of a consignment, and nobody fills it. */
export const ORDINARY_SAMPLE: ReferenceManifests = {
  ...MANIFESTS_SAMPLE,
  manifests: MANIFESTS_SAMPLE.manifests.map((manifest) => ({ ...manifest, consignment: '' })),
};

/** Two of the three members of a consignment, in a payload of their own. */
export const CONSIGNED_SAMPLE: ReferenceManifests = {
  ...MANIFESTS_SAMPLE,
  coding: { ...MANIFESTS_SAMPLE.coding, object: '1123456789abcdef' },
  manifests: MANIFESTS_SAMPLE.manifests.map((manifest, i) => ({
    ...manifest,
    transfer: `d${i}d1d2d3d4d5d6d7d8d9dadbdcdddedf`,
    sequence: 10 + 2 * i,
    path: hex(new TextEncoder().encode(['année/2026/.consignment', 'année/2026/größe.bin'][i])),
    consignment: '',
  })),
  consignment: {
    id: 'e0e1e2e3e4e5e6e7e8e9eaebecedeeef',
    first_sequence: 10,
    objects: 3,
    size: PAYLOAD.length + 5,
    root: hex(new TextEncoder().encode('année/2026')),
  },
};

export const HEARTBEAT_SAMPLE: ReferenceHeartbeat = {
  history: MANIFESTS_SAMPLE.history,
  session: 'a1b2c3d4e5f60718',
  sequence_done: 7,
  sequence_last: 9,
  voids: [
    { first: 3, last: 3 },
    { first: 5, last: 6 },
  ],
  frames: 1,
  parameters: {
    symbol_size: SYMBOL_BYTES,
    block_symbols: BLOCK_SYMBOLS,
    overhead_ppm: 100_000,
    rate_bps: 200_000_000,
    interleave: 2,
    heartbeat_ms: 1000,
  },
  time_ms: 1_767_225_600_500,
  key_id: KEY_ID,
};

// ---------------------------------------------------------------- the same as the gateway holds it

export function manifestsOf(sample: ReferenceManifests): Manifests {
  return {
    history: sample.history,
    coding: {
      object: sample.coding.object,
      lengthBytes: sample.coding.length,
      symbolBytes: sample.coding.symbol_size,
      blockSymbols: sample.coding.block_symbols,
      blockDigests: unhex(sample.coding.block_digests.join('')),
    },
    manifests: sample.manifests.map((manifest): Manifest => {
      const verdicts = manifest.verdicts.map(({ filter, digest }) => ({
        filter: sample.filters[filter].name,
        version: sample.filters[filter].version,
        configDigest: sample.filters[filter].config_digest,
        digest: digest === '' ? manifest.sha256 : digest,
      }));
      const { mtime_ns, size, path, ...same } = manifest;
      return { ...same, path: unhex(path), sizeBytes: size, mtimeNs: BigInt(mtime_ns), verdicts };
    }),
    sealedMs: sample.sealed_ms,
    keyId: unhex(sample.key_id),
    ...(sample.consignment ? { consignment: consignmentOf(sample.consignment) } : {}),
  };
}

export function consignmentOf({ id, objects, ...sample }: ReferenceConsignment): Consignment {
  return { id, objects, firstSequence: sample.first_sequence, sizeBytes: sample.size, root: unhex(sample.root) };
}

export function heartbeatOf(sample: ReferenceHeartbeat): Heartbeat {
  const { parameters } = sample;
  return {
    history: sample.history,
    session: sample.session,
    sequenceDone: sample.sequence_done,
    sequenceLast: sample.sequence_last,
    voids: sample.voids,
    frames: sample.frames,
    parameters: {
      symbolBytes: parameters.symbol_size,
      blockSymbols: parameters.block_symbols,
      overheadPpm: parameters.overhead_ppm,
      rateBps: parameters.rate_bps,
      interleave: parameters.interleave,
      heartbeatMs: parameters.heartbeat_ms,
    },
    timeMs: sample.time_ms,
    keyId: unhex(sample.key_id),
  };
}
