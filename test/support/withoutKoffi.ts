/** Preloaded into a process and those it starts: there is no koffi on this machine. */
import { register } from 'node:module';

const hooks = `export async function resolve(name, context, next) {
  if (name === 'koffi') throw new Error('Cannot find the native koffi module');
  return next(name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
