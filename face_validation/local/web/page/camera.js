// A picture by the camera: the front one for a person, the back one for a document, which has a frame to fill.

import { words } from "/page/language.js";

const dialog = document.querySelector("#camera");
const video = dialog.querySelector("video");
const status = dialog.querySelector("#camera-status");
const shoot = dialog.querySelector("[data-act=shoot]");

// The picture that the user takes; null when there is none.
export async function takePicture({ ofDocument }) {
  dialog.querySelector("#camera-title").textContent = ofDocument ? words().camera_document : words().camera_person;
  dialog.querySelector(".document-frame").hidden = !ofDocument;
  status.textContent = "";
  shoot.disabled = true;
  dialog.showModal();
  let stream = null;
  // The dialog may be closed while the browser still asks for the permission.
  let open = true;
  dialog.addEventListener("close", () => { open = false; }, { once: true });
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: ofDocument ? "environment" : "user", width: { ideal: 2560 }, height: { ideal: 1440 } },
    });
    video.srcObject = stream;
    video.classList.toggle("mirrored", !ofDocument);
    if (open) await video.play();
    shoot.disabled = false;
  } catch {
    status.textContent = words().no_camera;
  }
  const taken = open ? await choice() : null;
  for (const track of stream?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  if (dialog.open) dialog.close();
  return taken;
}

function choice() {
  return new Promise((resolve) => {
    const listening = new AbortController();
    const end = (result) => {
      listening.abort();
      resolve(result);
    };
    const { signal } = listening;
    dialog.addEventListener("close", () => end(null), { signal });
    dialog.querySelector("[data-act=cancel]").addEventListener("click", () => end(null), { signal });
    shoot.addEventListener("click", async () => end(await frame()), { signal });
  });
}

async function frame() {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}
