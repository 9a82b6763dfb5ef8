/**
 * Compares what the low side announces, signed, in every heartbeat with what this side is configured for (FAULTS 67). The
 * low side cannot know of any difference; each is said here once, and over when it is gone.
 */
import { formatSize } from '../../shared/core/units.js';
import { symbolBytesForMtu } from '../../shared/ops/config/derive.js';
import type { LinkParameters } from '../../shared/wire/statements.js';

export interface ParameterRules {
  /** IP MTU of the link, bytes. */
  readonly mtu: number;
  /** Milliseconds without a frame after which the link counts as silent. */
  readonly silence: number;
  /** Bytes of source blocks that assembly keeps in memory. */
  readonly memory: number;
}

export interface ParameterTools {
  alarm(code: string, words: string, about: string): void;
  over(code: string, about: string): void;
}

const CODE = 'LINK_PARAMETERS';
/** One that is lost must not count as silence. */
const HEARTBEATS_HEARD = 3;
/** How long nothing oversize may have come before that is over. */
const OVERSIZE_MS = 60_000;

export class ParameterWatch {
  private readonly said = new Map<string, string>();
  private oversize = 0;
  private oversizeMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly rules: ParameterRules,
    private readonly tools: ParameterTools,
  ) {}

  announced({ symbolBytes, blockSymbols, interleave, heartbeatMs }: LinkParameters): void {
    const { mtu, silence, memory } = this.rules;
    const here = symbolBytesForMtu(mtu);
    this.say(
      'link.mtu',
      symbolBytes !== here && `link.mtu gives symbols of ${here} bytes here; the low side sends ${symbolBytes}.`,
    );
    this.say(
      'link.silence',
      heartbeatMs * HEARTBEATS_HEARD > silence &&
        `Heartbeats come every ${heartbeatMs} ms; link.silence is ${silence} ms, less than three of them.`,
    );
    const openBytes = symbolBytes * blockSymbols * interleave;
    const words = `The low side sends ${interleave} blocks at once, ${formatSize(openBytes)} in all; assembly.memory is ${formatSize(memory)}, so blocks go to the disk in between.`;
    this.say('assembly.memory', openBytes > memory && words);
  }

  /** Frames that are too long cannot announce anything: they are only counted. `count` is all there ever were. */
  tooLong(count: number, nowMs: number): void {
    if (count > this.oversize) this.oversizeMs = nowMs;
    this.oversize = count;
    const isNow = nowMs - this.oversizeMs < OVERSIZE_MS;
    this.say('oversize', isNow && 'Datagrams longer than link.mtu allows arrive and are dropped.');
  }

  private say(about: string, words: string | false): void {
    const before = this.said.get(about);
    if (words !== false) {
      this.said.set(about, words);
      if (words !== before) this.tools.alarm(CODE, words, about);
    } else if (this.said.delete(about)) this.tools.over(CODE, about);
  }
}
