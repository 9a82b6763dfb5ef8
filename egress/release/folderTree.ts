/** A folder of ours with everything in it: made safe on disk, or taken away. */
import type { Directory } from '../../shared/ops/files/directories.js';

/** Makes all names in it survive a power loss, the innermost first. Closes it. */
export function syncTree(tree: Directory): void {
  try {
    for (const name of tree.list()) if (tree.lstat(name)?.isDirectory()) syncTree(tree.openChild(name));
    tree.sync();
  } finally {
    tree.close();
  }
}

/** Removes it, if it is there. */
export function removeTree(parent: Directory, name: string | Buffer): void {
  const stat = parent.lstat(name);
  if (!stat?.isDirectory()) {
    if (stat) parent.unlink(name);
    return;
  }
  const tree = parent.openChild(name);
  try {
    for (const inside of tree.list()) removeTree(tree, inside);
  } finally {
    tree.close();
  }
  parent.removeChild(name);
}
