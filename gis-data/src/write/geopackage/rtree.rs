//! An R-tree written at once.
//!
//! SQLite's R-tree takes one box at a time and splits its nodes as it grows, which costs more than all
//! the rest of a large export. Here the boxes are sorted into tiles (sort-tile-recursive), the nodes
//! filled one after another and written into the tables that SQLite keeps them in; their form is part
//! of SQLite's file format ("The SQLite R*Tree Module", section "Shadow Tables").

use rusqlite::Connection;

/// Boxes of a node: what SQLite settles on for pages of 1.3 kB and more.
const CELLS: usize = 51;
const CELL_BYTES: usize = 24;
const NODE_BYTES: usize = 4 + CELLS * CELL_BYTES;

/// A box with the row (or, higher up, the node) it stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    id: i64,
    /// Least and greatest x, least and greatest y, rounded outwards.
    edges: [f32; 4],
}

impl Entry {
    /// West, south, east, north.
    pub(super) fn new(id: i64, [west, south, east, north]: [f64; 4]) -> Entry {
        Entry {
            id,
            edges: [down(west), up(east), down(south), up(north)],
        }
    }

    fn middle(&self, axis: usize) -> f32 {
        match (axis, self.edges) {
            (0, [least, most, ..]) | (_, [_, _, least, most]) => least / 2.0 + most / 2.0,
        }
    }
}

fn down(value: f64) -> f32 {
    let rounded = value as f32;
    if f64::from(rounded) > value {
        rounded.next_down()
    } else {
        rounded
    }
}

fn up(value: f64) -> f32 {
    let rounded = value as f32;
    if f64::from(rounded) < value {
        rounded.next_up()
    } else {
        rounded
    }
}

/// Fills an R-tree that is empty.
pub(super) fn pack(database: &Connection, tree: &str, mut entries: Vec<Entry>) -> rusqlite::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let leaves = entries.len().div_ceil(CELLS);
    let strip = CELLS * (leaves as f64).sqrt().ceil() as usize;
    entries.sort_unstable_by(|a, b| a.middle(0).total_cmp(&b.middle(0)));
    for strip in entries.chunks_mut(strip.max(1)) {
        strip.sort_unstable_by(|a, b| a.middle(1).total_cmp(&b.middle(1)));
    }
    let mut write_node = database.prepare(&format!("insert or replace into {tree}_node values (?1, ?2)"))?;
    let mut write_row = database.prepare(&format!("insert into {tree}_rowid values (?1, ?2)"))?;
    let mut write_parent = database.prepare(&format!("insert into {tree}_parent values (?1, ?2)"))?;
    // The root is node 1; the rest are numbered as they come.
    let mut next_node = 2_i64;
    let mut depth = 0_u16;
    let mut rows: Vec<(i64, i64)> = Vec::with_capacity(entries.len());
    loop {
        let is_root = entries.len() <= CELLS;
        let mut above = Vec::with_capacity(entries.len().div_ceil(CELLS));
        for cells in entries.chunks(CELLS) {
            let node = if is_root { 1 } else { next_node };
            if !is_root {
                next_node += 1;
            }
            for cell in cells {
                if depth == 0 {
                    rows.push((cell.id, node));
                } else {
                    write_parent.execute((cell.id, node))?;
                }
            }
            write_node.execute((node, node_bytes(if is_root { depth } else { 0 }, cells)))?;
            above.push(Entry {
                id: node,
                edges: around(cells),
            });
        }
        if is_root {
            break;
        }
        entries = above;
        depth += 1;
    }
    // In the order of the table they go into.
    rows.sort_unstable();
    for row in rows {
        write_row.execute(row)?;
    }
    Ok(())
}

fn around(cells: &[Entry]) -> [f32; 4] {
    cells.iter().fold(
        [f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY, f32::NEG_INFINITY],
        |[west, east, south, north], cell| {
            let [w, e, s, n] = cell.edges;
            [west.min(w), east.max(e), south.min(s), north.max(n)]
        },
    )
}

fn node_bytes(depth: u16, cells: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(NODE_BYTES);
    bytes.extend_from_slice(&depth.to_be_bytes());
    bytes.extend_from_slice(&u16::try_from(cells.len()).unwrap_or(u16::MAX).to_be_bytes());
    for cell in cells {
        bytes.extend_from_slice(&cell.id.to_be_bytes());
        for edge in cell.edges {
            bytes.extend_from_slice(&edge.to_be_bytes());
        }
    }
    bytes.resize(NODE_BYTES, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Entry, pack};

    /// SQLite's own check of the tree, and its own search through it.
    #[test]
    fn sqlite_finds_the_packed_tree_sound_and_every_box_in_it() {
        for count in [0_i64, 1, 50, 51, 52, 2_601, 2_602, 40_000] {
            let database = Connection::open_in_memory().unwrap();
            database
                .execute_batch("create virtual table tree using rtree(id, minx, maxx, miny, maxy)")
                .unwrap();
            let boxes: Vec<(i64, [f64; 4])> = (1..=count)
                .map(|id| {
                    let (x, y) = ((id * 7_919 % 1_000) as f64 / 7.0, (id * 104_729 % 997) as f64 / 11.0);
                    (id, [x, y, x + 0.01, y + 0.02])
                })
                .collect();
            let entries = boxes.iter().map(|(id, edges)| Entry::new(*id, *edges)).collect();
            pack(&database, "tree", entries).unwrap();
            let verdict: String = database
                .query_row("select rtreecheck('tree')", [], |row| row.get(0))
                .unwrap();
            assert_eq!(verdict, "ok", "{count} boxes");
            let mut search = database
                .prepare(
                    "select id from tree where maxx >= 20 and minx <= 60 and maxy >= 10 and miny <= 40 order by id",
                )
                .unwrap();
            let found: Vec<i64> = search
                .query_map([], |row| row.get(0))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let wanted: Vec<i64> = boxes
                .iter()
                .filter(|(_, [west, south, east, north])| {
                    *east >= 20.0 && *west <= 60.0 && *north >= 10.0 && *south <= 40.0
                })
                .map(|(id, _)| *id)
                .collect();
            // Boxes are rounded outwards, so a search may find a neighbour more, never one less.
            assert!(wanted.iter().all(|id| found.contains(id)), "{count} boxes");
            assert!(found.len() <= wanted.len() + 3, "{count} boxes");
            // It can be changed afterwards as any other.
            database
                .execute("insert into tree values (100001, 1, 2, 1, 2)", [])
                .unwrap();
            database.execute("delete from tree where id <= 20000", []).unwrap();
            let verdict: String = database
                .query_row("select rtreecheck('tree')", [], |row| row.get(0))
                .unwrap();
            assert_eq!(verdict, "ok", "{count} boxes, changed");
        }
    }
}
