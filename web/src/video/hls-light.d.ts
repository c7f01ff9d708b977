// The smaller build of hls.js comes without types of its own; they are those of the whole.
declare module "hls.js/light" {
  export { default } from "hls.js";
}
