import { gatewaySuite } from '../gateway.suite.js';
import { openFixture } from '../testing/fixture.js';

gatewaySuite('builtin', () => openFixture({ kind: 'builtin' }));
