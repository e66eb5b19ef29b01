// A small picture of one latent, as a button: painted when it can be, dragged to wherever a picture is wanted.

import { make } from "../dom.js";
import { pixels } from "../sprite.js";

export const KIND = "text/x-latent"; // of what is dragged

/** Puts an ImageData into a canvas of its own size; CSS makes it larger. */
export function put(canvas, image) {
  if (canvas.width !== image.width || canvas.height !== image.height) Object.assign(canvas, { width: image.width, height: image.height });
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.classList.toggle("crisp", pixels.crisp);
}

document.addEventListener("studio:crisp", () => document.querySelectorAll("gan-lab canvas").forEach((canvas) => canvas.classList.toggle("crisp", pixels.crisp)));

/** A button with the latent's picture. `label` is for the screen reader and the pointer that rests on it. */
export function tile(lab, latent, label, onclick, attributes = {}) {
  const canvas = make("canvas", { "aria-hidden": "true", width: lab.about.size, height: lab.about.size });
  const button = make("button", { type: "button", class: "tile", "aria-label": label, title: label, draggable: "true", onclick: () => onclick(button.latent), ...attributes }, canvas);
  button.addEventListener("dragstart", (event) => {
    event.dataTransfer.setData(KIND, lab.write(button.latent));
    event.dataTransfer.effectAllowed = "copy";
  });
  button.show = (now) => { // another latent in the same place
    button.latent = now;
    lab.brush.paint([now]).then(([image]) => { if (button.latent === now) put(canvas, image); }, (error) => console.error(error));
  };
  button.show(latent);
  return button;
}

/** Lets pictures be dropped on an element: ondrop(latent). */
export function dropTarget(lab, element, ondrop) {
  const ours = (event) => event.dataTransfer?.types.includes(KIND);
  element.addEventListener("dragover", (event) => {
    if (!ours(event)) return;
    event.preventDefault();
    event.stopPropagation();
    element.classList.add("dropping");
  });
  element.addEventListener("dragleave", () => element.classList.remove("dropping"));
  element.addEventListener("drop", (event) => {
    element.classList.remove("dropping");
    if (!ours(event)) return;
    event.preventDefault();
    event.stopPropagation();
    const latent = lab.read(event.dataTransfer.getData(KIND));
    if (latent) ondrop(latent);
  });
}
