// Explore stays at a run's newest snapshot, as the other tabs do. A page of its own has no runs to follow, and no such script.

import { Follower } from "../follower.js";

let lab;
const follower = new Follower((step) => { if (lab.about?.step !== step) lab.grown(); });

document.addEventListener("studio:explored", ({ detail }) => {
  lab = detail;
  follower.follow(lab.wanted);
});
