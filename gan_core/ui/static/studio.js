// The page's scripts. Each tab's element is filled when Gradio puts it on the page.

import "./tabs.js";
import "./head.js";
import "./generate.js";
import "./lab/following.js";
import "./lab/lab.js";
import "./interpolate.js";
import "./train.js";
