import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TailMemory, WorkEstimate, weighParts } from './work-estimate.js';

/** As real jobs went (`bench/eta`): 40 s of 1280x720 at 25 frames a second, two renditions, on four fifths of a processor. */
interface Trace {
  readonly name: string;
  /** Of the source, Mbit/s for each second. */
  readonly rates: readonly number[];
  /** From the begin of the encode to the end of the job. */
  readonly wholeS: number;
  /** Seconds since the encode began, and the part of the frames that was encoded. */
  readonly reports: readonly (readonly [number, number])[];
}

const traces: readonly Trace[] = [
  {
    name: 'of one kind',
    rates: [
      45.6, 44.1, 44.8, 44.2, 44.8, 44.1, 44.8, 44.1, 44.7, 44.1, 44.8, 44.1, 44.7, 44.1, 44.8, 44.2, 44.8, 44.1, 44.9, 44.2, 44.7, 44.1, 44.8, 44.1,
      44.7, 44.1, 44.8, 44.2, 44.8, 44.1, 44.8, 44.1, 44.8, 44.1, 44.8, 44, 44.7, 44, 44.8,
    ],
    wholeS: 34.2,
    reports: [
      [1.22, 0.045],
      [2.83, 0.093],
      [4.87, 0.157],
      [6.43, 0.204],
      [7.95, 0.251],
      [9.49, 0.299],
      [11.09, 0.345],
      [12.64, 0.392],
      [14.14, 0.436],
      [15.71, 0.485],
      [17.24, 0.532],
      [19.3, 0.593],
      [20.86, 0.64],
      [22.4, 0.687],
      [23.9, 0.733],
      [25.56, 0.781],
      [27.07, 0.827],
      [28.63, 0.878],
      [30.25, 0.927],
      [31.9, 0.978],
    ],
  },
  {
    name: 'an easy half, then a hard one',
    rates: [
      0.1, 0.1, 0.2, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.1, 0.2, 0.1, 48, 44.1, 45.2, 44.2, 44.8, 44.1, 44.8,
      44.1, 44.7, 44.1, 44.8, 44.1, 44.7, 44.1, 44.8, 44.2, 44.8, 44.1, 44.9,
    ],
    wholeS: 26.7,
    reports: [
      [1.13, 0.075],
      [2.67, 0.162],
      [4.22, 0.245],
      [5.76, 0.331],
      [7.28, 0.413],
      [8.81, 0.505],
      [10.45, 0.557],
      [11.98, 0.605],
      [13.63, 0.652],
      [15.22, 0.7],
      [16.77, 0.747],
      [18.86, 0.811],
      [20.37, 0.859],
      [21.88, 0.905],
      [23.42, 0.958],
      [25.26, 1],
    ],
  },
  {
    name: 'a hard half, then an easy one',
    rates: [
      45.6, 44.1, 44.8, 44.2, 44.8, 44.1, 44.8, 44.1, 44.7, 44.1, 44.8, 44.1, 44.7, 44.1, 44.8, 44.2, 44.8, 44.1, 44.9, 44.2, 0.1, 0.1, 0.2, 0.1, 0.2,
      0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.1, 0.2,
    ],
    wholeS: 25.6,
    reports: [
      [1.76, 0.057],
      [2.88, 0.088],
      [4.52, 0.129],
      [6.18, 0.177],
      [7.71, 0.218],
      [9.83, 0.284],
      [11.34, 0.333],
      [12.87, 0.384],
      [14.42, 0.433],
      [15.98, 0.484],
      [17.53, 0.562],
      [19.08, 0.676],
      [20.6, 0.773],
      [22.66, 0.887],
      [24.19, 0.982],
    ],
  },
];

const sourceOf = (rates: readonly number[]) => {
  const video = { coded_width: 1280, coded_height: 720, frame_rate: 25, bitrates_kbps: rates.map((rate) => rate * 1000) };
  return video as unknown as Parameters<typeof weighParts>[0];
};

describe('the end of a job is promised right within 15 % after the first tenth', () => {
  for (const { name, rates, wholeS, reports } of traces) {
    test(name, () => {
      const estimate = new WorkEstimate(weighParts(sourceOf(rates)));
      let promises = 0;
      for (const [atS, share] of reports) {
        estimate.saw(estimate.workOf(share), atS);
        if (atS < wholeS / 10) continue;
        const miss = Math.abs(atS + (estimate.leftS(atS) ?? Number.NaN) - wholeS) / wholeS;
        assert.ok(miss <= 0.15, `after ${atS} s the end was promised wrong by ${(miss * 100).toFixed(1)} %`);
        promises += 1;
      }
      assert.ok(promises >= 8);
    });
  }
});

describe('a job that becomes slower', () => {
  /** Of a short job on a busy machine, its end promised too early all the way by the speed since its begin alone. */
  const slower = {
    wholeS: 19.15,
    encodeS: 16.95,
    reports: [
      { atS: 1.65, share: 0.1055, promisedS: 14.5 },
      { atS: 3.25, share: 0.2297, promisedS: 11 },
      { atS: 5.65, share: 0.4604, promisedS: 7 },
      { atS: 10.45, share: 0.6879, promisedS: 4.9 },
      { atS: 15.25, share: 0.9143, promisedS: 1.5 },
      { atS: 16.85, share: 0.9923, promisedS: 0.6 },
    ],
  } as const;

  const promises = (tails: TailMemory) => {
    const estimate = new WorkEstimate([1], (encodeS) => tails.expectedS('encoded', encodeS));
    return slower.reports.map(({ atS, share, promisedS }) => {
      estimate.saw(share, atS);
      const leftS = slower.wholeS - atS;
      return { miss: Math.abs((estimate.leftS(atS) ?? Number.NaN) - leftS), before: Math.abs(promisedS - leftS) };
    });
  };

  test('is promised by its speed of late, and with what follows the encode', () => {
    const all = promises(new TailMemory());
    for (const { miss, before } of all) assert.ok(miss < before, `${miss} s instead of ${before} s`);
    for (const { miss } of all.slice(3)) assert.ok(miss <= slower.wholeS / 10, `${miss} s`);
  });

  test('is promised better once the worker has seen what follows an encode', () => {
    const tails = new TailMemory();
    tails.saw('encoded', slower.encodeS, slower.wholeS - slower.encodeS);
    for (const { miss } of promises(tails).slice(3)) assert.ok(miss <= slower.wholeS / 15, `${miss} s`);
  });

  test('stands still for a while, and is not promised for never', () => {
    const estimate = new WorkEstimate([1]);
    for (let atS = 1; atS <= 1000; atS += 1) estimate.saw(Math.min(0.5, atS / 100), atS);
    const leftS = estimate.leftS(1000);
    assert.ok(leftS !== null && leftS >= 1000 && leftS < 10_000, `${leftS} s`);
  });
});

describe('what follows the encode', () => {
  test('is learnt from job to job, for each kind by itself, within bounds', () => {
    const tails = new TailMemory();
    const usual = tails.expectedS('encoded', 60);
    tails.saw('encoded', 60, 3 * usual);
    assert.equal(tails.expectedS('encoded', 60).toFixed(6), (3 * usual).toFixed(6));
    assert.equal(tails.expectedS('copied', 60), usual);
    tails.saw('encoded', 60, usual);
    assert.equal(tails.expectedS('encoded', 60).toFixed(6), (2 * usual).toFixed(6));
    tails.saw('copied', 60, 1e9);
    assert.ok(tails.expectedS('copied', 60) <= 20 * usual);
  });
});

describe('the work of a video', () => {
  test('is even when nothing is known of it', () => {
    for (const video of [null, sourceOf([])]) assert.equal(new WorkEstimate(weighParts(video)).workOf(0.3), 0.3);
    assert.equal(new WorkEstimate([0, 0]).workOf(0.5), 0.5);
  });

  test('grows with the share, from none to all', () => {
    const estimate = new WorkEstimate([1, 3]);
    assert.deepEqual(
      [-1, 0, 0.25, 0.5, 0.75, 1, 2].map((share) => estimate.workOf(share)),
      [0, 0, 0.125, 0.25, 0.625, 1, 1],
    );
  });

  test('promises nothing at once, goes on between reports, and is never late by less than nothing', () => {
    const slow = new WorkEstimate([1]);
    assert.equal(slow.leftS(5), null);
    slow.saw(0.005, 5);
    assert.equal(slow.leftS(5), null, 'too little is done');
    const estimate = new WorkEstimate([1]);
    estimate.saw(0.5, 0.5);
    assert.equal(estimate.leftS(0.5), null, 'too early');
    estimate.saw(0.5, 30);
    assert.equal(estimate.leftS(30), 32.5);
    assert.equal(estimate.leftS(40), 22.5);
    assert.equal(estimate.leftS(100), 2.5);
  });
});
