// The hub itself: as it comes, and with its history in memory only, which is the same server without a log on disk.

import { join } from 'node:path'

function hub(name, title, kind, files) {
  return {
    name,
    title,
    kind,
    launch: ({ programs, directory, port }) => ({
      command: [
        join(programs, 'tidings'), 'serve', '--listen', `127.0.0.1:${port}`, '--data', 'data',
        ...Object.keys(files).flatMap((file) => ['--config', join(directory, file)]),
      ],
      files,
    }),
    target: (url) => ['--url', url],
  }
}

export const peers = [
  hub('tidings', 'Tidings', 'hub', {}),
  hub('tidings-memory', 'Tidings, no log on disk', 'floor', { 'tidings.toml': '[log]\nengine = "memory"\n' }),
]
