/** Numbers of the children of this process that run now, as `spawnProcess` started them. */
export const runningChildren: Set<number> = new Set();
