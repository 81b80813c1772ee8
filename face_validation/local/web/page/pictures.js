// Files as people have them become pictures that the service takes: upright, in sRGB, within its limits, no metadata.

const LONGEST_SIDE = 3072;
const QUALITY = 0.92;

export class PictureError extends Error {}

// A JPG of what the browser can decode; what it cannot (HEIC, PDF, TIFF) the local server reads.
export async function prepare(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return await preparedByServer(file);
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = canvasOf(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return await jpegOf(canvas);
}

async function preparedByServer(file) {
  const response = await fetch(`/page/preparation?name=${encodeURIComponent(file.name ?? "")}`, { method: "POST", body: file });
  if (response.headers.get("Content-Type") === "image/jpeg") return await response.blob();
  const { message, details } = (await response.json()).error;
  throw new PictureError(`${message} ${details}`.trim());
}

// The part of a picture around a face, so that it is the one that is compared. Boxes are ratios of the picture.
export async function cropped(blob, box) {
  const bitmap = await createImageBitmap(blob);
  const [dx, dy] = [box.width * 0.6, box.height * 0.6];
  const left = Math.max(0, box.left - dx);
  const top = Math.max(0, box.top - dy);
  const area = { left, top, width: Math.min(1, box.left + box.width + dx) - left, height: Math.min(1, box.top + box.height + dy) - top };
  const canvas = canvasOf(Math.max(80, Math.round(area.width * bitmap.width)), Math.max(80, Math.round(area.height * bitmap.height)));
  canvas
    .getContext("2d")
    .drawImage(bitmap, left * bitmap.width, top * bitmap.height, area.width * bitmap.width, area.height * bitmap.height, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return { blob: await jpegOf(canvas), area };
}

// The pictures side by side with their boxes and the verdict, as a PNG.
export async function withResult(sides, verdict, colours) {
  const height = 720;
  const bitmaps = await Promise.all(sides.map((side) => createImageBitmap(side.blob)));
  const widths = bitmaps.map((bitmap) => Math.round((bitmap.width * height) / bitmap.height));
  const canvas = canvasOf(widths.reduce((sum, width) => sum + width + 16, 16), height + 112);
  const context = canvas.getContext("2d");
  let left = 16;
  bitmaps.forEach((bitmap, index) => {
    context.drawImage(bitmap, left, 16, widths[index], height);
    context.lineWidth = 4;
    for (const { box, kind } of sides[index].boxes) {
      context.strokeStyle = colours[kind];
      context.strokeRect(left + box.left * widths[index], 16 + box.top * height, box.width * widths[index], box.height * height);
    }
    left += widths[index] + 16;
    bitmap.close();
  });
  context.fillStyle = colours.ink;
  context.font = "600 36px system-ui, sans-serif";
  context.fillText(verdict, 16, height + 76, canvas.width - 32);
  return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  // What is transparent becomes white, as the service makes it.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  return canvas;
}

const jpegOf = (canvas) => new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
