// Papers as files: bringing them, and where they are saved from.
import { sendForm } from "@/api/http";
import type { StoredDocument } from "@/api/types";

/** What the server keeps, as a file chooser asks for it; by their bytes the server decides. */
export const documentKinds = ".pdf,.ofd,.jpg,.jpeg,.png,.tif,.tiff,.docx,.xlsx";

export async function bringDocument(file: File, onProgress: (share: number) => void, signal: AbortSignal): Promise<StoredDocument> {
  const form = new FormData();
  form.set("file", file, file.name);
  return (await sendForm("/api/v1/documents", form, onProgress, signal)) as StoredDocument;
}

export function documentAddress(id: string): string {
  return `/api/v1/documents/${encodeURIComponent(id)}/content`;
}
