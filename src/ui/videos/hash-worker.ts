/** SHA-256 of a file, away from the page so that it stays quick. */

interface WorkerScope {
  onmessage: ((event: MessageEvent<File>) => void) | null;
  postMessage(message: { sha256: string } | { error: string }): void;
}

const scope = self as unknown as WorkerScope;

scope.onmessage = ({ data }) => {
  void data
    .arrayBuffer()
    .then((bytes) => crypto.subtle.digest('SHA-256', bytes))
    .then(
      (digest) => scope.postMessage({ sha256: [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('') }),
      (error: unknown) => scope.postMessage({ error: String(error) }),
    );
};
