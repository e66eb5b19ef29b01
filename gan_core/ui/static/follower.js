// "This run, live": when a run that is open by its newest snapshot makes a newer one, that takes over. What is in hand stays.

import { live } from "./live.js";

export class Follower {
  // newer(step): there is a snapshot of that step, the newest
  constructor(newer) {
    this.newer = newer;
  }

  /** run:NAME is a run by its newest snapshot; run:NAME@000500 stays as it is, and so does every other model. */
  follow(model) {
    const name = /^run:([^@]+)$/.exec(model ?? "")?.[1];
    if (name === this.name) return;
    this.leave?.();
    this.name = name;
    this.newest = undefined;
    this.leave = undefined;
    if (!name) return;
    const [run, leave] = live.follow(name, () => this.#hear(run));
    this.leave = leave;
    this.newest = run.record.snapshot();
  }

  #hear(run) {
    const newest = run.record.snapshot();
    if (newest === undefined || newest === this.newest) return;
    this.newest = newest;
    this.newer(newest);
  }
}
