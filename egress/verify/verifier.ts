/**
 * Decides whether an envelope is true and whether its objects may be released under this side's own rules. Everything
 * it answers was read from the very bytes whose signature it has checked (FAULTS 19).
 *
 *   bytes -> envelope -> key known? -> both signatures hold? -> statement in canonical form -> each manifest
 */
import { createHash } from 'node:crypto';
import { toHex } from '../../shared/core/bytes.js';
import { codeOf, SluiceError } from '../../shared/core/errors.js';
import type { PublicKey } from '../../shared/crypto/publicKey.js';
import { statementVerifies } from '../../shared/crypto/signature.js';
import { isTypeAllowed } from '../../shared/wire/mediaTypes.js';
import { checkPath, showName } from '../../shared/wire/names.js';
import {
  CONSIGNED_TYPE,
  decodeEnvelope,
  decodeHeartbeat,
  decodeManifests,
  HEARTBEAT_TYPE,
  type Heartbeat,
  MANIFESTS_TYPE,
  type Manifest,
  type Manifests,
  type StatementType,
} from '../../shared/wire/statements.js';
import type { TenantRules, Verified, VerifiedConsignment, VerifiedManifests, VerifiedObject } from './messages.js';

const MANIFESTS_TYPES = [MANIFESTS_TYPE, CONSIGNED_TYPE] as const;
const SHA256_OF_NOTHING = createHash('sha256').digest('hex');

export class Verifier {
  private readonly keys = new Map<string, PublicKey>();
  private tenants = new Map<string, TenantRules>();

  constructor(keys: readonly PublicKey[], tenants: readonly TenantRules[]) {
    for (const key of keys) this.keys.set(toHex(key.keyId), key);
    this.useTenants(tenants);
  }

  /** What was judged before stays judged. */
  useTenants(tenants: readonly TenantRules[]): void {
    this.tenants = new Map(tenants.map((tenant) => [tenant.name, tenant]));
  }

  manifests(bytes: Uint8Array): Verified<VerifiedManifests> {
    return answer(() => {
      const { statement, statementType, keyId } = this.open(bytes, MANIFESTS_TYPES);
      const manifests = decodeManifests(statement, statementType);
      if (toHex(manifests.keyId) !== keyId) throw new SluiceError('MANIFEST_INVALID', 'It names another key.');
      const { history, coding, sealedMs } = manifests;
      const objects = manifests.manifests.map((manifest) => this.object(manifest, manifests, keyId));
      const consignment = this.consignment(manifests);
      return { history, coding, objects, sealedMs, ...(consignment ? { consignment } : {}) };
    });
  }

  heartbeat(bytes: Uint8Array): Verified<Heartbeat> {
    return answer(() => {
      const { statement, keyId } = this.open(bytes, [HEARTBEAT_TYPE]);
      const heartbeat = decodeHeartbeat(statement);
      if (toHex(heartbeat.keyId) !== keyId) throw new SluiceError('MANIFEST_INVALID', 'It names another key.');
      return heartbeat;
    });
  }

  private open<Type extends StatementType>(
    bytes: Uint8Array,
    wanted: readonly Type[],
  ): { statement: Uint8Array; statementType: Type; keyId: string } {
    const { statementType, statement, keyId, signature } = decodeEnvelope(bytes);
    const key = this.keys.get(toHex(keyId));
    if (!key) throw new SluiceError('ENVELOPE_KEY_UNKNOWN', `Its key id is ${toHex(keyId)}.`);
    if (!statementVerifies(key, statementType, statement, signature)) throw new SluiceError('ENVELOPE_SIGNATURE', '');
    const type = wanted.find((one) => one === statementType);
    if (!type) throw new SluiceError('ENVELOPE_MALFORMED', 'Its statement is of another type.');
    return { statement, statementType: type, keyId: toHex(keyId) };
  }

  private consignment({ consignment, manifests }: Manifests): VerifiedConsignment | undefined {
    if (!consignment) return undefined;
    const { root: rawRoot, ...same } = consignment;
    const { tenant } = manifests[0]!;
    const root = checkPath(rawRoot, this.tenants.get(tenant)?.names ?? 'portable');
    return { ...same, tenant, root: root.ok ? root.path : showName(rawRoot), parts: root.ok ? root.parts : [] };
  }

  private object(manifest: Manifest, manifests: Manifests, keyId: string): VerifiedObject {
    const { transfer, sequence, tenant, offset, sizeBytes, mtimeNs, sha256, type, label, submitter } = manifest;
    const rules = this.tenants.get(tenant);
    const path = checkPath(manifest.path, rules?.names ?? 'portable');
    const reject = rules ? this.objection(manifest, manifests, rules, path) : unknownTenant(tenant);
    return {
      transfer,
      sequence,
      tenant,
      path: path.ok ? path.path : showName(manifest.path),
      parts: path.ok ? path.parts : [],
      offset,
      sizeBytes,
      mtimeNs,
      sha256,
      type,
      label,
      submitter,
      keyId,
      ...(reject ? { reject } : {}),
    };
  }

  private objection(
    manifest: Manifest,
    { coding, manifests, consignment }: Manifests,
    rules: TenantRules,
    path: ReturnType<typeof checkPath>,
  ): { code: string; detail: string } | undefined {
    const { label, sizeBytes, sha256, verdicts, type } = manifest;
    if (!path.ok) return { code: path.code, detail: path.detail };
    const root = consignment ? checkPath(consignment.root, rules.names) : undefined;
    if (root && !root.ok) return { code: root.code, detail: root.detail };
    if (manifest.consignment !== '') {
      return { code: 'CONSIGNMENT_INVALID', detail: 'It names a consignment without saying what belongs to it.' };
    }
    if (!rules.labels.includes(label))
      return { code: 'VERIFY_LABEL_NOT_ALLOWED', detail: `It is labelled "${showName(label)}".` };
    if (!isTypeAllowed(rules.types, type)) {
      return { code: 'VERIFY_TYPE_NOT_ALLOWED', detail: `The low side says it is ${showName(type)}.` };
    }
    if (sizeBytes > rules.maxObjectBytes) {
      return { code: 'VERIFY_TOO_LARGE', detail: `It has ${sizeBytes} bytes, ${rules.maxObjectBytes} are allowed.` };
    }
    for (const required of rules.requiredFilters) {
      const verdict = verdicts.find(({ filter }) => filter === required);
      if (verdict?.digest !== sha256) return { code: 'VERIFY_VERDICT_MISSING', detail: `It is that of "${required}".` };
    }
    // Where one block holds one object, both digests are of the same bytes; of no bytes there is one digest only.
    const oneBlock = manifests.length === 1 && coding.blockDigests.length === 32;
    if ((oneBlock && toHex(coding.blockDigests) !== sha256) || (sizeBytes === 0 && sha256 !== SHA256_OF_NOTHING)) {
      return { code: 'MANIFEST_INVALID', detail: 'Its digests contradict each other.' };
    }
    return undefined;
  }
}

function unknownTenant(tenant: string): { code: string; detail: string } {
  return { code: 'VERIFY_TENANT_UNKNOWN', detail: `It is called "${showName(tenant)}".` };
}

function answer<T>(work: () => T): Verified<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, code: codeOf(error), detail: error instanceof SluiceError ? error.detail : String(error) };
  }
}
