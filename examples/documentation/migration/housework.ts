/** Stands for what the scheduled jobs do. */
export const done: string[] = [];

export async function deleteOldRows(): Promise<void> {
  done.push('old rows deleted');
}

export async function pollPartner(): Promise<void> {
  done.push('partner polled');
}
