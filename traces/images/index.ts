/** The door to disk images: any modelled disk as a file that other tools read, and back. */
export type { ImageSource } from "./image-source.ts";
export { writeQcow2, type Qcow2Options } from "./qcow2.ts";
export { writeQcow2Snapshots, type Qcow2State } from "./qcow2-snapshots.ts";
export {
  type DiskImage,
  type DiskImageLayer,
  imageContent,
  type ImageResult,
  readImage,
} from "./reading/read-image.ts";
export type { ImageProblemCode } from "./reading/image-problem.ts";
export { writeVmdkSparse, type VmdkOptions } from "./vmdk.ts";
export { type ChainFormat, type ChainSource, writeChain } from "./write-chain.ts";
export { writeImage, type ImageFormat } from "./write-image.ts";
