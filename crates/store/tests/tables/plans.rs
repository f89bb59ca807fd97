//! Every query finds its rows by a key: no list is read from one end to the other, and none is sorted that can grow.
//!
//! The queries are taken from the source, so that a new one cannot be missed.

use rusqlite::Connection;

const SOURCES: [&str; 3] = [
    include_str!("../../src/tables/mod.rs"),
    include_str!("../../src/tables/reader.rs"),
    include_str!("../../src/tables/settlements.rs"),
    include_str!("../../src/tables/writer.rs"),
];

/// Whole tables are read where a platform starts or is verified, and their sizes are those of the platform, not of its
/// past. The `mark` has one row.
const READ_WHOLE: [&str; 4] = [
    "SELECT * FROM accounts",
    "SELECT * FROM tags",
    "SELECT position, frame_hash, time FROM mark",
    "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)",
];

/// Reads what is open, and nothing else.
const OPEN_ORDERS: &str = "SCAN orders USING INDEX orders_open";

fn statements() -> Vec<String> {
    let quoted = SOURCES.iter().flat_map(|source| source.split('"').skip(1).step_by(2));
    let starts = ["SELECT", "UPDATE", "DELETE", "INSERT", "REPLACE"];
    let queries = quoted.filter(|text| starts.iter().any(|start| text.starts_with(start)));
    // `row_counts` puts the table's name in.
    queries
        .filter(|text| !text.contains('{'))
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn plan(database: &Connection, query: &str) -> Vec<String> {
    let mut explain = database.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
    let nulls = vec![rusqlite::types::Null; explain.parameter_count()];
    let steps = explain.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3)).unwrap();
    steps.map(Result::unwrap).collect()
}

fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch(include_str!("../../src/tables/schema.sql")).unwrap();
    database
}

#[test]
fn every_query_searches_by_a_key() {
    let (database, statements) = (database(), statements());
    assert!(statements.len() > 30, "only {} statements found", statements.len());
    for query in statements.iter().filter(|query| !READ_WHOLE.contains(&query.as_str())) {
        for step in plan(&database, query) {
            let reads_all = step.starts_with("SCAN") && step != OPEN_ORDERS && step != "SCAN CONSTANT ROW";
            assert!(!reads_all || query.starts_with("UPDATE mark"), "{query}\n{step}");
        }
    }
}

/// Sorting is for a few pages at most: an inner query has cut each account's list already.
#[test]
fn only_cut_lists_are_sorted() {
    let database = database();
    let mut sorted = 0;
    for query in statements() {
        if !plan(&database, &query).iter().any(|step| step.contains("TEMP B-TREE")) {
            continue;
        }
        sorted += 1;
        let cut_first = query.contains("ORDER BY newest.position DESC LIMIT ?3)");
        let accounts_of_one = query == "SELECT * FROM accounts WHERE owner = ?1 ORDER BY ledger";
        assert!(cut_first || accounts_of_one, "{query}");
    }
    assert_eq!(sorted, 3, "payments, history, accounts");
    for step in plan(
        &database,
        "SELECT position FROM entries WHERE account = ?1 AND position < ?2 ORDER BY position DESC LIMIT 3",
    ) {
        assert!(!step.contains("TEMP"), "{step}");
    }
}
