/**
 * What well-known name endings promise about the content. Only endings whose meaning is beyond doubt are listed; any
 * other promises nothing. "family/*" stands for every type of a family.
 */
const TEXT = ['text/*', 'application/xml', 'image/svg+xml'];
const ZIP = 'application/zip';
const OLD_OFFICE = 'application/x-cfb';
const OOXML = 'application/vnd.openxmlformats-officedocument.';
const ODF = 'application/vnd.oasis.opendocument.';
const PROGRAM = ['application/x-msdownload'];

const PROMISES: Record<string, readonly string[]> = {
  png: ['image/png', 'image/apng'],
  jpg: ['image/jpeg'],
  gif: ['image/gif'],
  webp: ['image/webp'],
  bmp: ['image/bmp'],
  tif: ['image/tiff'],
  ico: ['image/x-icon'],
  heic: ['image/heic', 'image/heif'],
  svg: ['image/svg+xml', 'application/xml'],
  pdf: ['application/pdf'],
  ps: ['application/postscript', 'application/eps'],
  rtf: ['application/rtf'],
  docx: [`${OOXML}wordprocessingml.document`, ZIP],
  xlsx: [`${OOXML}spreadsheetml.sheet`, ZIP],
  pptx: [`${OOXML}presentationml.presentation`, ZIP],
  odt: [`${ODF}text`, ZIP],
  ods: [`${ODF}spreadsheet`, ZIP],
  odp: [`${ODF}presentation`, ZIP],
  // Word and Excel have long written other things under their old endings, and nobody was surprised.
  doc: [OLD_OFFICE, 'application/rtf', 'text/html'],
  xls: [OLD_OFFICE, 'text/html', 'application/xml'],
  ppt: [OLD_OFFICE],
  msg: [OLD_OFFICE],
  msi: [OLD_OFFICE],
  epub: ['application/epub+zip', ZIP],
  zip: [ZIP],
  jar: ['application/java-archive', ZIP],
  apk: ['application/vnd.android.package-archive', 'application/java-archive', ZIP],
  gz: ['application/gzip'],
  bz2: ['application/x-bzip2'],
  xz: ['application/x-xz'],
  zst: ['application/zstd'],
  '7z': ['application/x-7z-compressed'],
  rar: ['application/x-rar-compressed'],
  tar: ['application/x-tar'],
  mp3: ['audio/mpeg'],
  wav: ['audio/wav'],
  flac: ['audio/flac'],
  ogg: ['audio/ogg', 'video/ogg', 'application/ogg'],
  mp4: ['video/mp4', 'audio/mp4', 'video/x-m4v', 'audio/x-m4a', 'video/quicktime'],
  mov: ['video/quicktime', 'video/mp4'],
  avi: ['video/vnd.avi'],
  mkv: ['video/matroska', 'video/webm'],
  webm: ['video/webm', 'video/matroska'],
  woff: ['font/woff'],
  woff2: ['font/woff2'],
  exe: PROGRAM,
  dll: PROGRAM,
  sqlite: ['application/x-sqlite3'],
  parquet: ['application/vnd.apache.parquet'],
  txt: TEXT,
  csv: TEXT,
  tsv: TEXT,
  log: TEXT,
  md: TEXT,
  json: TEXT,
  yaml: TEXT,
  xml: TEXT,
  html: TEXT,
};

const SAME: Record<string, string> = {
  jpeg: 'jpg',
  jpe: 'jpg',
  tiff: 'tif',
  heif: 'heic',
  htm: 'html',
  yml: 'yaml',
  tgz: 'gz',
  m4v: 'mp4',
  m4a: 'mp4',
  oga: 'ogg',
  ogv: 'ogg',
};

/** Every media type that an ending promises, for the test that knows which types there are. */
export const promisedTypes = (): string[] => Object.values(PROMISES).flat();

/** The ending of a name and the types it promises; undefined when it promises nothing. */
export function promiseOf(name: string): { extension: string; types: readonly string[] } | undefined {
  const last = name.slice(name.lastIndexOf('/') + 1);
  const dot = last.lastIndexOf('.');
  if (dot <= 0) return undefined; // ".gz" alone is a hidden file without an ending
  const written = last.slice(dot + 1).toLowerCase();
  const extension = Object.hasOwn(SAME, written) ? SAME[written]! : written;
  return Object.hasOwn(PROMISES, extension) ? { extension: written, types: PROMISES[extension]! } : undefined;
}

export function keepsPromise(types: readonly string[], type: string): boolean {
  return types.includes(type) || types.includes(`${type.split('/')[0]}/*`);
}
