// Packets, events and states refer to what many of them share. unfold puts it
// into its places; what is the same stays one object.
export function unfold(doc) {
  const row = (table) => (i) => doc[table][i];
  for (const p of doc.packets) {
    p.source = doc.sources[p.source];
    p.fields = p.fields.map(row("fields"));
  }
  for (const e of doc.events) e.source = doc.sources[e.source];
  for (const s of doc.states) s.facts = s.facts.map(row("facts"));
  return doc;
}
