/** Stands for what the jobs do. */
export async function transcode(path: string): Promise<string> {
  return path.replace(/\.\w+$/, '.mp4');
}
