/** The door to disk images: any modelled disk as a file that other tools read. */
export type { ImageSource } from "./image-source.ts";
export { writeQcow2, type Qcow2Options } from "./qcow2.ts";
export { writeVmdkSparse, type VmdkOptions } from "./vmdk.ts";
export { writeImage, type ImageFormat } from "./write-image.ts";
