/** What a source lost on its way, as FFmpeg says while it reads it. */
const corruptPicture = /corrupt decoded frame/i;
const repeated = /Last message repeated (\d+) times/;

/** Counts damaged pictures, line by line. When FFmpeg says more than anybody reads, there are more than it counts. */
export class DamageCount {
  #pictures = 0;
  #wasLast = false;

  get pictures(): number {
    return this.#pictures;
  }

  saw(line: string): void {
    const again = repeated.exec(line)?.[1];
    if (again === undefined) this.#wasLast = corruptPicture.test(line);
    if (this.#wasLast) this.#pictures += again === undefined ? 1 : Number(again);
  }
}

/** For people; empty when nothing is damaged. */
export function damageWarnings(pictures: number): string[] {
  if (pictures === 0) return [];
  return [pictures === 1 ? 'One picture is damaged' : `At least ${pictures} pictures are damaged`];
}
