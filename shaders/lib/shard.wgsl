// Which rows of a table a buffer holds: `rows` of them from `first` on. A row before wraps round, to one far behind.

struct Shard {
  first: u32,
  rows: u32,
}
