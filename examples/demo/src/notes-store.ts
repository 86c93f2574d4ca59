import { DatabaseSync } from 'node:sqlite'

export interface Note {
  readonly id: number
  readonly text: string
}

/** Each user's notes, in a file; several processes may have it open. */
export interface NotesStore {
  list(userId: string): Note[]
  add(userId: string, text: string): Note
  clear(userId: string): number
  close(): void
}

export function openNotes(file: string): NotesStore {
  const database = new DatabaseSync(file, { timeout: 5_000 })
  database.exec('CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, text TEXT NOT NULL)')
  const list = database.prepare('SELECT id, text FROM notes WHERE user_id = ? ORDER BY id DESC LIMIT 50')
  const add = database.prepare('INSERT INTO notes (user_id, text) VALUES (?, ?)')
  const clear = database.prepare('DELETE FROM notes WHERE user_id = ?')
  return {
    list: userId => list.all(userId).map(row => ({ id: Number(row.id), text: String(row.text) })),
    add: (userId, text) => ({ id: Number(add.run(userId, text).lastInsertRowid), text }),
    clear: userId => Number(clear.run(userId).changes),
    close: () => database.close(),
  }
}
