/**
 * The kernel in WebAssembly with SIMD (assembly.ts): a memory of its own for each kernel, and the tables it looks up
 * products in. They are made here, from the field, so that the field is defined in one place.
 */
import { multiply } from '../field.js';
import type { Kernel, KernelKind } from '../kernel.js';

/** What is used of the engine's WebAssembly; its own types come with those of a browser only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

const PAGE_BYTES = 65_536;
/** Tables of one constant: two of 16 bytes for each of the four nibbles of a word. */
const SET_BYTES = 128;
/** Bytes in front of the symbols: 512 sets of tables, and four for the kernel's own use. The same as in assembly.ts. */
const BASE = 516 * SET_BYTES;

type Operations = Omit<Kernel, 'memory'>;

/** Tables of all constants below 256, then of all multiples of 256: those of any other one are sums of two of them. */
function makeTables(): Uint8Array {
  const tables = new Uint8Array(512 * SET_BYTES);
  for (let set = 0; set < 512; set++) {
    const constant = set < 256 ? set : (set - 256) << 8;
    for (let nibble = 0; nibble < 4; nibble++) {
      for (let value = 0; value < 16; value++) {
        const product = multiply(constant, value << (4 * nibble));
        const at = set * SET_BYTES + nibble * 16 + value;
        tables[at] = product & 0xff;
        tables[at + 64] = product >> 8;
      }
    }
  }
  return tables;
}

class SimdKernel implements Kernel {
  readonly memory: Uint8Array;
  private readonly run: Operations;

  constructor(module: object, tables: Uint8Array, bytes: number) {
    const pages = Math.ceil((BASE + bytes) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    new Uint8Array(memory.buffer).set(tables);
    this.memory = new Uint8Array(memory.buffer, BASE, Math.ceil(bytes / 64) * 64);
    this.run = new WebAssembly.Instance(module, { env: { memory } }).exports as Operations;
  }

  // What costs no product is told apart here: every first group of a transform has the constant 0, many sums have 1.

  xor(to: number, from: number, bytes: number): void {
    this.run.xor(to, from, bytes);
  }

  multiply(to: number, from: number, bytes: number, constant: number): void {
    if (constant === 0) this.memory.fill(0, to, to + bytes);
    else if (constant === 1) this.memory.copyWithin(to, from, from + bytes);
    else this.run.multiply(to, from, bytes, constant);
  }

  multiplyAdd(to: number, from: number, bytes: number, constant: number): void {
    if (constant === 1) this.run.xor(to, from, bytes);
    else if (constant !== 0) this.run.multiplyAdd(to, from, bytes, constant);
  }

  evaluate(x: number, y: number, bytes: number, constant: number): void {
    if (constant === 0) this.run.xor(y, x, bytes);
    else this.run.evaluate(x, y, bytes, constant);
  }

  interpolate(x: number, y: number, bytes: number, constant: number): void {
    if (constant === 0) this.run.xor(y, x, bytes);
    else this.run.interpolate(x, y, bytes, constant);
  }

  evaluate4(at: number, bytes: number, left: number, right: number, top: number): void {
    this.run.evaluate4(at, bytes, left, right, top);
  }

  interpolate4(at: number, bytes: number, left: number, right: number, top: number): void {
    this.run.interpolate4(at, bytes, left, right, top);
  }
}

/** The kernel of a compiled assembly.ts. Throws what the engine throws when it cannot run it. */
export function simdKernel(name: string, wasm: Uint8Array): KernelKind {
  const module = new WebAssembly.Module(wasm);
  const tables = makeTables();
  return { name, constantCostBytes: 600, create: (bytes) => new SimdKernel(module, tables, bytes) };
}
