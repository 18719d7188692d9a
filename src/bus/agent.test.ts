import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AgentCommand, WeirError } from '../contracts/index.js';
import { assertWithin, startTestBroker, waitFor } from '../testkit/index.js';
import { type AgentEvent, createBus, startAgent, watchAgents } from './index.js';

const facts = () => ({ host: 'here', pid: process.pid, version: '1', started_at: new Date().toISOString(), capabilities: { encoders: ['libx264'] } });

test('announce, heartbeat, command, loss, return, new instance, broker restart', async () => {
  await using broker = await startTestBroker();
  const hub = createBus(await broker.connect());
  const events: string[] = [];
  const onEvent = (event: AgentEvent) => {
    if (event.type === 'online') events.push(`online${event.previous === undefined ? '' : ' anew'}`);
    else if (event.type === 'lost') events.push('lost');
  };
  const watch = watchAgents(hub, { kind: 'spoke', onEvent, lostAfterMs: 400 });
  await watch.ready;

  const obeyed: AgentCommand[] = [];
  const start = async () => {
    const bus = createBus(await broker.connect());
    return startAgent(bus, {
      kind: 'spoke',
      agentId: 's1',
      announce: facts,
      heartbeatMs: 100,
      load: () => ({ streams: 2 }),
      onCommand(command) {
        obeyed.push(command);
        if (command.action === 'probe') throw new WeirError('not_found', 'no such device');
        return { took: command.action };
      },
    });
  };
  const agent = await start();
  await waitFor(() => watch.agents.get('s1')?.heartbeat?.load.streams === 2, { what: 'the heartbeat' });
  assert.deepEqual(watch.agents.get('s1')?.announce?.capabilities, { encoders: ['libx264'] });
  const reply = await watch.command('s1', { action: 'drain' });
  assert.deepEqual(reply.result, { took: 'drain' });
  await assert.rejects(
    watch.command('s1', { action: 'probe', device: '/dev/video9' }),
    (error: unknown) => error instanceof WeirError && error.code === 'not_found',
  );
  await assert.rejects(watch.command('s2', { action: 'drain' }), (error: unknown) => error instanceof WeirError && error.code === 'unavailable');
  assert.equal(obeyed.length, 2);
  agent.setState('draining');
  await waitFor(() => watch.agents.get('s1')?.heartbeat?.state === 'draining', { what: 'the state' });

  await agent.stop();
  await waitFor(() => events.includes('lost'), { what: 'the loss' });
  assert.equal(watch.agents.get('s1')?.online, false);
  const again = await start();
  await waitFor(() => events.includes('online anew'), { what: 'the new instance' });
  assert.notEqual(again.instance, agent.instance);
  assert.deepEqual(events, ['online', 'lost', 'online anew']);

  await broker.kill9();
  await broker.restart();
  const beats = watch.agents.get('s1')?.lastSeenAt ?? 0;
  const restarted = performance.now();
  await waitFor(() => (watch.agents.get('s1')?.lastSeenAt ?? 0) > beats, { what: 'a heartbeat after the restart' });
  await assertWithin(performance.now() - restarted, 2500, 'a heartbeat after the restart');
  assert.deepEqual(events, ['online', 'lost', 'online anew'], 'nobody is lost because the bus was away');
  assert.deepEqual((await watch.command('s1', { action: 'drain' })).result, { took: 'drain' });
  await again.stop();
  watch.stop();
});

test('an agent that was there first is asked to announce itself', async () => {
  await using broker = await startTestBroker();
  const bus = createBus(await broker.connect());
  const agent = await startAgent(bus, { kind: 'spoke', agentId: 's1', announce: facts, heartbeatMs: 100, onCommand: () => undefined });
  await bus.connection.flush();
  const watch = watchAgents(createBus(await broker.connect()), { kind: 'spoke', onEvent: () => undefined });
  const seen = await waitFor(() => watch.agents.get('s1')?.announce, { what: 'the announcement' });
  assert.equal(seen.instance, agent.instance);
  watch.stop();
  await agent.stop();
});

test('an agent cannot speak for another', async () => {
  await using broker = await startTestBroker();
  const bus = createBus(await broker.connect());
  const seen: AgentEvent[] = [];
  const watch = watchAgents(bus, { kind: 'spoke', onEvent: (event) => seen.push(event) });
  await watch.ready;
  const message = { agent_id: 'other', instance: 'i', state: 'ready' as const, load: {}, timestamp: new Date().toISOString() };
  bus.publish('spoke_heartbeat', { spoke_id: 's1' }, message);
  bus.publish('spoke_heartbeat', { spoke_id: 's2' }, { ...message, agent_id: 's2' });
  await waitFor(() => seen.length > 0, { what: 'the honest one' });
  assert.deepEqual([...watch.agents.keys()], ['s2']);
  watch.stop();
});
