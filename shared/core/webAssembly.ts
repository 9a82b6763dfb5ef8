/** What is used of the engine's WebAssembly; its own types come with those of a browser only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (size: { initial: number; maximum: number; shared: boolean }) => PageMemory;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
};

/** Memory that threads share and that modules work in; it is handed to a thread as it is. */
export interface PageMemory {
  readonly buffer: SharedArrayBuffer;
}

const PAGE_BYTES = 64 * 1024;

/** At least so many bytes. Pages nobody writes to cost nothing. */
export function newPageMemory(bytes: number): PageMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  return new WebAssembly.Memory({ shared: true, initial: pages, maximum: pages });
}

/** What a module exports that works in this memory; undefined where the engine will not have it. */
export function instantiate(module: Uint8Array, memory: PageMemory): object | undefined {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } }).exports;
  } catch {
    return undefined;
  }
}
