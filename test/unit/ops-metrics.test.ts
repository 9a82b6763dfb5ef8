/** Metrics for Prometheus (shared/ops/health/metrics.ts) and how long objects take (shared/ops/health/stageTimes.ts). */
import { expect } from 'chai';
import { LIMITS } from '../../shared/core/limits.js';
import { SideMetrics } from '../../shared/ops/health/metrics.js';
import { StageTimes } from '../../shared/ops/health/stageTimes.js';
import { alarm, highStatus, lowStatus } from '../support/statuses.js';

/** Value of each series, by its name with labels (the side left out). */
function series(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)!;
    const own = (labels ?? '').split(',').filter((label) => !label.startsWith('side='));
    values.set(`${name}{${own.sort().join(',')}}`, Number(value));
  }
  return values;
}

const object = (state: string, changes: object = {}) => ({
  transfer: 'a',
  tenant: 'town',
  sizeBytes: 10,
  state,
  ...changes,
});

describe('metrics', () => {
  const isTenant = (name: string) => name === 'town' || name === 'court';

  it('low side: figures of the status, in base units', async () => {
    const metrics = new SideMetrics('low', isTenant);
    const values = series(await metrics.text(lowStatus({ heldBack: 'full' })));
    for (const [name, value] of [
      ['sluice_link_sent_frames_total{}', 1_234],
      ['sluice_link_bytes_per_second{}', 15e6],
      ['sluice_queue_jobs{stage="scan",state="waiting"}', 3],
      ['sluice_stage_paused{stage="send"}', 1],
      ['sluice_objects{state="sent",tenant="town"}', 9],
      ['sluice_inside_bytes{tenant="town"}', 4_096],
      ['sluice_oldest_waiting_seconds{tenant="town"}', 90],
      ['sluice_oldest_waiting_seconds{tenant="court"}', 0],
      ['sluice_quota_bytes{tenant="town"}', 8_192],
      ['sluice_process_cpu_seconds_total{process="supervisor"}', 12.5],
      ['sluice_queue_store_up{}', 1],
      ['sluice_intake_held{}', 1],
      ['sluice_event_loop_delay_seconds{}', 0.0015],
    ] as const)
      expect(values.get(name), name).to.equal(value);
    expect(
      [...values.keys()].some((name) => name.includes('intake"')),
      'a process that does not run',
    ).to.equal(false);
  });

  it('high side: losses, repair and drops; what is over is not said any more', async () => {
    const metrics = new SideMetrics('high', isTenant);
    const values = series(await metrics.text(highStatus({ alarms: [alarm()] })));
    expect(values.get('sluice_link_frames_lost_total{}')).to.equal(14);
    expect(values.get('sluice_link_dropped_datagrams_total{by="kernel"}')).to.equal(3);
    expect(values.get('sluice_link_frames_total{outcome="bad_tag"}')).to.equal(2);
    expect(values.get('sluice_alarm_active{code="LINK_SILENT",severity="alarm"}')).to.equal(1);
    const later = series(await metrics.text(highStatus({ tenants: [] })));
    expect([...later.keys()].filter((name) => /alarm_active|tenant=/.test(name))).to.deep.equal([]);
    expect(later.get('sluice_link_frames_lost_total{}'), 'not added up').to.equal(14);
  });

  it('names and helps are those of Prometheus: prefix, base units, counters end in _total', async () => {
    const texts = await Promise.all([
      new SideMetrics('low', isTenant).text(lowStatus()),
      new SideMetrics('high', isTenant).text(highStatus({ alarms: [alarm()] })),
    ]);
    for (const line of texts.join('\n').split('\n')) {
      const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
      if (!name) continue;
      expect(name).to.match(/^sluice_[a-z_]+$/);
      expect(name.endsWith('_total'), line).to.equal(type === 'counter');
      expect(name).not.to.match(/(_ms|_kb|_percent|bits)/);
    }
    expect(texts[0]).to.match(/^# HELP sluice_objects \S/m);
    expect(texts[0]).to.include('side="low"');
  });

  it('objects are counted by state and code, bytes by tenant; what objects bring along is never a label', async () => {
    const metrics = new SideMetrics('low', isTenant);
    metrics.objects([
      object('taken'),
      object('taken'),
      object('sent'),
      object('sent', { tenant: 'x"} 1\nevil' }),
      object('sealed'),
    ]);
    metrics.objects([object('refused', { code: 'SCAN_TIMEOUT' }), object('refused', { code: '<script>' })]);
    metrics.alarm({ code: 'SPOOL_FULL' });
    const text = await metrics.text(lowStatus());
    const values = series(text);
    expect(values.get('sluice_object_events_total{code="none",state="taken"}'), 'scanned meanwhile').to.equal(1);
    expect(values.get('sluice_object_events_total{code="none",state="sent"}')).to.equal(2);
    expect(values.get('sluice_object_events_total{code="SCAN_TIMEOUT",state="refused"}')).to.equal(1);
    expect(values.get('sluice_object_events_total{code="other",state="refused"}')).to.equal(1);
    expect(values.get('sluice_tenant_bytes_total{state="sent",tenant="town"}')).to.equal(10);
    expect(values.get('sluice_alarms_total{code="SPOOL_FULL"}')).to.equal(1);
    expect(text).not.to.match(/evil|script/);
    expect(values.get('sluice_stage_seconds_count{stage="total"}')).to.equal(1);
  });

  it('a thousand tenants cost milliseconds', async () => {
    const { tenants } = lowStatus();
    const many = Array.from({ length: 1_000 }, (_, n) => ({ ...tenants[0]!, name: `t${n}` }));
    const metrics = new SideMetrics('low', isTenant);
    await metrics.text(lowStatus({ tenants: many }));
    const startedMs = performance.now();
    const text = await metrics.text(lowStatus({ tenants: many }));
    expect(performance.now() - startedMs).to.be.below(1_000);
    expect(text.match(/sluice_inside_objects\{/g)).to.have.length(1_000);
  });
});

describe('how long objects take', () => {
  let took: [string, number][];
  beforeEach(() => {
    took = [];
  });
  const follow = (side: 'low' | 'high', ...news: [string, number][]) => {
    const times = new StageTimes(side, (step, ms) => took.push([step, ms]));
    for (const [state, atMs] of news) times.note('a', state, atMs);
    return times;
  };

  it('low side: scan, seal, the wait for the link, sending, and all of it; a resend begins anew', () => {
    const way = ['taken', 'taken', 'sealed', 'sending', 'sent', 'sealed', 'sending', 'sent'];
    const times = follow('low', ...way.map((state, i): [string, number] => [state, 2 ** i]));
    expect(took).to.deep.equal([
      ['scan', 1],
      ['seal', 2],
      ['wait', 4],
      ['send', 8],
      ['total', 15],
      ['wait', 32],
      ['send', 64],
      ['total', 96],
    ]);
    expect(times.size).to.equal(0);
  });

  it('high side: assembly, also after a resend, and release', () => {
    follow('high', ['assembling', 0], ['incomplete', 10], ['verifying', 30], ['released', 31]);
    expect(took).to.deep.equal([
      ['assemble', 20],
      ['release', 1],
      ['total', 31],
    ]);
  });

  it('what began before, and what is beyond the bound, is not known', () => {
    const times = follow('low', ['sent', 5]);
    expect(took).to.deep.equal([]);
    for (let n = 0; n < LIMITS.objectsTimed + 10; n++) times.note(`t${n}`, 'taken', 0);
    expect(times.size).to.equal(LIMITS.objectsTimed);
    times.note(`t${LIMITS.objectsTimed + 5}`, 'sent', 1);
    times.note('t1', 'refused', 1);
    expect(times.size).to.equal(LIMITS.objectsTimed - 1);
  });
});
