// Pictures in the browser: aspect ratio, small copies, crops.

const THUMBNAIL_SIDE = 640; // pixels; larger than any encoder input
const UPLOAD_SIDE = 1280; // as frontend/pages/search/verdict.py knows it
const SMALL_BYTES = 300_000; // are sent as they are
const PHOTOS = /^image\/(jpeg|heic|heif)$/; // others may be transparent, which a JPEG is not
const reduced = new WeakMap(); // file -> the promise of its small copy

/** The CSS class of an aspect ratio, as on the server: width in twentieths of the height. */
export const shapeOf = (width, height) => `r${Math.min(44, Math.max(14, Math.round((20 * width) / height)))}`;

/** The decoded picture; null if this browser cannot show it. */
export async function decode(url) {
  const picture = new Image();
  picture.src = url;
  try {
    await picture.decode();
    return picture;
  } catch {
    return null;
  }
}

/** A crop (in percent) of a picture on a canvas of at most `side` pixels. */
function drawCrop(picture, side, part = { left: 0, top: 0, width: 100, height: 100 }) {
  const [wide, high] = [picture.naturalWidth / 100, picture.naturalHeight / 100];
  const source = [part.left * wide, part.top * high, part.width * wide, part.height * high];
  const scale = Math.min(1, side / Math.max(source[2], source[3]));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(source[2] * scale));
  canvas.height = Math.max(1, Math.round(source[3] * scale));
  canvas.getContext("2d").drawImage(picture, ...source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** A small copy as a data URL, for the history. */
export const thumbnailOf = (picture) => drawCrop(picture, THUMBNAIL_SIDE).toDataURL("image/jpeg", 0.85);

/** The crop as a file; without a crop, the whole picture. */
export function cropToFile(picture, part) {
  return new Promise((resolve) => { drawCrop(picture, UPLOAD_SIDE, part).toBlob(resolve, "image/jpeg", 0.92); });
}

/** What is sent of a picture to search with it, or with a part of it: of a large photo, a copy with all the pixels that are looked at. */
export async function fileToSend(file, picture, part) {
  const side = Math.round(UPLOAD_SIDE / (part ? Math.max(part.width, part.height) / 100 : 1));
  const isSmall = !picture || file.size <= SMALL_BYTES || Math.max(picture.naturalWidth, picture.naturalHeight) <= side;
  if (isSmall || !PHOTOS.test(file.type)) return file;
  const copy = () => new Promise((resolve) => { drawCrop(picture, side).toBlob((made) => resolve(made ?? file), "image/jpeg", 0.92); });
  if (part) return copy();
  if (!reduced.has(file)) reduced.set(file, copy());
  return reduced.get(file);
}

/** The file in a data URL. (The Content-Security-Policy does not let fetch() read it.) */
export function fileFromDataUrl(url) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  return new File([bytes], "picture.jpg", { type: "image/jpeg" });
}
