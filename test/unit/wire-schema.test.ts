/** proto/*.proto is the contract: the generated schema follows it, and every part of it is explained. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import protobuf from 'protobufjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const check = (cwd: string) => spawnSync(process.execPath, ['proto/generate.js', '--check'], { cwd, encoding: 'utf8' });

describe('wire schema', () => {
  it('is what proto/generate.js makes of proto/*.proto', () => {
    const { status, stderr } = check(root);
    expect(stderr).equal('');
    expect(status).equal(0);
  });

  it('the check notices a schema that is out of date', () => {
    const copy = mkdtempSync(join(tmpdir(), 'sluice-proto-'));
    try {
      cpSync(join(root, 'proto'), join(copy, 'proto'), { recursive: true });
      cpSync(join(root, 'package.json'), join(copy, 'package.json'));
      symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
      mkdirSync(join(copy, 'shared/wire'), { recursive: true });
      const schema = readFileSync(join(root, 'shared/wire/schema.ts'), 'utf8');
      writeFileSync(join(copy, 'shared/wire/schema.ts'), schema.replace('"id": 13', '"id": 14'));
      const { status, stderr } = check(copy);
      expect(status).equal(1);
      expect(stderr).match(/run "npm run proto"/);
      writeFileSync(join(copy, 'shared/wire/schema.ts'), schema);
      expect(check(copy).status).equal(0);
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it('every message, field and value has a comment', () => {
    const without: string[] = [];
    let fields = 0;
    for (const name of ['frame.proto', 'manifest.proto']) {
      const source = readFileSync(join(root, 'proto', name), 'utf8');
      const { root: parsed } = protobuf.parse(source, { keepCase: true, alternateCommentMode: true });
      for (const type of (parsed.lookup('sluice.v1') as protobuf.Namespace).nestedArray) {
        if (type instanceof protobuf.Type) {
          for (const field of type.fieldsArray) {
            fields++;
            if (!field.comment) without.push(`${type.name}.${field.name}`);
          }
        } else if (type instanceof protobuf.Enum) {
          for (const value of Object.keys(type.values))
            if (!type.comments[value]) without.push(`${type.name}.${value}`);
        }
        if (!type.comment) without.push(type.name);
      }
    }
    expect(without).deep.equal([]);
    expect(fields).greaterThan(50);
  });
});
